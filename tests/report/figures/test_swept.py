"""Figures of what a sweep varies: cells that differ in nothing else are shown together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.report.fabricated import fabricated
from tests.report.figures.drawn import charts, drawn


def test_windows_of_different_sizes_are_a_line_of_what_differs_in_nothing_else(tmp_path: Path) -> None:
    sizes = {5: 0.3, 10: 0.5, 20: 0.4}
    runs = [fabricated(tmp_path, f1, config={"window": {"events": size}}) for size, f1 in sizes.items()]
    other = fabricated(tmp_path, 0.6, config={"window": {"events": 40}, "model": {"thinking": False}})
    ((line,),) = [panel.series for panel in charts([*runs, other])["figure_windows"].panels]
    assert line.label == "MuRAL, Qwen3-0.6B"
    assert [(point.x, point.y) for point in line.points] == [(5, 30), (10, 50), (20, 40)]


def test_what_is_left_out_is_shown_beside_what_is_whole(tmp_path: Path) -> None:
    left_out: list[dict[str, Any]] = [{"prompt": {"sections": {name: None}}} for name in ("rules", "example")]
    left_out.append(
        {"model": {"thinking": False, "sampling": {"top_p": 0.8}}, "prompt": {"sections": {"output": "Only the list."}}}
    )
    runs = [fabricated(tmp_path, 0.5), *(fabricated(tmp_path, 0.3 + n / 10, config=one) for n, one in enumerate(left_out))]
    other = fabricated(tmp_path, 0.9, config={**left_out[0], "window": {"events": 5}})
    chart = charts([*runs, other])["figure_ablations"]
    ((line,), (level,)) = chart.panels[0].series, chart.panels[0].levels
    assert chart.names == ["nothing", "example", "reasoning; output reworded", "rules"]
    assert {chart.names[round(point.x) - 1]: point.y for point in line.points} == {
        "nothing": 50, "rules": 30, "example": 40, "reasoning; output reworded": 50
    }  # fmt: skip
    assert (line.label, level.label, level.y) == ("MuRAL, Qwen3-0.6B", "nothing left out: MuRAL, Qwen3-0.6B", 50)
    assert not line.joined and all(point.low is not None for point in line.points)
    assert [text.get_text() for text in drawn(chart).axes[0].get_xticklabels()][2] == "reasoning;\noutput reworded"


def test_other_sampling_alone_leaves_nothing_out(tmp_path: Path) -> None:
    """Runs at two temperatures, each with and without the rules, are two series."""
    sampled = [{"model": {"sampling": {"top_p": top_p}}} for top_p in (0.95, 0.8)]
    rules: list[dict[str, Any]] = [{}, {"prompt": {"sections": {"rules": None}}}]
    runs = [fabricated(tmp_path, config={**one, **two}) for two in rules for one in sampled]
    assert [len(series.points) for series in charts(runs)["figure_ablations"].panels[0].series] == [2, 2]
    assert "figure_ablations" not in charts(runs[:2])


def test_prompts_that_both_lack_something_are_not_shown_as_ones_with_something_left_out(tmp_path: Path) -> None:
    lacking = [{"prompt": {"sections": {name: None}}} for name in ("rules", "example")]
    assert "figure_ablations" not in charts([fabricated(tmp_path, config=one) for one in lacking])


def test_several_models_are_beside_each_other_at_what_they_lack(tmp_path: Path) -> None:
    configs: list[dict[str, Any]] = [{}, {"prompt": {"sections": {"rules": None}}}]
    runs = [fabricated(tmp_path, model=model, config=one) for model in ("qwen3_0.6b", "qwen3_4b") for one in configs]
    chart = charts(runs)["figure_ablations"]
    places = [[point.x for point in one.points] for one in chart.panels[0].series]
    assert [sorted(map(round, one)) for one in places] == [[1, 2], [1, 2]] and not {*places[0]} & {*places[1]}
