"""Figure 4: what a student gains with every training session."""

from __future__ import annotations

from collections.abc import Sequence

from har_llm.report.cells import Cell
from har_llm.report.figures.chart import Chart, Level, Panel, Point, Series, caption, in_order, point, score_name
from har_llm.report.grouping import Report, grouped
from har_llm.report.names import SCORES, home_name, model_name, with_variant
from har_llm.report.paper import TEACHER, comparable, paper_model, results

TEACHERS_LOOK = -1


def figure4(report: Report, cells: Sequence[Cell]) -> Chart | None:
    """A panel for each home where a student was taught on different numbers of its sessions."""
    panels = []
    for home, inside in grouped(cells, lambda cell: home_name(cell.run)).items():
        taught = [cell for cell in inside if _at_home(cell)]
        students = grouped(taught, lambda cell: model_name(cell.run))
        several = (group for group in students.values() if len({cell.run.distillation for cell in group}) > 1)
        counted = [cell for group in several for cell in group]
        if counted:
            panels.append(_panel(report, home, counted))
    if not panels:
        return None
    lines = "; lines: the teacher, and the student as it is" if any(panel.levels for panel in panels) else ""
    shown = f"of students by the number of sessions that they were taught on{lines}"
    text, title = caption(report, shown, panels), f"Figure 4: {SCORES[report.headline]} by training sessions"
    return Chart("figure4", title, text, "training sessions", score_name(report), panels, whole=True)


def _at_home(cell: Cell) -> bool:
    """Whether the student was taught on the home that it is scored on."""
    taught = cell.run.distillation
    return taught is not None and taught.dataset == cell.run.metrics.dataset


def _panel(report: Report, home: str, cells: Sequence[Cell]) -> Panel:
    series: list[Series] = []
    levels: dict[str, Level] = {}
    students = grouped(cells, lambda cell: with_variant(model_name(cell.run), cell.variant))
    for look, (label, group) in enumerate(students.items()):
        points = [point(report, cell, cell.run.distillation.sessions) for cell in group if cell.run.distillation is not None]
        series.append(Series(f"{label}, taught", in_order(points), look))
        for level in (level for cell in group for level in _levels(report, cell, look)):
            levels.setdefault(level.label, level)
    for look, group in enumerate(students.values()):
        paper = _paper_points(report, group[0])
        if paper and not any(one.paper for one in series):  # the paper has one such student
            series.append(Series(f"{model_name(group[0].run)}, taught (paper)", paper, look, paper=True))
    return Panel(home, series, list(levels.values()))


def _levels(report: Report, cell: Cell, look: int) -> list[Level]:
    found = []
    for level, role, own in ((report.teacher_of(cell), "teacher", TEACHERS_LOOK), (report.plain_of(cell), "as it is", look)):
        mean = None if level is None else level.score(report.headline).mean
        if level is not None and mean is not None:
            label = f"{with_variant(model_name(level.run), level.variant)}, {role}"
            found.append(Level(label, 100 * mean, own))
    return found


def _paper_points(report: Report, cell: Cell) -> list[Point]:
    run, model = cell.run, paper_model(cell.run)
    taught_alike = run.distillation is not None and run.distillation.teacher == TEACHER
    if not (report.headline.startswith("f1_") and comparable(run) and taught_alike):
        return []
    return in_order(
        [
            Point(key.sessions, float(value.value))
            for key, value in results().items()
            if key.sessions and (key.model, key.taught_on, key.dataset) == (model, run.metrics.dataset, run.metrics.dataset)
        ]
    )
