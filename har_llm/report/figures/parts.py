"""What several charts need: the points of cells, the name of the score, the caption."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from har_llm.report.cell import Cell
from har_llm.report.figures.chart import Level, Panel, Point
from har_llm.report.grouping import Report
from har_llm.report.paper import CITATION

PAPERS_POINTS = (
    f"Hollow points: the paper ({CITATION}), which does not say how its F1 is averaged, so they may be on another scale. Of "
    f"its curves over training sessions only the points that its text names are known."
)


def point(report: Report, cell: Cell, x: float, label: str = "") -> Point:
    score = cell.score(report.headline)
    assert score.mean is not None  # cells without a score are left out of charts
    low, high = score.interval or (None, None)
    return Point(x, 100 * score.mean, None if low is None else 100 * low, None if high is None else 100 * high, label)


BASELINES_LOOK = 5
"""The last colour, in panels whose colours are those of models."""
BASELINES = (
    "Lines of baselines, on the same events: supervised ones are trained on the training part's gold activities; one with "
    "no labels knows only what the home's description says."
)


def baseline_levels(report: Report, baselines: Iterable[Cell], look: int, home: str = "") -> list[Level]:
    """Their lines. `home`: its name, where a panel shows several."""
    found = []
    for dashes, cell in enumerate(baselines):
        mean = cell.score(report.headline).mean
        if mean is not None:
            label = cell.row_name() if not home else f"{home}, {cell.row_name()}"
            found.append(Level(label, 100 * mean, look, dashes))
    return found


def in_order(points: Sequence[Point]) -> list[Point]:
    return sorted(points, key=lambda one: (one.x, one.y))


def score_name(report: Report) -> str:
    return f"{report.headline_name} (%)"


def caption(report: Report, what: str, panels: Sequence[Panel]) -> str:
    """The caption: what is shown, what the bars are, and what the hollow points are."""
    series = [one for panel in panels for one in panel.series]
    bars = any(shown.low is not None for one in series for shown in one.points)
    said = [
        f"{report.headline_name} {what}.",
        f"{report.parsing.capitalize()} parsing of the answers, mean over sessions.",
        "Bars: 95 % interval of the mean (Student's t for its log odds, over sessions)." if bars else "",
        BASELINES if any(level.dashes is not None for panel in panels for level in panel.levels) else "",
        PAPERS_POINTS if any(one.paper for one in series) else "",
    ]
    return " ".join(filter(None, said))
