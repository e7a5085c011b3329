"""The content of a report's figures: figures 3 and 4 of the paper, and F1 against the cost of an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from har_llm.report.cell import Cell, with_variant
from har_llm.report.figures.chart import Chart, Level, Panel, Point, Series
from har_llm.report.figures.parts import BASELINES_LOOK, baseline_levels, caption, in_order, point, score_name
from har_llm.report.figures.swept import ablations, windows
from har_llm.report.grouping import Report, adapted, grouped
from har_llm.report.paper import LABELS, SIZES, TEACHER, Key, results
from har_llm.report.scored_run import ScoredRun

TEACHERS_LOOK = -1


def make_charts(report: Report, *, xscale: str = "linear") -> list[Chart]:
    """The charts for which there are runs. Synthetic and real results are never in one picture. `xscale`: of figure 3."""
    made = []
    others = ((f"_{name}", kind.label or "", cells) for name, kind, cells in report.kinds)
    for suffix, mark, cells in (("", "", report.paper), *others):
        scored = [cell for cell in cells if cell.score(report.headline).mean is not None]
        single = (make(report, scored) for make in (_figure4, windows, ablations))
        for chart in (_figure3(report, scored, logarithmic=xscale == "log"), *single, *_costs(report, scored)):
            if chart is not None:
                made.append(_marked(replace(chart, name=chart.name + suffix), mark))
    return made


def _marked(chart: Chart, mark: str) -> Chart:
    if not mark:
        return chart
    return replace(chart, mark=mark, title=f"{chart.title} ({mark})", caption=f"{chart.caption} Made with: {mark}.")


def _figure3(report: Report, cells: Sequence[Cell], *, logarithmic: bool) -> Chart | None:
    """F1 against the number of parameters: a line for each home."""
    plain = [cell for cell in cells if not adapted(cell.run) and cell.run.metrics.parameters]
    if len({cell.run.metrics.parameters for cell in plain}) < 2:
        return None
    unit, word = (1e9, "billions") if max(cell.run.metrics.parameters or 0 for cell in plain) >= 1e9 else (1e6, "millions")
    series, levels = [], list[Level]()
    for look, (home, inside) in enumerate(grouped(plain, lambda cell: cell.run.home_name).items()):
        levels += baseline_levels(report, report.beside(inside), look, home)
        for variant, group in grouped(inside, lambda cell: cell.variant).items():
            points = [point(report, cell, (cell.run.metrics.parameters or 0) / unit) for cell in group]
            series.append(Series(with_variant(home, variant), in_order(points), look, joined=not variant))
        if inside[0].run.comparable and report.headline.startswith("f1_"):
            series.append(
                Series(f"{home} (paper)", _paper_sizes(inside[0].run.metrics.dataset, unit), look, paper=True, joined=False)
            )
    panels = [Panel("", series, levels)]
    scale = "logarithmic axis" if logarithmic else "to scale"
    text = caption(report, f"of models as they are, by their number of parameters ({scale})", panels)
    title = f"Figure 3: {report.headline_name} by number of parameters"
    return Chart("figure3", title, text, f"parameters ({word})", score_name(report), panels, logarithmic=logarithmic)


def _paper_sizes(dataset: str, unit: float) -> list[Point]:
    return [Point(size / unit, float(results()[Key("f1", model, "", None, dataset)].value)) for model, size in SIZES.items()]


def _figure4(report: Report, cells: Sequence[Cell]) -> Chart | None:
    """A panel for each home where a student was trained on different numbers of its sessions."""
    panels = []
    for home, inside in grouped(cells, lambda cell: cell.run.home_name).items():
        trained = [cell for cell in inside if _at_home(cell)]
        students = grouped(trained, lambda cell: cell.run.model_name)
        several = (group for group in students.values() if len({cell.run.distillation for cell in group}) > 1)
        counted = [cell for group in several for cell in group]
        if counted:
            panels.append(_student_panel(report, home, counted))
    if not panels:
        return None
    levels = (level for panel in panels for level in panel.levels)
    lines = "; lines: the teacher, and the student as it is" if any(level.dashes is None for level in levels) else ""
    shown = f"of students by the number of sessions that they were trained on{lines}"
    text, title = caption(report, shown, panels), f"Figure 4: {report.headline_name} by training sessions"
    return Chart("figure4", title, text, "training sessions", score_name(report), panels, whole=True)


def _at_home(cell: Cell) -> bool:
    """Whether the student was trained on the home that it is scored on."""
    trained = cell.run.distillation
    return trained is not None and trained.dataset == cell.run.metrics.dataset


def _student_panel(report: Report, home: str, cells: Sequence[Cell]) -> Panel:
    series: list[Series] = []
    levels: dict[str, Level] = {}
    students = grouped(cells, lambda cell: with_variant(cell.run.model_name, cell.variant))
    for look, (label, group) in enumerate(students.items()):
        points = [point(report, cell, cell.run.distillation.sessions) for cell in group if cell.run.distillation is not None]
        series.append(Series(f"{label}, trained", in_order(points), look))
        for level in (level for cell in group for level in _levels(report, cell, look)):
            levels.setdefault(level.label, level)
    for look, group in enumerate(students.values()):
        paper = _paper_sessions(report, group[0])
        if paper and not any(one.paper for one in series):  # the paper has one such student
            series.append(Series(f"{group[0].run.model_name}, trained (paper)", paper, look, paper=True, joined=False))
    swept, others = _swept_baselines(report.beside(cells))
    for group in swept:
        points = [point(report, cell, _sessions(cell)) for cell in group]
        series.append(Series(group[0].run.model_name, in_order(points), len(series) + 1))
    return Panel(home, series, [*levels.values(), *baseline_levels(report, others, BASELINES_LOOK)])


def _swept_baselines(baselines: Sequence[Cell]) -> tuple[list[list[Cell]], list[Cell]]:
    """Groups of baselines that differ in the number of sessions that they are trained on, and the others."""
    groups = grouped([cell for cell in baselines if _sessions(cell)], lambda cell: cell.run.model_name).values()
    swept = [group for group in groups if len({_sessions(cell) for cell in group}) == len(group) > 1]
    return swept, [cell for cell in baselines if not any(cell in group for group in swept)]


def _sessions(cell: Cell) -> int:
    """The number of sessions that a baseline is trained on."""
    baseline = cell.run.metrics.baseline
    return 0 if baseline is None else baseline.sessions


def _levels(report: Report, cell: Cell, look: int) -> list[Level]:
    found = []
    for level, role, own in ((report.teacher_of(cell), "teacher", TEACHERS_LOOK), (report.plain_of(cell), "as it is", look)):
        mean = None if level is None else level.score(report.headline).mean
        if level is not None and mean is not None:
            label = f"{with_variant(level.run.model_name, level.variant)}, {role}"
            found.append(Level(label, 100 * mean, own))
    return found


def _paper_sessions(report: Report, cell: Cell) -> list[Point]:
    run, model = cell.run, cell.run.paper_model
    trained_alike = run.distillation is not None and run.distillation.teacher == TEACHER
    if not (report.headline.startswith("f1_") and run.comparable and trained_alike):
        return []
    return in_order(
        [
            Point(key.sessions, float(value.value))
            for key, value in results().items()
            if key.sessions and (key.model, key.trained_on, key.dataset) == (model, run.metrics.dataset, run.metrics.dataset)
        ]
    )


def _costs(report: Report, cells: Sequence[Cell]) -> list[Chart]:
    """F1 against the tokens that a model generates for an event, and against the seconds of its engine."""
    engines = sorted({engine for cell in cells for engine in cell.engines})
    made = []
    for name, quantity, axis, note in (
        ("figure_tokens", "completion_tokens", "generated tokens per event", ""),
        ("figure_seconds", "engine_seconds", "seconds of the engine per event",
         f" A share of the time that its engine took for all that it made at once. {'; '.join(engines)}."),
    ):  # fmt: skip
        shown = [cell for cell in cells if cell.per_event(quantity)]
        if len(shown) < 2:
            continue
        homes = grouped(shown, lambda cell: cell.run.home_name).items()
        levels = [
            one
            for look, (home, inside) in enumerate(homes)
            for one in baseline_levels(report, report.beside(inside), look, home)
        ]
        panels = [Panel("", _cost_series(report, shown, quantity), levels)]
        text = caption(report, f"against {axis}, mean over the events of a run", panels) + note
        text += " A point whose name would cover something has none; the table of costs names all."
        if any(cell.run.distillation is not None for cell in shown):
            text += " In brackets: the number of training sessions."
        made.append(
            Chart(name, f"{report.headline_name} by {axis}", text, axis, score_name(report), panels, logarithmic=True)
        )
    return made


def _cost_series(report: Report, cells: Sequence[Cell], quantity: str) -> list[Series]:
    series: list[Series] = []
    for look, (home, inside) in enumerate(grouped(cells, lambda cell: cell.run.home_name).items()):
        for (kind, variant), group in grouped(inside, lambda cell: (_kind(cell.run), cell.variant)).items():
            points = [point(report, cell, cell.per_event(quantity) or 0, _short_name(cell.run)) for cell in group]
            label = with_variant(f"{home}, {kind}", variant)
            series.append(Series(label, in_order(points), look, marker=len(series), joined=False))
    return series


def _kind(run: ScoredRun) -> str:
    if run.distillation is not None:
        return "trained" if run.distillation.dataset == run.metrics.dataset else "trained elsewhere"
    return "as they are" if run.ready_adapter is None else "with an adapter"


def _short_name(run: ScoredRun) -> str:
    """ "0.6B" for Qwen3-0.6B; in brackets, the number of sessions that a student was trained on."""
    name = run.model_name
    short = name.rpartition("-")[2] if name in LABELS else name
    return f"{short} ({run.distillation.sessions})" if run.distillation is not None else short
