"""Figures show the right points, say what is synthetic, are fit to print, and are the same for the same runs."""

from __future__ import annotations

import struct
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib.text import Text

from har_llm.report.figures.chart import Chart, Level, Panel, Point, Series
from har_llm.report.figures.charts import make_charts
from har_llm.report.figures.draw import SETTINGS, draw, picture
from har_llm.report.grouping import SYNTHETIC, make_report
from har_llm.runs.directory import RunResult
from tests.report.fabricated import fabricated, miniature, taught, the_papers_programme


def charts(runs: Sequence[RunResult], headline: str = "f1_weighted") -> dict[str, Chart]:
    return {chart.name: chart for chart in make_charts(make_report(runs, headline, "strict"))}


def drawn(chart: Chart) -> Any:
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure = picture(chart)
        figure.draw_without_rendering()
        return figure


def words(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[RunResult]:
    folder = tmp_path_factory.mktemp("runs")
    return [*the_papers_programme(folder), *miniature(folder), fabricated(folder, part="validation"),
            fabricated(folder, 0.3, part="validation", model="qwen3_4b")]  # fmt: skip


@pytest.fixture(scope="module")
def shown(runs: list[RunResult]) -> dict[str, Chart]:
    return charts(runs)


KINDS = ("figure3", "figure4", "figure_tokens", "figure_seconds")


def test_the_papers_homes_the_miniature_and_others_are_never_in_one_picture(shown: dict[str, Chart]) -> None:
    rest = {"figure3_others", "figure_tokens_others", "figure_seconds_others"}
    assert set(shown) == {*KINDS, *(f"{kind}_miniature" for kind in KINDS), *rest}
    for name, chart in shown.items():
        labels = " ".join(one.label for panel in chart.panels for one in [*panel.series, *panel.levels])
        assert ("tiny" in labels or "simulated" in labels) == name.endswith("_miniature")
        assert ("(paper)" in labels) == (name in ("figure3", "figure4"))


def test_figure_3_is_to_scale_with_the_papers_points_hollow(shown: dict[str, Chart]) -> None:
    (panel,) = shown["figure3"].panels
    assert [(one.label, one.paper, len(one.points)) for one in panel.series] == [
        ("MARBLE", False, 6),
        ("MARBLE (paper)", True, 6),
        ("MuRAL", False, 6),
        ("MuRAL (paper)", True, 6),
    ]
    assert panel.series[3].points[-1] == Point(32.762123264, 53.70)
    axes = drawn(shown["figure3"]).axes[0]
    assert axes.get_xscale() == "linear" and axes.get_xlim()[0] == 0
    by_label = {line.get_label(): line for line in axes.get_lines()}
    assert by_label["MuRAL (paper)"].get_markerfacecolor() == "white"
    assert by_label["MuRAL"].get_markerfacecolor() != "white"
    assert by_label["MuRAL (paper)"].get_linestyle() == "--" and by_label["MuRAL"].get_linestyle() == "-"
    assert by_label["MuRAL"].get_marker() != by_label["MARBLE"].get_marker(), "readable in grey"


def test_figure_4_has_the_teacher_and_the_student_as_lines(shown: dict[str, Chart]) -> None:
    (panel,) = shown["figure4"].panels
    assert panel.title == "MuRAL"
    assert {level.label for level in panel.levels} == {"Qwen3-32B, teacher", "Qwen3-0.6B, as it is"}
    ours, paper = panel.series
    assert [point.x for point in ours.points] == [1, 4, 10, 15]
    assert [point.y for point in paper.points] == [29.45, 49.42, 51.18, 50.68]
    assert [panel.title for panel in shown["figure4_miniature"].panels] == ["simulated_flat", "simulated_house"]
    assert all(point.x <= 10 for panel in shown["figure4_miniature"].panels for one in panel.series for point in one.points)


def test_without_teacher_and_plain_student_figure_4_has_no_lines(tmp_path: Path) -> None:
    chart = charts([fabricated(tmp_path, 0.3 + n / 10, adapter=taught("mural", n)) for n in (1, 2)])["figure4"]
    assert chart.panels[0].levels == [] and "lines:" not in chart.caption


def test_cost_is_on_a_logarithmic_axis_with_a_name_at_each_point(shown: dict[str, Chart]) -> None:
    for kind, axis in (
        ("figure_tokens", "generated tokens per event"),
        ("figure_seconds", "seconds of the engine per event"),
    ):
        figure = drawn(shown[kind])
        assert figure.axes[0].get_xscale() == "log" and figure.axes[0].get_xlabel() == axis
        assert {"32B", "0.6B (15)", "1.7B (41)"} <= set(words(figure))
    assert "Imaginary GPU" in shown["figure_seconds"].caption


def test_a_headline_that_is_no_f1_has_none_of_the_papers_points(runs: list[RunResult]) -> None:
    for chart in charts(runs, "accuracy").values():
        assert not any(one.paper for panel in chart.panels for one in panel.series)
        assert "paper" not in chart.caption and chart.y_label == "Accuracy (%)"


def test_bars_are_explained(shown: dict[str, Chart], tmp_path: Path) -> None:
    assert "95 % interval of the mean" in shown["figure3"].caption
    two = charts([fabricated(tmp_path, session_names=2), fabricated(tmp_path, model="qwen3_4b", session_names=2)])
    assert "interval" not in two["figure3"].caption


def test_variants_are_series_of_their_own(tmp_path: Path) -> None:
    models = [fabricated(tmp_path, model=model) for model in ("qwen3_0.6b", "qwen3_4b")]
    chart = charts([*models, fabricated(tmp_path, 0.9, decoding="structured")])["figure3"]
    assert {one.label for one in chart.panels[0].series} == {"MuRAL", "MuRAL [decoding=structured]", "MuRAL (paper)"}


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
