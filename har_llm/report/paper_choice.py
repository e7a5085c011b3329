"""Holds everything that a run chose beside the paper's experiment.

The paper gives the values of some settings. Of the others conf/ has our choice; whoever changes one may come nearer to the
authors or go further away, which nobody can tell, so a reader is told that the paper is silent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from har_llm.common.shipped import conf_folder, shipped, shipped_option
from har_llm.models.resolve import UNRESOLVED
from har_llm.report.paper import DATASETS, TEACHER

DIFFERS, SILENT = "differs from the paper", "the paper is silent"

STATED = (
    *("window._target_", "window.events", "window.stride", "window.gap_minutes", "window.minutes"),
    *(f"lora.window.{name}" for name in ("_target_", "events", "stride", "gap_minutes", "minutes")),
    *("split", "dataset.paper_split"),
    *("model.id", "model.thinking", "lora.teacher.id", "lora.teacher.thinking", "lora.source._target_"),
    *("lora.examples", "lora.training.max_steps", "lora.training.learning_rate", "lora.trainer"),
    *("decoding.samples", "dataset.extra_events"),
)
"""Settings, or nodes of settings, whose values sections 3 and 4 of the paper give: windows of 10 events without overlap, the
first sessions for training, Qwen3 and its reasoning, a generation a window, all examples, 500 steps from 2e-4, Unsloth."""

CANNOT_MATTER: Mapping[str, str] = {
    **dict.fromkeys(
        ("task", "runs", "baselines", "paths", "export", "report", "compare", "tracker", "watch"),
        "what is done with a result, not the result",
    ),
    "seed": "another sample of the same experiment; tables count the seeds",
    "limit": "such a run is marked partial and gets no number of the paper",
    "metrics": "tables name the F1 and the parsing that they show; the table of candidates has all",
    "engine": "what changes generations is kept with the model and marked from there",
    **dict.fromkeys(("dataset.name", "model.name", "lora.teacher.name", "decoding.name", "lora.name"), "a name"),
    **dict.fromkeys(
        (f"{model}.{size}" for model in ("model", "lora.teacher") for size in ("parameters", "embeddings", "cache_values")),
        "only says whether a model fits into memory",
    ),
    **dict.fromkeys(
        ("model.trust_remote_code", "lora.teacher.trust_remote_code"), "whether a model's own code may run; Qwen3 has none"
    ),
    **dict.fromkeys(
        ("dataset.synthetic", "model.synthetic", "lora.teacher.synthetic"), "what is synthetic is in no table of the paper"
    ),
    "dataset.folder": "where the files are",
    "lora.examples.path": "where the file is; its name and digest are with the adapter",
    "dataset.expected": "known counts, for task=describe",
    "split.part": "only runs on the test part are in the paper's tables",
    "lora.train_sessions": "figure 4's axis",
    "lora.training.save_steps": "how often a training can be resumed",
    "lora.training.per_device_train_batch_size": "how many of a batch are computed at once",
}
"""Settings, or nodes of settings, that change nothing in a table beside the paper, with the reason."""

PROMPT = "reasoning"
"""conf/prompt's name of the paper's prompt."""
SECTIONS = "prompt.sections"
AS_ONE = ("dataset", "lora.source", "prompt")
"""Nodes of texts and lists: a change inside one of their nodes is named by that node; one of a section by its own name."""
WHOLE = ("lora.engine",)
"""Nodes that are named as one, whatever is inside: few settings of an engine are meant to change generations."""
OF_A_MODEL = ("model.id", "model.revision", "model.context")
"""What a model that is not in the paper has of its own; its row is beside no number."""
LONGEST_VALUE = 40
ASKED_FOR = ("id", "revision", "dtype", "adapter", "trust_remote_code")
"""What else identifies a model's weights is a setting of the engine that changes generations."""


class Chosen(NamedTuple):
    """What a run on one of the paper's datasets was made with."""

    config: Mapping[str, Any]
    weights: Mapping[str, str]
    """What identifies its model's weights."""
    dataset: str
    model: str | None
    """conf/model's name of the paper's model that it is, if it is one."""
    adapted: bool
    """Whether it has an adapter."""


def departures(chosen: Chosen) -> list[str]:
    """Each setting that is not as in the paper's experiment, as "window.events=20 (differs from the paper)"."""
    config = {group: value for group, value in chosen.config.items() if chosen.adapted or group != "lora"}
    prompt, usual = chosen_prompt(config)
    ours, theirs = flattened(config), flattened(_experiment(chosen) | usual)
    differing = [
        key
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key) and not under(key, (*CANNOT_MATTER, *(() if chosen.model else OF_A_MODEL)))
    ]
    other_kinds = [key.removesuffix("._target_") for key in differing if key.endswith("._target_")]
    # What a component of another kind does not have need not be named besides its kind.
    named = [key for key in differing if key in ours or not under(key, other_kinds)]
    found = {name: _value(ours.get(key), key, name) for key in named for name in [_shown(key, (SECTIONS, *AS_ONE))]}
    found = ({"prompt": prompt} if prompt else {}) | found
    if chosen.weights.get("revision", "").startswith(UNRESOLVED):
        found["weights.held_by"] = "a server, which may have quantised them"
    found |= {f"weights.{key}": value for key, value in chosen.weights.items() if key not in ASKED_FOR}
    return [f"{key.removesuffix('._target_')}={value} ({_mark(key)})" for key, value in found.items()]


def joined(marks: Sequence[str]) -> str:
    """Marks of a row in one text: the departures of each kind are named together."""
    ends = {kind: f" ({kind})" for kind in (DIFFERS, SILENT)}
    said = [mark for mark in marks if not mark.endswith(tuple(ends.values()))]
    for kind, end in ends.items():
        if found := [mark.removesuffix(end) for mark in marks if mark.endswith(end)]:
            said.append(f"{kind}: {', '.join(found)}")
    return "; ".join(said)


def _mark(key: str) -> str:
    return DIFFERS if under(key, STATED) else SILENT


def _experiment(chosen: Chosen) -> dict[str, Any]:
    """The paper's experiment with this model and dataset, and this source of a teacher's windows, as conf/ composes it."""
    model = shipped_option("model", chosen.model or TEACHER)
    found, lora = {**_on(chosen.dataset), "model": model}, chosen.config.get("lora")
    if not chosen.adapted or not isinstance(lora, dict):
        return {group: value for group, value in found.items() if group != "lora"}
    more = {"window": found["window"]} if isinstance(lora.get("window"), dict) else {}
    source = lora.get("source")
    if isinstance(source, dict) and source.get("name") in DATASETS:
        more["source"] = _on(source["name"])["dataset"]
    return {**found, "lora": {**found["lora"], **more}}


def _on(dataset: str) -> dict[str, Any]:
    return shipped(f"dataset={dataset}", "lora=distilled", f"prompt={PROMPT}")


def flattened(content: Mapping[Any, Any], where: str = "") -> dict[str, str]:
    """Nested settings as "window.events" -> "10". Those that are null are left out."""
    flat: dict[str, str] = {}
    for key, value in content.items():
        name = f"{where}{key}"
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{name}.")
        elif value is not None:
            flat[name] = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return flat


def chosen_prompt(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name of a prompt that is not the paper's, and the config's node that it usually has.

    Empty for the paper's own prompt, also with some settings changed, and for one that conf/ does not have.
    """
    prompt = config.get("prompt")
    if not isinstance(prompt, dict):
        return "", {}
    name = str(prompt.get("name"))
    if is_verbatim(prompt.get("_target_")):
        return f"{name} {prompt.get('path')}", {"prompt": prompt}
    if name == PROMPT or not (conf_folder() / "prompt" / f"{name}.yaml").is_file():
        return "", {}
    return name, {"prompt": shipped_option("prompt", name)}


def is_verbatim(target: object) -> bool:
    """Whether a prompt's class sends a user's own text."""
    return str(target).endswith(".VerbatimPrompt")


def changed_sections(settings: Mapping[str, str]) -> list[str]:
    """The sections of a run's prompt that are not as in its option of conf/prompt, as "prompt.sections.rules=null"."""
    name = settings.get("prompt.name", "")
    if not (conf_folder() / "prompt" / f"{name}.yaml").is_file():
        return []
    usual = flattened({"prompt": shipped_option("prompt", name)})
    ours, theirs = ({key: text for key, text in one.items() if under(key, [SECTIONS])} for one in (settings, usual))
    differing = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    return [f"{key}={_value(ours.get(key), key, key)}" for key in differing] if ours else []


def _shown(key: str, nodes: Iterable[str]) -> str:
    """The key, or that of the node that it is shown as."""
    for node in WHOLE:
        if under(key, [node]):
            return node
    for node in nodes:
        if key.startswith(f"{node}."):
            return ".".join([node, key.removeprefix(f"{node}.").partition(".")[0]])
    return key


def _value(value: str | None, key: str, name: str) -> str:
    """The value of a setting in a mark; `name` is the setting, or the node that it is shown as."""
    if value is None:
        return "null"
    if key.endswith("._target_"):
        return value.rpartition(".")[2]
    if not value:
        return "empty"
    return "changed" if name != key or len(value) > LONGEST_VALUE or "\n" in value else value


def under(key: str, names: Iterable[str]) -> bool:
    """Whether a setting is one of these, or inside one of these nodes."""
    return any(key == name or key.startswith(f"{name}.") for name in names)
