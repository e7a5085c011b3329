"""Baselines in figures: lines beside the points of the models on the same events."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.provenance import HOME
from har_llm.report.figures.chart import Chart, Level
from tests.report.fabricated import baseline, fabricated, miniature, trained
from tests.report.figures.drawn import charts, drawn
from tests.report.tables.test_baselines import FOREST, forest

pytestmark = pytest.mark.slow


def levels(chart: Chart) -> dict[str, Level]:
    return {level.label: level for panel in chart.panels for level in panel.levels}


def test_they_are_lines_in_the_figures_of_models(tmp_path: Path) -> None:
    plain = [fabricated(tmp_path, f1, model=f"qwen3_{size}") for size, f1 in (("0.6b", 0.1), ("4b", 0.3))]
    students = [fabricated(tmp_path, 0.4, adapter=trained("mural", number)) for number in (1, 4)]
    made = charts([*plain, *students, forest(tmp_path)])
    for name in ("figure3", "figure_tokens", "figure_seconds"):
        assert levels(made[name])[f"MuRAL, {FOREST}"].y == 60, name
        assert not any(FOREST in one.label for panel in made[name].panels for one in panel.series)
        assert "Lines of baselines, on the same events" in made[name].caption
    assert {*levels(made["figure4"])} == {"Qwen3-0.6B, as it is", FOREST}
    lines = {line.get_label(): line for line in drawn(made["figure4"]).axes[0].get_lines()}
    assert lines[FOREST].get_color() != lines["Qwen3-0.6B, as it is"].get_color()


def test_they_are_in_the_miniatures_figures_and_on_other_events_in_none(tmp_path: Path) -> None:
    runs = [*miniature(tmp_path), forest(tmp_path, dataset="simulated_flat", provenance=HOME)]
    made = charts(runs)
    assert FOREST in levels(made["figure4_miniature"])
    assert "simulated_house" not in " ".join(label for label in levels(made["figure3_miniature"]) if FOREST in label)


def test_beside_what_is_left_out(tmp_path: Path) -> None:
    full = fabricated(tmp_path, 0.5)
    less = fabricated(tmp_path, 0.4, config={"prompt": {"sections": {"rules": None}}})
    assert f"MuRAL, {FOREST}" in levels(charts([full, less, forest(tmp_path)])["figure_ablations"])


def test_by_the_number_of_sessions_they_are_a_line_of_points(tmp_path: Path) -> None:
    runs = [fabricated(tmp_path, 0.4, adapter=trained("mural", number)) for number in (1, 4)]
    for number, f1 in ((4, 0.3), (15, 0.6)):
        settings = {"model": {"train_sessions": number if number < 15 else None}}
        runs.append(forest(tmp_path, f1, baseline=baseline(sessions=number), config=settings))
    runs.append(forest(tmp_path, 0.2, model="majority"))
    made = charts(runs)["figure4"]
    (panel,) = made.panels
    (points,) = [one.points for one in panel.series if one.label == FOREST]
    assert [(one.x, one.y) for one in points] == [(4, 30), (15, 60)]
    assert [label for label in levels(made) if "supervised" in label] == ["majority (supervised)"]
