"""What a figure shows, before and after it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    """The score in percent."""
    low: float | None = None
    high: float | None = None
    label: str = ""


@dataclass(frozen=True)
class Series:
    label: str
    points: Sequence[Point]
    look: int
    """Number of the colour and marker. The paper's points have those of ours, but hollow."""
    paper: bool = False
    joined: bool = True
    marker: int | None = None
    """Number of the marker, if it is not that of the colour."""


@dataclass(frozen=True)
class Level:
    """A horizontal line: a model whose score does not depend on x."""

    label: str
    y: float
    look: int
    """Number of the colour; negative: black, as for a teacher."""
    dashes: int | None = None
    """Number of the kind of dashes, if it is not that of the colour."""


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
    """What is synthetic about it; written into the picture."""
    logarithmic: bool = False
    """Whether the x axis is logarithmic."""
    whole: bool = False
    """Whether the x axis has only whole numbers."""
    names: Sequence[str] = ()
    """What stands at 1, 2, ... of the x axis, if it has names."""


@dataclass(frozen=True)
class Figure:
    name: str
    """Name of its files: "figure3"."""
    title: str
    caption: str
    png: Path
    """The picture; there is a PDF of the same name beside it."""
