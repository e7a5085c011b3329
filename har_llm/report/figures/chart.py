"""What a figure shows, before and after it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


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


@dataclass(frozen=True)
class Figure:
    name: str
    """Names its files: "figure3"."""
    title: str
    caption: str
    png: Path
    """The picture; a PDF of the same name lies beside it."""
