"""Groups runs into cells: runs that differ only in their seed are one cell of a table; other differences are named."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from har_llm.common.digest import digest
from har_llm.common.paths import parts_apart
from har_llm.config.experiment import GROUPS
from har_llm.engines.decoding import PLAIN_DECODING
from har_llm.report.paper_choice import CANNOT_MATTER, SECTIONS, changed_sections, is_verbatim, joined, under
from har_llm.report.scored_run import ScoredRun
from har_llm.runs.facts import partial_labels
from har_llm.scoring.metrics import SessionMean

SHOWN_DIFFERENCES = 4
LONGEST_VALUE = 40
OF_A_NODE = 2
"""Most settings of one component that are told one by one."""
DIGITS = 6
"""Of a digest that tells settings apart."""


@dataclass(frozen=True)
class CellScore:
    """A score over the runs of a cell, as fractions. All fields are None if no run has it."""

    mean: float | None = None
    session_std: float | None = None
    """Standard deviation over sessions; over several seeds, the root of the mean variance."""
    seed_std: float | None = None
    """Standard deviation over seeds; None for a single one."""
    interval: tuple[float, float] | None = None
    """95 % confidence interval of the mean over sessions; over several seeds, the mean of their limits."""


@dataclass(frozen=True)
class Cell:
    runs: tuple[ScoredRun, ...]
    """One run for each seed, in order."""
    variant: str = ""
    """What distinguishes it from other cells with the same place in a table, and from what a reader expects there."""

    @property
    def run(self) -> ScoredRun:
        """One of the runs, for what all of them share."""
        return self.runs[0]

    def score(self, metric: str, *, without_null: bool = False) -> CellScore:
        scores = [run.scores_without_null if without_null else run.scores for run in self.runs]
        return combined([one[metric] for one in scores if one is not None])

    def pooled(self, metric: str, *, without_null: bool = False) -> float | None:
        """The score of all events taken together, as the mean over the runs."""
        found = [run.pooled(metric, without_null=without_null) for run in self.runs]
        values = [value for value in found if value is not None]
        return statistics.fmean(values) if values else None

    def parsed(self, parsing: str) -> Cell:
        """The same with the scores of this parsing."""
        return replace(self, runs=tuple(replace(run, parsing=parsing) for run in self.runs))

    def per_event(self, quantity: str) -> float | None:
        """prompt_tokens, completion_tokens or engine_seconds for each event, as the mean over the runs.

        A baseline has none.
        """
        if self.run.is_baseline:
            return None
        found = [run.per_event(getattr(run.result.environment, quantity)) for run in self.runs]
        values = [value for value in found if value is not None]
        return statistics.fmean(values) if values else None

    @property
    def engines(self) -> tuple[str, ...]:
        return tuple(sorted({engine for run in self.runs for engine in run.engines}))

    def row_name(self, *more: str) -> str:
        """The model, and in brackets what distinguishes it from others in the same place."""
        return with_variant(" ".join(part for part in (self.run.model_name, *more) if part), self.variant)


def with_variant(name: str, variant: str) -> str:
    return f"{name} [{variant}]" if variant else name


def combined(scores: Sequence[SessionMean]) -> CellScore:
    means = [score.mean for score in scores if score.mean is not None]
    spreads = [score.std for score in scores if score.std is not None]
    limits = [score.ci95 for score in scores if score.ci95 is not None]
    if not means:
        return CellScore()
    return CellScore(
        mean=statistics.fmean(means),
        session_std=math.sqrt(statistics.fmean(spread**2 for spread in spreads)) if spreads else None,
        seed_std=statistics.stdev(means) if len(means) > 1 else None,
        interval=(statistics.fmean(low for low, _ in limits), statistics.fmean(high for _, high in limits))
        if len(limits) == len(means)
        else None,
    )


def cells_of(runs: Sequence[ScoredRun]) -> tuple[list[Cell], list[str]]:
    """The cells of these runs, in order, and notes about runs that are shown once although they have several names."""
    once, notes = _each_once(runs)
    groups: dict[Hashable, list[ScoredRun]] = {}
    for run in once:
        groups.setdefault(identity(run), []).append(run)
    cells = []
    for group in groups.values():
        different, said = _different(group)
        notes += said
        cells += [Cell(seeds) for seeds in _seeds(different)]
    return _told_apart(cells), notes


def identity(run: ScoredRun) -> Hashable:
    """Everything except the seed. A student's adapter counts by what it was trained on: its weights depend on the seed."""
    model = (run.metrics.model, run.metrics.model_id, run.distillation, frozenset(run.weights.items()))
    return (place(run), setting(run), model, frozenset(run.settings.items()))


def place(run: ScoredRun) -> Hashable:
    """A run's place in a table, by the names that tables use. Runs with the same place must be distinguished.

    "All sessions" is one name, although their number depends on the split.
    """
    metrics, trained_on = run.metrics, None
    if run.distillation is not None:
        trained_on = (run.distillation.dataset, None if run.distillation.all_sessions else run.distillation.sessions)
    model = run.paper_model or metrics.model
    return (metrics.provenance, metrics.dataset, metrics.part, model, trained_on, run.ready_adapter)


def setting(run: ScoredRun) -> Hashable:
    """What a run was scored on, and how."""
    metrics = run.metrics
    how = (run.limit, metrics.decoding, metrics.samples, frozenset(run.versions.items()))
    return (metrics.provenance, metrics.dataset, metrics.part, run.sessions, metrics.events, *how)


def _each_once(runs: Sequence[ScoredRun]) -> tuple[list[ScoredRun], list[str]]:
    """Leave out runs that are the same under another name: an adapter trained on all sessions, or on the first 15 of 15."""
    found: dict[Hashable, ScoredRun] = {}
    notes = []
    for run in sorted(runs, key=lambda run: run.distillation is not None and not run.distillation.all_sessions):
        # The digest alone is not enough, because it is part of the folder's name, which anybody may change.
        same = (run.result.digest, run.metrics.seed, setting(run), run.metrics.model, tuple(run.scores.values()))
        kept = found.setdefault(same, run)
        if kept is not run:
            names = [one.result.folder.name for one in (run, kept)]
            notes.append(f"{names[0]} is the same run as {names[1]}, under another name; it is shown once.")
    return list(found.values()), notes


def _different(group: Sequence[ScoredRun]) -> tuple[list[ScoredRun], list[str]]:
    """The runs of a cell without those whose generations another seed has too, and notes about these."""
    by_generations: dict[str, list[ScoredRun]] = {}
    for run in sorted(group, key=lambda run: run.metrics.seed):
        by_generations.setdefault(run.metrics.generations_digest, []).append(run)
    kept, notes = [], []
    for same in by_generations.values():
        first = [run for run in same if run.metrics.seed == same[0].metrics.seed]
        kept += first
        if len(first) < len(same):
            names = ", ".join(run.result.folder.name for run in same)
            notes.append(
                f"These runs have the same generations, so their seeds change nothing, and only the first is shown; other "
                f"samples need model.sampling.temperature above 0: {names}."
            )
    return kept, notes


def _seeds(group: Sequence[ScoredRun]) -> list[tuple[ScoredRun, ...]]:
    """One cell, or a cell for each run if a seed occurs twice, because it is unknown which seeds belong together."""
    ordered = sorted(group, key=lambda run: (run.metrics.seed, run.result.folder.name))
    if len({run.metrics.seed for run in ordered}) < len(ordered):
        return [(run,) for run in ordered]
    return [tuple(ordered)]


def _told_apart(cells: Sequence[Cell]) -> list[Cell]:
    rivals: dict[Hashable, list[Cell]] = {}
    for cell in cells:
        rivals.setdefault(_rivalry(cell.run), []).append(cell)
    return [Cell(cell.runs, _variant(cell, rivals[_rivalry(cell.run)])) for cell in cells]


def _rivalry(run: ScoredRun) -> Hashable:
    """What must be distinguished from each other. Partial runs are marked, so they say nothing of other rows."""
    return (place(run), run.limit)


def _variant(cell: Cell, rivals: Sequence[Cell]) -> str:
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
    if any(engine.startswith("Scripted") for engine in cell.engines):
        said.append("answers from a script, not from a model")
    if len(cell.engines) > 1:
        said.append("generations of different engines")
    return [*said, *(run.departures if run.comparable else _own_choices(run))]


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
        return [f"{key}={_short(own.get(key, 'not set'))}" for key in keys]
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


def engine_note(cells: Iterable[Cell]) -> list[str]:
    """A note if the generations of the cells' language models come from more than one engine."""
    counts = Counter(engine for cell in cells if not cell.run.is_baseline for engine in cell.engines)
    if len(counts) < 2:
        return []
    made = "; ".join(f"{engine} ({count} of the rows)" for engine, count in sorted(counts.items()))
    return [f"Different engines, versions or hardware made the generations: {made}. The list of runs shows which."]
