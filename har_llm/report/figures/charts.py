"""Figure 3, and F1 against what an event costs; which figures a report has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from har_llm.report.cells import Cell
from har_llm.report.figures.chart import Chart, Panel, Point, Series, caption, in_order, point, score_name
from har_llm.report.figures.figure4 import figure4
from har_llm.report.grouping import Report, adapted, grouped
from har_llm.report.names import SCORES, home_name, model_name, with_variant
from har_llm.report.paper import LABELS, SIZES, Key, comparable, results
from har_llm.report.scored_run import ScoredRun


def make_charts(report: Report) -> list[Chart]:
    """Those for which there are runs. What is synthetic is never in one picture with what is not."""
    made = []
    others = ((f"_{name}", provenance, cells) for name, provenance, cells in report.kinds)
    for suffix, mark, cells in (("", "", report.paper), *others):
        scored = [cell for cell in cells if cell.score(report.headline).mean is not None]
        for chart in (figure3(report, scored), figure4(report, scored), *costs(report, scored)):
            if chart is not None:
                made.append(_marked(replace(chart, name=chart.name + suffix), mark))
    return made


def _marked(chart: Chart, mark: str) -> Chart:
    if not mark:
        return chart
    return replace(chart, mark=mark, title=f"{chart.title} ({mark})", caption=f"{chart.caption} Made with: {mark}.")


def figure3(report: Report, cells: Sequence[Cell]) -> Chart | None:
    """F1 against the number of parameters, to scale: a line for each home."""
    plain = [cell for cell in cells if not adapted(cell.run) and cell.run.metrics.parameters]
    if len({cell.run.metrics.parameters for cell in plain}) < 2:
        return None
    unit, word = (1e9, "billions") if max(cell.run.metrics.parameters or 0 for cell in plain) >= 1e9 else (1e6, "millions")
    series = []
    for look, (home, inside) in enumerate(grouped(plain, lambda cell: home_name(cell.run)).items()):
        for variant, group in grouped(inside, lambda cell: cell.variant).items():
            points = [point(report, cell, (cell.run.metrics.parameters or 0) / unit) for cell in group]
            series.append(Series(with_variant(home, variant), in_order(points), look, joined=not variant))
        if comparable(inside[0].run) and report.headline.startswith("f1_"):
            series.append(Series(f"{home} (paper)", _paper_sizes(inside[0].run.metrics.dataset, unit), look, paper=True))
    panels = [Panel("", series)]
    text = caption(report, "of models as they are, by their number of parameters (to scale)", panels)
    return Chart(
        "figure3",
        f"Figure 3: {SCORES[report.headline]} by number of parameters",
        text,
        f"parameters ({word})",
        score_name(report),
        panels,
    )


def _paper_sizes(dataset: str, unit: float) -> list[Point]:
    return [Point(size / unit, float(results()[Key("f1", model, "", None, dataset)].value)) for model, size in SIZES.items()]


def costs(report: Report, cells: Sequence[Cell]) -> list[Chart]:
    """F1 against the tokens that a model generates for an event, and against the seconds of its engine."""
    engines = sorted({engine for cell in cells for engine in cell.engines})
    made = []
    for name, quantity, axis, note in (
        ("figure_tokens", "completion_tokens", "generated tokens per event", ""),
        ("figure_seconds", "engine_seconds", "seconds of the engine per event",
         f" A share of the time that its batch took. {'; '.join(engines)}."),
    ):  # fmt: skip
        shown = [cell for cell in cells if cell.per_event(quantity)]
        if len(shown) < 2:
            continue
        panels = [Panel("", _cost_series(report, shown, quantity))]
        text = caption(report, f"against {axis}, mean over the events of a run", panels) + note
        if any(cell.run.distillation is not None for cell in shown):
            text += " In brackets: the number of training sessions."
        made.append(
            Chart(name, f"{SCORES[report.headline]} by {axis}", text, axis, score_name(report), panels, logarithmic=True)
        )
    return made


def _cost_series(report: Report, cells: Sequence[Cell], quantity: str) -> list[Series]:
    series: list[Series] = []
    for look, (home, inside) in enumerate(grouped(cells, lambda cell: home_name(cell.run)).items()):
        for kind, group in grouped(inside, lambda cell: _kind(cell.run)).items():
            points = [point(report, cell, cell.per_event(quantity) or 0, _short_name(cell.run)) for cell in group]
            series.append(Series(f"{home}, {kind}", in_order(points), look, marker=len(series), joined=False))
    return series


def _kind(run: ScoredRun) -> str:
    if run.distillation is not None:
        return "taught" if run.distillation.dataset == run.metrics.dataset else "taught elsewhere"
    return "as they are" if run.ready_adapter is None else "with an adapter"


def _short_name(run: ScoredRun) -> str:
    """ "0.6B" for Qwen3-0.6B; in brackets, the number of sessions that a student was taught on."""
    name = model_name(run)
    short = name.rpartition("-")[2] if name in LABELS else name
    return f"{short} ({run.distillation.sessions})" if run.distillation is not None else short
