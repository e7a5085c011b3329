"""The words in a figure: made safe, and names beside points put where they cover as little as possible."""

from __future__ import annotations

from typing import Any

from har_llm.common.text import one_line
from har_llm.report.figures.chart import Panel

GREY = "#555555"
LONGEST = 60
OFFSETS = (
    *((4, 2, "left"), (4, -6.5, "left"), (-4, 2, "right"), (-4, -6.5, "right"), (0, 6, "center"), (0, -10, "center")),
    *((4, 7, "left"), (4, -11.5, "left"), (-4, 7, "right"), (-4, -11.5, "right")),
)
"""Where a name may stand: points to the right and up of its own, and how it is aligned there; the best first."""


def legible(text: str) -> str:
    """On one line and of bearable length. A leading "_" would hide it from the legend."""
    shown = one_line(text)
    shown = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."
    return f" {shown}" if shown.startswith("_") else shown


def name_points(figure: Any, axes: Any, panel: Panel) -> None:
    """Write the names of the points, each at the offset where it covers least of what is there already."""
    from matplotlib.transforms import Bbox

    points = [point for series in panel.series for point in series.points]
    if not any(point.label for point in points):
        return
    places = axes.transData.transform([(point.x, point.y) for point in points])
    radius = figure.dpi * 3 / 72
    taken = [Bbox([[x - radius, y - radius], [x + radius, y + radius]]) for x, y in places]
    for point in points:
        if point.label:
            taken.append(_name(axes, point.label, (point.x, point.y), taken))


def _name(axes: Any, label: str, place: tuple[float, float], taken: list[Any]) -> Any:
    """The box that the name fills."""
    text = axes.annotate(legible(label), place, xytext=(0, 0), textcoords="offset points", fontsize=5.5, color=GREY)

    def covered(offset: tuple[float, float, str]) -> float:
        x, y, side = offset
        text.set(position=(x, y), horizontalalignment=side)
        box = text.get_window_extent()
        outside = 0.0 if axes.bbox.containsx(box.x0) and axes.bbox.containsx(box.x1) else box.width * box.height
        return outside + sum(_overlap(box, other) for other in taken)

    x, y, side = min(OFFSETS, key=covered)
    text.set(position=(x, y), horizontalalignment=side)
    return text.get_window_extent()


def _overlap(one: Any, other: Any) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(max(0.0, width) * max(0.0, height))
