"""Draws figures as PDF and PNG for one column of a paper; the only module of report/ that imports matplotlib.

Colours are Okabe and Ito's, which colour-blind readers can distinguish; each has its own marker for prints in grey. The same
runs give the same bytes.
"""

from __future__ import annotations

import math
import textwrap
import warnings
from pathlib import Path
from typing import Any

from har_llm.common.text import one_line
from har_llm.report.figures.chart import Chart, Figure, Level, Panel, Series
from har_llm.report.figures.point_names import Box, free_places, shortened

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ((0, (5, 1.5)), (0, (1, 1.2)), (0, (3, 1, 1, 1)), (0, (7, 3)), (0, (3, 1, 1, 1, 1, 1)))
WIDTH = 3.5  # inches: one column
PANEL_HEIGHT = 2.1
LEGEND_ROW = 0.15
SETTINGS = {
    "figure.autolayout": False,  # whatever a user's matplotlibrc says
    "figure.constrained_layout.use": False,
    "pdf.fonttype": 42,  # fonts that a publisher can embed and a reader can search
    "text.parse_math": False,  # "$" in a name does not begin a formula
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 7.5,
    "axes.labelsize": 7.5,
    "axes.titlesize": 8,
    "legend.fontsize": 6.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.5,
}
GREY = "#555555"
LONGEST_LABEL = 60
CHARACTERS = 60
"""How many characters fit beside each other under a figure."""
SHORTEST_LINE = 6
NAME = {"xytext": (0, 0), "textcoords": "offset points", "va": "bottom", "fontsize": 5.5, "color": GREY}
LINK = {"arrowstyle": "-", "linewidth": 0.4, "color": GREY, "shrinkA": 0, "shrinkB": 2}
"""How the name of a point is written, and how a line leads from it to the point."""
FEWEST_TICKS = 3
LONGEST_OF_TWO = 25
"""Characters of a label with which two stand side by side under a figure."""


def draw(chart: Chart, folder: Path) -> Figure:
    import matplotlib

    png = folder / f"{chart.name}.png"
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        # For letters that the font lacks, boxes are drawn.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = picture(chart)
        figure.savefig(png, dpi=300, metadata={"Software": None})
        figure.savefig(png.with_suffix(".pdf"), metadata={"CreationDate": None, "Title": one_line(chart.title)})
    return Figure(chart.name, chart.title, chart.caption, png)


def picture(chart: Chart) -> Any:
    """A matplotlib Figure, made without changing global state."""
    from matplotlib.figure import Figure as Canvas

    labels = {label for panel in chart.panels for label in _labels(panel)}
    columns = 2 if max(map(len, labels)) <= LONGEST_OF_TWO else 1
    height = PANEL_HEIGHT * len(chart.panels) + LEGEND_ROW * -(-len(labels) // columns) + 0.25
    figure = Canvas(figsize=(WIDTH, height), layout="constrained")
    all_axes = figure.subplots(len(chart.panels), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, panel in zip(all_axes, chart.panels, strict=True):
        _panel(axes, chart, panel)
    all_axes[-1].set_xlabel(chart.x_label)
    all_axes[-1].set_ylim(0, min(100, _highest(chart) * 1.08) + 2)
    if chart.mark:
        figure.suptitle(one_line(chart.mark), fontsize=7.5, style="italic", color=GREY)
    handles: dict[str, Any] = {}
    for axes in all_axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    look = {"ncols": columns, "frameon": False, "handlelength": 2.6}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", **look)
    figure.draw_without_rendering()  # the layout fixes the positions of points, which names need
    figure.set_layout_engine(None)  # "none" would draw twice for each file
    for axes, panel in zip(all_axes, chart.panels, strict=True):
        _name_points(figure, axes, panel)
    return figure


def _labels(panel: Panel) -> list[str]:
    return [one.label for one in panel.series] + [one.label for one in panel.levels]


def _panel(axes: Any, chart: Chart, panel: Panel) -> None:
    for series in panel.series:
        _series(axes, series)
    for level in panel.levels:
        _level(axes, level)
    axes.set_ylabel(chart.y_label)
    if panel.title:
        axes.set_title(_legible(panel.title), loc="left")
    _x_axis(axes, chart)


def _highest(chart: Chart) -> float:
    """The highest of all panels, which have one range so that they can be compared."""
    points = [point.high or point.y for panel in chart.panels for one in panel.series for point in one.points]
    return max([*points, *(level.y for panel in chart.panels for level in panel.levels)])


def _x_axis(axes: Any, chart: Chart) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

    if chart.logarithmic:
        axes.set_xscale("log")
        values = [point.x for panel in chart.panels for one in panel.series for point in one.points]
        axes.set_xlim(min(values) / 1.5, max(values) * 1.5)  # room for the points' names
        ticks = _log_ticks(*axes.get_xlim())
        axes.xaxis.set_major_locator(FixedLocator(ticks) if ticks else MaxNLocator(FEWEST_TICKS))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    elif chart.names:
        widest = max(SHORTEST_LINE, CHARACTERS // len(chart.names))
        names = [textwrap.fill(_legible(name), widest, break_long_words=False) for name in chart.names]
        axes.set_xticks(range(1, len(names) + 1), names)
        axes.set_xlim(0.5, len(names) + 0.5)
    else:
        axes.set_xlim(left=0)
        if chart.whole:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _log_ticks(low: float, high: float) -> list[float]:
    """Round values of a logarithmic axis, as few of each decade as there must be; none where even all would be too few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        ticks = [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]
        if len(ticks) >= FEWEST_TICKS:
            return ticks
    return []


def _series(axes: Any, series: Series) -> None:
    colour = COLOURS[series.look % len(COLOURS)]
    marker = MARKERS[(series.look if series.marker is None else series.marker) % len(MARKERS)]
    x, y = [point.x for point in series.points], [point.y for point in series.points]
    line = "-" if series.joined else "none"
    # The paper's points are larger, so that a ring of them remains visible behind ours.
    axes.plot(x, y, color=colour, marker=marker, markersize=6 if series.paper else 4.5, linestyle=line,
              label=_legible(series.label), clip_on=False,  # a point at 100 % is whole
              markerfacecolor="white" if series.paper else colour, zorder=3 if series.paper else 4)  # fmt: skip
    barred = [point for point in series.points if point.low is not None and point.high is not None]
    if barred:
        axes.errorbar(
            [point.x for point in barred],
            [point.y for point in barred],
            yerr=[[max(0.0, p.y - (p.low or 0)) for p in barred], [max(0.0, (p.high or 0) - p.y) for p in barred]],
            fmt="none", ecolor=colour, elinewidth=0.7, capsize=1.8, capthick=0.7, zorder=2,
            alpha=1 if series.joined else 0.5,
        )  # fmt: skip


def _level(axes: Any, level: Level) -> None:
    teacher = level.look < 0
    colour = "black" if teacher else COLOURS[level.look % len(COLOURS)]
    own = level.look if level.dashes is None else level.dashes
    dashes = DASHES[0 if own < 0 else 1 + own % (len(DASHES) - 1)]
    axes.axhline(level.y, color=colour, linewidth=0.9, linestyle=dashes, label=_legible(level.label), zorder=1)


def _legible(text: str) -> str:
    """The text on one line, shortened. A leading "_" would hide it from the legend."""
    shown = one_line(text)
    shown = shown if len(shown) <= LONGEST_LABEL else f"{shown[: LONGEST_LABEL - 3]}..."
    return f" {shown}" if shown.startswith("_") else shown


def _name_points(figure: Any, axes: Any, panel: Panel) -> None:
    """Write the names of the points where they cover nothing; one that has no room is left out."""
    named = [point for series in panel.series for point in series.points if point.label]
    if not named:
        return
    unit = figure.dpi / 72
    names = shortened([one_line(point.label) for point in named])
    texts = [axes.annotate(name, (point.x, point.y), **NAME) for name, point in zip(names, named, strict=True)]
    sizes = [(extent.width, extent.height) for extent in (text.get_window_extent() for text in texts)]
    places = [tuple(axes.transData.transform((point.x, point.y))) for point in named]
    found = free_places(places, sizes, _obstacles(axes, panel, unit), Box(*axes.bbox.extents), unit)
    for text, point, (x, y), place in zip(texts, named, places, found, strict=True):
        text.remove()
        if place is not None:
            offset = ((place.box.left - x) / unit, (place.box.bottom - y) / unit)
            link = {"arrowprops": LINK} if place.linked else {}
            axes.annotate(text.get_text(), (point.x, point.y), **(NAME | {"xytext": offset} | link))


def _obstacles(axes: Any, panel: Panel, unit: float) -> list[Box]:
    """The boxes of the panel's points, bars and lines."""

    def box(x: float, low: float, high: float, reach: float) -> Box:
        (left, bottom), (_, top) = axes.transData.transform([(x, low), (x, high)])
        return Box(left - reach * unit, bottom - reach * unit, left + reach * unit, top + reach * unit)

    points = [point for series in panel.series for point in series.points]
    bars = [box(one.x, one.low, one.high, 1) for one in points if one.low is not None and one.high is not None]
    lines = [box(0, level.y, level.y, 0.5)._replace(left=axes.bbox.x0, right=axes.bbox.x1) for level in panel.levels]
    return [*(box(one.x, one.y, one.y, 3) for one in points), *bars, *lines]
