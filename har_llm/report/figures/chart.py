"""What a figure shows, before it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from har_llm.report.cells import Cell
from har_llm.report.grouping import Report
from har_llm.report.names import SCORES
from har_llm.report.paper import CITATION


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    """In percent."""
    low: float | None = None
    high: float | None = None
    label: str = ""


@dataclass(frozen=True)
class Series:
    label: str
    points: Sequence[Point]
    look: int
    """Which colour and marker; the paper's points have those of ours, hollow and dashed."""
    paper: bool = False
    joined: bool = True
    marker: int | None = None
    """Where it is not that of the colour."""


@dataclass(frozen=True)
class Level:
    """A horizontal line: a model whose score does not depend on x."""

    label: str
    y: float
    look: int
    paper: bool = False


@dataclass(frozen=True)
class Panel:
    title: str
    series: Sequence[Series]
    levels: Sequence[Level] = ()


@dataclass(frozen=True)
class Chart:
    name: str
    title: str
    caption: str
    x_label: str
    y_label: str
    panels: Sequence[Panel]
    mark: str = ""
    """Written into the picture: what is synthetic about it."""
    logarithmic: bool = False
    """The x axis."""
    whole: bool = False
    """Only whole numbers on the x axis."""


def point(report: Report, cell: Cell, x: float, label: str = "") -> Point:
    score = cell.score(report.headline)
    assert score.mean is not None  # cells without one are in no chart
    low, high = score.interval or (None, None)
    return Point(x, 100 * score.mean, None if low is None else 100 * low, None if high is None else 100 * high, label)


def in_order(points: Sequence[Point]) -> list[Point]:
    return sorted(points, key=lambda point: (point.x, point.y))


def score_name(report: Report) -> str:
    return f"{SCORES[report.headline]} (%)"


def caption(report: Report, shown: str, panels: Sequence[Panel]) -> str:
    """What is shown, what the bars are, and whose the hollow points are."""
    series = [one for panel in panels for one in panel.series]
    bars = any(point.low is not None for one in series for point in one.points)
    said = [
        f"{SCORES[report.headline]} {shown}.",
        f"{report.parsing.capitalize()} parsing of the answers, mean over sessions.",
        "Bars: 95 % interval of the mean (bootstrap over sessions)." if bars else "",
        f"Hollow and dashed: the paper ({CITATION})." if any(one.paper for one in series) else "",
    ]
    return " ".join(filter(None, said))


@dataclass(frozen=True)
class Figure:
    name: str
    """Names its files: "figure3"."""
    title: str
    caption: str
    png: Path
    """The picture; a PDF of the same name lies beside it."""
