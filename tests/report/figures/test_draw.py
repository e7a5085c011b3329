"""Drawn figures say what is synthetic, are fit to print, and are the same for the same chart."""

from __future__ import annotations

import struct
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Text

from har_llm.report.figures.chart import Chart, Level, Panel, Point, Series
from har_llm.report.figures.draw import draw
from tests.report.fabricated import SYNTHETIC
from tests.report.figures.drawn import KINDS, drawn, words

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [f"{kind}{end}" for kind in KINDS for end in ("", "_miniature")])
def test_nothing_is_cut_off_and_what_is_synthetic_says_so(shown: dict[str, Chart], name: str) -> None:
    figure = drawn(shown[name])
    width, height = figure.bbox.width, figure.bbox.height
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text():
            box = text.get_window_extent()
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
            assert inside or text.get_text() not in _ticks_shown(figure), text.get_text()
    synthetic = name.endswith("_miniature")
    assert (SYNTHETIC in words(figure)) == synthetic
    assert (SYNTHETIC in shown[name].caption) == synthetic == (SYNTHETIC in shown[name].title)


def _ticks_shown(figure: Any) -> set[str]:
    """All words but those of ticks beyond the axes, which are there and never drawn."""
    hidden = set()
    for axes in figure.axes:
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            hidden |= {tick.label1.get_text() for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    return set(words(figure)) - hidden


def test_files_are_fit_to_print_and_the_same_each_time(shown: dict[str, Chart], tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    one, two = (draw(shown["figure4_miniature"], tmp_path / folder) for folder in ("one", "two"))
    png, pdf = one.png.read_bytes(), one.png.with_suffix(".pdf").read_bytes()
    assert png == two.png.read_bytes() and pdf == two.png.with_suffix(".pdf").read_bytes()
    assert struct.unpack(">I", png[16:20])[0] == 1050, "3.5 inches at 300 dpi"
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf, "fonts are embedded as fonts"
    assert SYNTHETIC.encode() in pdf and b"CreationDate" not in pdf


def test_names_are_text_not_formulas_and_none_is_hidden(tmp_path: Path) -> None:
    nasty = ["$\\frac{1}{0}$", "_hidden", "line\nbreak\x1b[2J", "中文 \U0001f600", "x" * 500]
    series = [Series(name, [Point(1, 10, label=name), Point(2, 20)], look) for look, name in enumerate(nasty)]
    chart = Chart("figure3", nasty[0], "", nasty[0], "y", [Panel(nasty[0], series, [Level(nasty[1], 5, 0)])], mark=nasty[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(chart, tmp_path)
    figure = drawn(chart)
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert nasty[0] in labels and " _hidden" in labels and "line break\\x1b[2J" in labels
    assert max(map(len, labels)) <= 60


def test_one_panel_with_one_point_is_drawn(tmp_path: Path) -> None:
    chart = Chart("figure3", "t", "c", "x", "y", [Panel("", [Series("a", [Point(3.0, 0.0)], 0)])], logarithmic=True)
    assert draw(chart, tmp_path).png.is_file() and draw(replace(chart, logarithmic=False), tmp_path).png.is_file()


def test_drawing_leaves_matplotlibs_settings_and_pyplot_alone(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
import har_llm.report.build, har_llm.report.terminal.tables
assert not set(sys.modules) & {{"matplotlib", "torch"}}, "imported only when a figure is drawn"
from har_llm.report.figures.chart import Chart, Panel, Point, Series
from har_llm.report.figures.draw import draw
import matplotlib
settings = [name for name in matplotlib.rcParams if name != "backend"]  # asking for it imports pyplot
before = [matplotlib.rcParams[name] for name in settings]
draw(Chart("f", "t", "c", "x", "y", [Panel("", [Series("a", [Point(1, 1)], 0)])]), Path({str(tmp_path)!r}))
assert [matplotlib.rcParams[name] for name in settings] == before
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
