"""Scores by time beside those by event."""

from __future__ import annotations

from pathlib import Path

from har_llm.report.grouping import make_report
from har_llm.report.tables.over_time import over_time_table
from tests.report.fabricated import fabricated
from tests.scripted_runs import done, gold_script


def test_a_run_is_scored_by_time(tmp_path: Path) -> None:
    script = gold_script(tmp_path / "script.jsonl", wrong=1)
    result, _ = done(tmp_path, f"engine.path={script}", "split.part=all")
    table = over_time_table(make_report([result], "accuracy", "strict"))
    assert table is not None
    (row,) = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert row["model"].startswith("tiny_student")
    found = result.metrics.strict.over_time
    assert found is not None and found.accuracy is not None and 0.5 < found.accuracy < 1
    assert row["accuracy by time %"] == f"{found.accuracy * 100:.2f}"
    shares = [float(row[f"{kind} %"]) for kind in ("deletion", "underfill", "fragmentation")]
    assert 0 < sum(shares) < 50


def test_without_scores_by_time_there_is_no_table(tmp_path: Path) -> None:
    assert over_time_table(make_report([fabricated(tmp_path)], "accuracy", "strict")) is None
