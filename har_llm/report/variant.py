"""What a reader must know of a cell of a table, and what tells it from others in the same place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from har_llm.common.digest import digest
from har_llm.common.paths import parts_apart
from har_llm.config.experiment import GROUPS
from har_llm.engines.decoding import PLAIN_DECODING
from har_llm.report.cell import Cell
from har_llm.report.paper_choice import CANNOT_MATTER, SECTIONS, changed_sections, is_verbatim, joined, under
from har_llm.report.scored_run import ScoredRun
from har_llm.runs.facts import partial_labels

SHOWN_DIFFERENCES = 4
LONGEST_VALUE = 40
OF_A_NODE = 2
"""Most settings of one component that are told one by one."""
DIGITS = 6
"""Of a digest that tells settings apart."""


def variant_of(cell: Cell, rivals: Sequence[Cell]) -> str:
    said = marks(cell)
    if len(rivals) > 1:
        said += _differences(cell, rivals, [mark.partition("=")[0] for mark in said])
        same = [other for other in rivals if other is not cell and _told(other, rivals) == _told(cell, rivals)]
        if same:
            said.append(f"run {_own_name(cell, same)}")
    return joined(said)


def _own_name(cell: Cell, others: Sequence[Cell]) -> str:
    """The shortest name of a cell's directory that none of the others has."""

    def names(cell: Cell) -> tuple[str, str]:
        return (cell.run.result.digest, cell.run.result.folder.name)

    taken = {name for other in others for name in names(other)}
    own, *_ = parts_apart([one.run.result.folder for one in (cell, *others)])
    return next((name for name in names(cell) if name not in taken), own)


def _told(cell: Cell, rivals: Sequence[Cell]) -> list[str]:
    return [*marks(cell), *_differences(cell, rivals)]


def marks(cell: Cell) -> list[str]:
    """What a reader must know about a cell in every table."""
    run = cell.run
    said = [*partial_labels(run.metrics), *run.metrics.marks]
    if run.missing_folds is not None:
        said.append(run.missing_folds)
    said += scripted(cell)
    if len(cell.engines) > 1:
        said.append("generations of different engines")
    return [*said, *(run.departures if run.comparable else _own_choices(run))]


def scripted(cell: Cell) -> list[str]:
    """What is to be said of answers that no model gave; empty for those of one."""
    return ["answers from a script, not from a model"] * any(engine.startswith("Scripted") for engine in cell.engines)


def _own_choices(run: ScoredRun) -> Iterator[str]:
    """What cannot be held beside the paper is still marked for what makes its events or generations others."""
    if run.metrics.decoding != PLAIN_DECODING:
        yield f"decoding={run.metrics.decoding}"
    for setting, usual in (("dataset.null_class", "label"), ("dataset.extra_events", "[]")):
        if run.settings.get(setting, usual) != usual:
            yield f"{setting}={run.settings[setting]}"
    yield from changed_sections(run.settings)
    if is_verbatim(run.settings.get("prompt._target_")):
        yield f"prompt={_choice('prompt', run.settings)}"


def _differences(cell: Cell, rivals: Sequence[Cell], known: Sequence[str] = ()) -> list[str]:
    """This cell's values of the settings in which it and its rivals differ, but for those that are known."""
    facts = [_facts(one.run) for one in rivals]
    keys = sorted({key for one in facts for key in one}, key=lambda key: (key.startswith("prompt."), key))
    own = _facts(cell.run)
    differing = [key for key in keys if len({one.get(key) for one in facts}) > 1 and not under(key, known)]
    differing = [key for key in differing if not under(key, [SECTIONS])]  # held against the default prompt
    # The settings of what may be in the paper's tables are held beside the paper's: what is not marked is as there.
    if cell.run.comparable:
        held = [group for group in GROUPS if group != "model" or not cell.run.is_baseline]
        differing = [key for key in differing if key.partition(".")[0] not in held or under(key, CANNOT_MATTER)]
    said = [text for node, keys in _by_node(differing).items() for text in _told_of_node(node, keys, cell, rivals)]
    if len(said) <= SHOWN_DIFFERENCES:
        return said
    rest = digest([own.get(key) for key in differing])[:DIGITS]
    return [*said[: SHOWN_DIFFERENCES - 1], f"other settings ({rest})"]


def _by_node(keys: Sequence[str]) -> dict[str, list[str]]:
    """Settings by what they belong to: a group, or a component inside lora. Others are by themselves."""
    nodes: dict[str, list[str]] = {}
    for key in keys:
        group, *inside = key.split(".")
        node = key if group not in GROUPS else f"lora.{inside[0]}" if group == "lora" and len(inside) > 1 else group
        nodes.setdefault(node, []).append(key)
    return nodes


def _told_of_node(node: str, keys: Sequence[str], cell: Cell, rivals: Sequence[Cell]) -> list[str]:
    """In what a cell differs from its rivals within a node: by the node's name where that or the kind differs, or much."""
    own = _facts(cell.run)
    if len(keys) <= OF_A_NODE and not {f"{node}._target_", f"{node}.name"} & {*keys}:
        return [f"{key}={_short(own[key])}" if key in own else f"without {key}" for key in keys]
    contents = {(_choice(node, facts), *map(facts.get, keys)) for facts in (_facts(one.run) for one in rivals)}
    choice = _choice(node, own)
    if sum(content[0] == choice for content in contents) == 1:
        return [f"{node}={choice}"]
    return [f"{node}={choice} ({digest([own.get(key) for key in keys])[:DIGITS]})"]


def _choice(node: str, facts: Mapping[str, str]) -> str:
    """What a reader calls the option of a group: its name, or else its kind."""
    kind = facts.get(f"{node}._target_", "not set").rpartition(".")[2]
    own_text = [facts["prompt.path"]] if node == "prompt" and "prompt.path" in facts else []
    return " ".join([facts.get(f"{node}.name", kind), *own_text])


def _facts(run: ScoredRun) -> dict[str, str]:
    weights = {f"weights.{key}": value for key, value in run.weights.items()}
    versions = {f"versions.{key}": value for key, value in run.versions.items()}
    model = {"model.name": run.metrics.model, "model.id": run.metrics.model_id}
    if run.distillation is not None:
        model |= {"examples": run.distillation.method}
        if "lora.teacher.name" not in run.settings:
            model |= {"teacher": run.distillation.teacher or "none"}
        model |= {"training sessions": str(run.distillation.sessions), "training windows": str(run.distillation.windows)}
    scored = run.metrics.parsed(run.parsing).all.pooled.events
    counts = {"scored sessions": str(len(run.sessions)), "scored events": str(scored)}
    return {**run.settings, **model, **weights, **versions, **counts}


def _short(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 3]}..."
