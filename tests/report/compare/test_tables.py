"""The tables of a comparison: what they list, in which order, in which words."""

from __future__ import annotations

from pathlib import Path

from har_llm.common.tables import Table
from har_llm.report.compare.comparison import compare
from har_llm.report.compare.pairing import Pairing, pair
from har_llm.report.compare.tables import ComparisonTables, make_tables
from tests.report.run_folders import A_RIGHT, A_WRONG, BETTER, EVERY_OUTCOME, Sessions, paired, row, rows, several, written


def tables_of(pairing: Pairing) -> ComparisonTables:
    return make_tables(compare(pairing, "accuracy"), pairing)


def counts(tables: ComparisonTables, name: str) -> Table:
    (found,) = [table for table in tables.counts if table.name == name]
    return found


def test_scores_have_their_difference_interval_and_p(tmp_path: Path) -> None:
    found = tables_of(paired(tmp_path, several(6, A_WRONG), BETTER))
    assert ["accuracy *", "25.00", "75.00", "+50.00", "+26.53 to +73.47", "0.031"] in found.scores.rows
    assert ["missed", "25.00", "0.00", "-25.00", "", "0.031"] in found.scores.rows


def test_equal_runs_have_nothing_to_list(tmp_path: Path) -> None:
    found = tables_of(paired(tmp_path, several(6, A_WRONG), several(6, A_WRONG)))
    assert not found.differing.rows and not found.runs.rows
    assert {table.name for table in found.counts} == {"sessions", "outcomes", "missed"}


def test_what_changes_the_score_comes_first(tmp_path: Path) -> None:
    found = tables_of(paired(tmp_path, *EVERY_OUTCOME))
    outcomes = found.differing.cells("outcome")
    assert len(outcomes) == 6
    assert outcomes[:3] == ["only A right", "only B right", "only B right"]
    assert counts(found, "missed").rows == [["omitted", "3", "1"], ["malformed", "0", "1"]]


def test_gains_and_losses_by_activity(tmp_path: Path) -> None:
    a: Sessions = {"s": [(1, 1), (1, 2), (1, 2), (2, 2), (2, 2), (3, 3)]}
    b: Sessions = {"s": [(1, 1), (1, 1), (1, 1), (2, 1), (2, 2), (3, 3)]}
    found = tables_of(paired(tmp_path, a, b))
    assert counts(found, "activities").rows == [
        ["1. cooking", "3", "1", "3", "2", "0"],
        ["2. eating", "2", "2", "1", "0", "1"],
    ]
    assert counts(found, "changes").rows[0] == ["1. cooking", "2. eating", "1. cooking", "2"]


def test_an_event_is_listed_with_its_words(tmp_path: Path) -> None:
    a = written(tmp_path / "a", [row("s1", 7, [1, 2], 3), row("s1", 8, [1], 1)])
    b = written(tmp_path / "b", [row("s1", 7, [1, 2], "no_answer"), row("s1", 8, [1], 1)])
    found = tables_of(pair(a, b, "strict"))
    words = ["kitchen fridge 7", "1. cooking, 2. eating", "3. nothing in particular", "missed (no answer)"]
    assert found.differing.rows == [["s1", "7", "08:00:07", *words, "A wrong, B missed"]]


def test_all_engines_of_a_run_are_named(tmp_path: Path) -> None:
    two = {"generated_by": [{"engine": "vLLM"}, {"engine": "Transformers"}]}
    a = written(tmp_path / "a", rows(several(1, A_WRONG)), environment=two)
    b = written(tmp_path / "b", rows(several(1, A_WRONG)))
    rows_shown = tables_of(pair(a, b, "strict")).runs.rows
    assert ["engine", "Transformers; vLLM", "vLLM on 1 x GPU (vllm 0.32.0)"] in rows_shown


def test_only_what_the_runs_differ_in_is_shown_of_them(tmp_path: Path) -> None:
    adapter = {"name": "tuned", "label": "tuned", "id": "owner/tuned", "revision": "b" * 40}
    a = written(tmp_path / "a", rows(several(2, A_WRONG)))
    b = written(tmp_path / "b", rows(several(2, A_RIGHT)), adapter=adapter)
    assert tables_of(pair(a, b, "strict")).runs.rows == [["adapter", "none", "tuned: owner/tuned at bbbbbbbbbb"]]
