"""Groups runs into cells: runs that differ only in their seed are one cell of a table; other differences are named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

from har_llm.report.cell import Cell
from har_llm.report.scored_run import ScoredRun
from har_llm.report.variant import variant_of


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
    return (metrics.provenance, metrics.dataset, metrics.part, run.model_name, trained_on, run.ready_adapter)


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
    return [Cell(cell.runs, variant_of(cell, rivals[_rivalry(cell.run)])) for cell in cells]


def _rivalry(run: ScoredRun) -> Hashable:
    """What must be distinguished from each other. Partial runs are marked, so they say nothing of other rows."""
    return (place(run), run.limit)


def engine_note(cells: Iterable[Cell]) -> list[str]:
    """A note if the generations of the cells' language models come from more than one engine."""
    counts = Counter(engine for cell in cells if not cell.run.is_baseline for engine in cell.engines)
    if len(counts) < 2:
        return []
    made = "; ".join(f"{engine} ({count} of the rows)" for engine, count in sorted(counts.items()))
    return [f"Different engines, versions or hardware made the generations: {made}. The list of runs shows which."]
