"""Charts have the right points and the right words, and keep what is synthetic apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.text import Text

from har_llm.report.figures.chart import Chart, Point
from har_llm.report.figures.charts import make_charts
from har_llm.report.grouping import make_report
from har_llm.report.paper_choice import SILENT
from har_llm.runs.directory import RunResult
from tests.report.fabricated import fabricated, trained
from tests.report.figures.drawn import KINDS, charts, drawn, words

pytestmark = pytest.mark.slow


def test_the_papers_homes_the_miniature_and_others_are_never_in_one_picture(shown: dict[str, Chart]) -> None:
    rest = {"figure3_others", "figure_tokens_others", "figure_seconds_others"}
    assert set(shown) == {*KINDS, *(f"{kind}_miniature" for kind in KINDS), *rest}
    for name, chart in shown.items():
        labels = " ".join(one.label for panel in chart.panels for one in [*panel.series, *panel.levels])
        assert ("tiny" in labels or "simulated" in labels) == name.endswith("_miniature")
        assert ("(paper)" in labels) == (name in ("figure3", "figure4"))


def test_the_papers_points_are_not_joined_and_what_is_unknown_of_them_is_said(shown: dict[str, Chart]) -> None:
    for name in ("figure3", "figure4"):
        papers = [one for panel in shown[name].panels for one in panel.series if one.paper]
        assert papers and not any(one.joined for one in papers)
        assert "does not say how its F1 is averaged" in shown[name].caption


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
    assert by_label["MuRAL (paper)"].get_linestyle() == "None" and by_label["MuRAL"].get_linestyle() == "-"
    assert by_label["MuRAL"].get_marker() != by_label["MARBLE"].get_marker(), "readable in grey"


def test_figure_3_may_have_a_logarithmic_axis(runs: list[RunResult]) -> None:
    """Others have the axes that they have."""
    made = {chart.name: chart for chart in make_charts(make_report(runs, "f1_weighted", "strict"), xscale="log")}
    assert "logarithmic axis" in made["figure3"].caption
    axes = drawn(made["figure3"]).axes[0]
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert axes.get_xscale() == "log" and shown == ["1", "3", "10", "30"]
    assert drawn(made["figure4"]).axes[0].get_xscale() == "linear"


def test_figure_4_has_one_range_of_scores(tmp_path: Path) -> None:
    homes = (("marble", 0.2), ("mural", 0.8))
    chart = charts([
        fabricated(tmp_path, f1 + n / 50, dataset=home, adapter=trained(home, n)) for home, f1 in homes for n in (1, 2)
    ])["figure4"]  # fmt: skip
    marble, mural = drawn(chart).axes
    assert marble.get_ylim() == mural.get_ylim() and mural.get_ylim()[1] > 84


def test_names_of_points_do_not_meet(shown: dict[str, Chart]) -> None:
    for kind in ("figure_tokens", "figure_seconds"):
        figure = drawn(shown[kind])
        boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]  # without the line to its point
        assert len(boxes) > 15
        assert not any(one.overlaps(other) for at, one in enumerate(boxes) for other in boxes[:at]), kind


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
    chart = charts([fabricated(tmp_path, 0.3 + n / 10, adapter=trained("mural", n)) for n in (1, 2)])["figure4"]
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
    found = charts(runs, "accuracy")
    assert found.keys() >= {"figure3", "figure4"}
    for chart in found.values():
        assert not any(one.paper for panel in chart.panels for one in panel.series)
        assert "paper" not in chart.caption and chart.y_label == "Accuracy (%)"


def test_bars_are_explained(shown: dict[str, Chart], tmp_path: Path) -> None:
    assert "95 % interval of the mean" in shown["figure3"].caption
    two = charts([fabricated(tmp_path, session_names=2), fabricated(tmp_path, model="qwen3_4b", session_names=2)])
    assert "interval" not in two["figure3"].caption


def test_variants_are_series_of_their_own(tmp_path: Path) -> None:
    models = [fabricated(tmp_path, model=model) for model in ("qwen3_0.6b", "qwen3_4b")]
    chart = charts([*models, fabricated(tmp_path, 0.9, config={"decoding": {"structured": True}})])["figure3"]
    labels = {one.label for one in chart.panels[0].series}
    assert labels == {"MuRAL", f"MuRAL [{SILENT}: decoding.structured=true]", "MuRAL (paper)"}
