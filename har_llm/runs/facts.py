"""Describes a run in words: model, data, settings, engine, cost. All of it comes from the run's directory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from har_llm.common.numbers import counted, decimals, rough
from har_llm.common.paths import last_part
from har_llm.data.answer_form import AnswerForm
from har_llm.data.splits import ALL, FractionSplit, PaperSplit, part_name
from har_llm.engines.llama_cpp_config import AS_IN_FILE
from har_llm.models.resolve import UNRESOLVED
from har_llm.runs.directory import RunResult
from har_llm.runs.published import own_prompt
from har_llm.runs.result import Distillation, GeneratedBy, Metrics, RunAdapter, RunBaseline

USUAL_FORM = asdict(AnswerForm())
Facts = list[tuple[str, str]]
"""Pairs of name and description."""


def label(metrics: Metrics) -> str:
    """ "synthetic home, synthetic model; partial: first 5 windows only", or nothing."""
    return "; ".join(label_parts(metrics))


def label_parts(metrics: Metrics) -> list[str]:
    return [*filter(None, [metrics.provenance.label]), *partial_labels(metrics), *metrics.marks]


def labels(metrics: Metrics) -> list[str]:
    """What must be shown beside every score of a run, each in words: what is synthetic about it, that it is partial, and
    what its model has seen of gold and of the scored sessions."""
    return [*metrics.provenance.names, *partial_labels(metrics), *metrics.marks]


def described(metrics: Metrics) -> str:
    """ "qwen3_0.6b with distilled on marble (test part)"."""
    adapter = f" with {metrics.adapter.label}" if metrics.adapter else ""
    return f"{metrics.model_name}{adapter} on {metrics.dataset} ({part_name(metrics.part)})"


def partial_labels(metrics: Metrics) -> list[str]:
    """How much of the part a partial run shows to the model, and of its examples a training; empty for all of both."""
    shown = [f"partial: first {counted(metrics.limit or 0, 'window')} only"] if metrics.partial else []
    return [*shown, *short_training(metrics.adapter)]


def short_training(adapter: RunAdapter | None) -> list[str]:
    """That an adapter has not seen all of its examples once."""
    epochs = None if adapter is None or adapter.trained_on is None else adapter.trained_on.epochs
    return [f"trained for {_epochs(epochs)}"] if epochs is not None and epochs < 1 else []


def facts(run: RunResult) -> Facts:
    """Everything that another reader must know to judge the scores, most important first."""
    metrics, environment = run.metrics, run.environment
    engines = sorted({_engine(one) for one in environment.generated_by})
    found = [
        ("model", _model(run) if metrics.baseline is None else _baseline(metrics.model_name, metrics.baseline)),
        ("adapter", _adapter(metrics.adapter)),
        ("marked", "; ".join(metrics.marks)),
        ("data", _data(metrics)),
        ("split", "" if metrics.part == ALL else _split(run)),
        ("window", _choice(metrics.choices.window)),
        ("prompt", _prompt(run) if metrics.baseline is None else ""),
        ("generation", _generation(metrics) if metrics.baseline is None else ""),
        *(("engine", engine) for engine in engines),
        ("code", _code(run)),
        ("cost", _cost(run) if metrics.baseline is None else ""),
    ]
    return [(name, text) for name, text in found if text]


def _model(run: RunResult) -> str:
    metrics, identity = run.metrics, run.environment.model
    place = f"folder {last_part(metrics.model_id)}" if identity.get("id") == "local" else metrics.model_id
    revision = str(identity.get("revision"))
    served = revision.startswith(UNRESOLVED)
    parts = [
        f"{place}, as a server has it (version and number format unknown)" if served else f"{place} at {_short(revision)}"
    ]
    if metrics.parameters:
        parts.append(f"{rough(metrics.parameters)} parameters")
    if identity.get("weights") == AS_IN_FILE:  # model.dtype is not used then
        parts += filter(None, [run.environment.quantisation])
    elif not served:
        parts.append(str(identity.get("dtype")))
    parts += _settings(identity, "id", "revision", "dtype", "adapter", "script", "text", "finish_reason")
    return f"{metrics.model}: {', '.join(parts)}"


def _baseline(name: str, baseline: RunBaseline) -> str:
    """ "random_forest (supervised): a baseline, trained on the gold activities of 41 sessions (1,095 events)"."""
    data = f"{counted(baseline.sessions, 'session')} ({counted(baseline.events, 'event')})"
    trained = f"trained on the gold activities of {data}" if baseline.sessions else "without gold activities"
    return ", ".join([f"{name}: a baseline, {trained}", *_settings(baseline.settings)])


def _adapter(adapter: RunAdapter | None) -> str:
    if adapter is None:
        return ""
    if (one := adapter.trained_on) is None:
        place = adapter.folder or adapter.id
        named = "" if adapter.called == place else f"{adapter.called}: "
        return f"{named}{place} at {_short(adapter.revision)}"
    sessions = f"{'all ' if one.all_sessions else ''}{counted(one.sessions, 'session')}"
    data = f"{sessions} ({counted(one.windows, 'window')}) of {one.dataset}"
    origin = "gold answers" if one.teacher is None else f"generations of {one.teacher}"
    examples = f"{origin} for {data}" if one.sessions else f"{counted(one.windows, 'example')} of {one.dataset}"
    recipe = adapter.recipe or adapter.revision
    return f"{adapter.called}: recipe {_short(recipe)}, trained on {examples}{_extent(one)}"


def _extent(trained: Distillation) -> str:
    """How long an adapter was trained; empty where it was not noted."""
    if trained.steps is None or trained.epochs is None:
        return ""
    return f", {counted(trained.steps, 'step')}, {_epochs(trained.epochs)}"


def _epochs(epochs: float) -> str:
    """Less than one is never rounded to one."""
    return f"{epochs:.1f} epochs" if epochs >= 1 else f"{min(epochs, 0.9):.1g} epochs"


def _data(metrics: Metrics) -> str:
    counts = ((metrics.sessions, "session"), (metrics.windows, "window"), (metrics.events, "event"))
    return f"{metrics.dataset}, {part_name(metrics.part)}: {', '.join(counted(*one) for one in counts)}"


def _split(run: RunResult) -> str:
    """A home that no paper has divided is told the split that it has instead."""
    choice, dataset = run.metrics.choices.split, run.config.get("dataset")
    if choice.get("kind") == PaperSplit.__name__ and isinstance(dataset, Mapping) and dataset.get("paper_split") == {}:
        return _choice({**choice, "kind": FractionSplit.__name__, "train": "2/3"})
    return _choice(choice)


def _choice(choice: Mapping[str, Any]) -> str:
    """ "fixed windows, events 10, min_events 1" of a component's kind and settings."""
    name = str(choice.get("kind"))
    kind = " ".join(re.findall(r"[A-Z]+[^A-Z]*", name)).lower() or name
    return ", ".join([kind, *_settings(choice, "kind", "part")])


def _prompt(run: RunResult) -> str:
    """The digest covers the windows that were sent, so runs with another `limit` have another one."""
    choice = run.metrics.choices.prompt
    form, asked = choice.get("answer", USUAL_FORM), ""
    if own := own_prompt(run):
        asked += f" {own}"
    if form["format"] != USUAL_FORM["format"]:
        asked += ", an answer line for each event"
    elif form["keys"] != USUAL_FORM["keys"]:
        asked += f", answer keys {' and '.join(key for key in form['keys'].values() if key is not None)}"
    if shown := choice.get("examples"):
        asked += f", with gold activities of training windows ({', '.join(shown)})"
    if form["mark"] is not None:
        asked += f", reasoning in the text before {form['mark']!r}"
    return f"{choice.get('name')}{asked}, digest of the prompts of these windows {choice.get('digest')}"


def _generation(metrics: Metrics) -> str:
    samples = f"{counted(metrics.samples, 'generation')} per window"
    return ", ".join(
        [f"decoding {metrics.decoding}", samples, f"seed {metrics.seed}", *_settings(metrics.choices.generation)]
    )


def _settings(choice: Mapping[str, Any], *left_out: str) -> Iterator[str]:
    """The settings that are neither empty nor nested, as "name value"."""
    for name, value in choice.items():
        if name not in left_out and value is not None and not isinstance(value, list | dict):
            shown = {True: "on", False: "off"}[value] if isinstance(value, bool) else value
            yield f"{name} {shown}"


def _engine(made_by: GeneratedBy) -> str:
    versions = ", ".join(f"{library} {version}" for library, version in made_by.versions.items())
    server = _server(made_by)
    hardware = f" on {made_by.hardware}" if made_by.hardware else f" at {server}" if server else ""
    return f"{made_by.engine}{hardware}" + (f" ({versions})" if versions else "")


def other_servers(run: RunResult, server: str | None) -> Iterator[str]:
    """A sentence, if generations come from other servers than the one that would be asked now. `server`: its address; None
    where none would be asked."""
    made = {_server(one) for one in run.environment.generated_by}
    if server is not None and (others := sorted(filter(None, made - {server}))):
        yield (
            f"Made by {', '.join(others)}, not by {server}: a run is the same whichever server answers. If another model or "
            f"number format answers there, name it in model.revision, and its generations are made apart."
        )


def _server(made_by: GeneratedBy) -> str | None:
    server = made_by.further.get("server")
    return None if server is None else str(server)


def _code(run: RunResult) -> str:
    environment = run.environment
    state = f" at {_short(environment.code)}" if environment.code else ""
    return f"har_llm {environment.har_llm}{state}, Python {environment.python}"


def _cost(run: RunResult) -> str:
    windows, environment = run.metrics.windows, run.environment
    seconds = environment.engine_seconds
    return (
        f"{environment.prompt_tokens / windows:,.0f} prompt tokens, {environment.completion_tokens / windows:,.0f} "
        f"generated tokens, {decimals(seconds / windows, 2)} s per window; {seconds:,.1f} s of the engine in all"
    )


def _short(revision: str) -> str:
    """A commit's first digits, as git shows them; any other version in full."""
    return re.sub(r"\b([0-9a-f]{10})[0-9a-f]{20,}\b", r"\1", revision)
