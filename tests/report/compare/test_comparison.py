"""What a comparison says, and that it does not say too much."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest import approx

from har_llm.report.compare.comparison import OUTCOMES, Comparison, build
from har_llm.report.compare.pairing import pair
from tests.report.run_folders import Said, row, rows, written

A_RIGHT: list[tuple[int, Said]] = [(1, 1), (1, 1), (2, 2), (2, 2)]
A_WRONG: list[tuple[int, Said]] = [(1, 2), (1, 1), (2, 1), (2, "omitted")]


def compared(tmp_path: Path, a: dict[str, list[tuple[int, Said]]], b: dict[str, list[tuple[int, Said]]]) -> Comparison:
    runs = (written(tmp_path / name, rows(events)) for name, events in (("a", a), ("b", b)))
    return build(pair(*runs, "strict"), "accuracy")


def sessions(count: int, events: list[tuple[int, Said]]) -> dict[str, list[tuple[int, Said]]]:
    return {f"s{number}": events for number in range(count)}


def test_a_better_run_is_named_with_its_difference_interval_and_p(tmp_path: Path) -> None:
    found = compared(tmp_path, sessions(6, A_WRONG), sessions(6, A_RIGHT))
    assert found.verdict == (
        "B - A in accuracy: +75.00 points (95 % interval +75.00 to +75.00, p = 0.031, 6 sessions). "
        "B is better: chance alone would give such a difference in 3.1 % of cases."
    )
    assert ["accuracy *", "25.00", "100.00", "+75.00", "+75.00 to +75.00", "0.031"] in found.scores.rows
    assert ["missed", "25.00", "0.00", "-25.00", "-25.00 to -25.00", "0.031"] in found.scores.rows
    assert "A is better" in compared(tmp_path / "r", sessions(6, A_RIGHT), sessions(6, A_WRONG)).verdict
    assert any("all 64 ways to swap A and B" in note and "exact" in note for note in found.notes)


def test_fewer_missed_events_are_better(tmp_path: Path) -> None:
    a, b = (written(tmp_path / name, rows(sessions(6, events))) for name, events in (("a", A_WRONG), ("b", A_RIGHT)))
    assert "B is better" in build(pair(a, b, "strict"), "missed").verdict


@pytest.mark.parametrize(("count", "least"), [(1, "1.000"), (2, "0.500"), (5, "0.062")])
def test_too_few_sessions_are_said_to_be_too_few(tmp_path: Path, count: int, least: str) -> None:
    found = compared(tmp_path, sessions(count, A_WRONG), sessions(count, A_RIGHT))
    assert "These are too few sessions to tell." in found.verdict and "better" not in found.verdict
    assert found.notes[0] == (
        f"Too few sessions to tell: with {count}, p cannot be below {least}, however much the runs differ. "
        "At least 6 are needed for p = 0.05."
    )
    assert any("An interval needs 3 sessions" in note for note in found.notes) == (count < 3)


def test_a_difference_in_few_of_the_sessions_is_said_to_be_so(tmp_path: Path) -> None:
    better = {**sessions(7, A_WRONG), "s0": A_RIGHT, "s3": A_RIGHT}
    found = compared(tmp_path, sessions(7, A_WRONG), better)
    assert "do not show that either run is better, nor that they are equal" in found.verdict
    assert found.notes[0] == "The runs differ in 2 of 7 sessions only, so p cannot be below 0.500."


def test_equal_runs_have_nothing_to_list(tmp_path: Path) -> None:
    found = compared(tmp_path, sessions(6, A_WRONG), sessions(6, A_WRONG))
    assert found.verdict.endswith("p = 1.000, 6 sessions). The runs score the same in every session.")
    assert not found.differing.rows
    assert {table.name for table in found.tables} == {"sessions", "outcomes", "missed"}


def test_every_event_has_one_outcome(tmp_path: Path) -> None:
    a: list[tuple[int, Said]] = [
        (1, 1),
        (1, 1),
        (1, 2),
        (1, 2),
        (1, 2),
        (1, 3),
        (1, "omitted"),
        (1, "omitted"),
        (1, "omitted"),
    ]
    b: list[tuple[int, Said]] = [(1, 1), (1, 2), (1, 1), (1, 2), (1, 3), (1, "omitted"), (1, 3), (1, "malformed"), (1, 1)]
    found = compared(tmp_path, {"s": a}, {"s": b})
    assert found.content["outcomes"] == {
        "both right": 1,
        "only A right": 1,
        "only B right": 2,
        "both wrong, the same activity": 1,
        "both wrong, different activities": 1,
        "A wrong, B missed": 1,
        "A missed, B wrong": 1,
        "both missed": 1,
    }
    assert tuple(found.content["outcomes"]) == OUTCOMES
    assert found.content["events_that_differ"] == len(found.differing.rows) == 6
    outcomes = [line[-1] for line in found.differing.rows]
    assert outcomes[:3] == ["only A right", "only B right", "only B right"], "what changes the score comes first"
    assert found.content["missed_by_cause"]["omitted"] == {"a": 3, "b": 1}
    (missed,) = [table for table in found.tables if table.name == "missed"]
    assert missed.rows == [["omitted", "3", "1"], ["malformed", "0", "1"]]


def test_gains_and_losses_by_activity(tmp_path: Path) -> None:
    a: list[tuple[int, Said]] = [(1, 1), (1, 2), (1, 2), (2, 2), (2, 2), (3, 3)]
    b: list[tuple[int, Said]] = [(1, 1), (1, 1), (1, 1), (2, 1), (2, 2), (3, 3)]
    found = compared(tmp_path, {"s": a}, {"s": b})
    (table,) = [table for table in found.tables if table.name == "activities"]
    assert table.rows == [["1. cooking", "3", "1", "3", "2", "0"], ["2. eating", "2", "2", "1", "0", "1"]]
    assert sum(one["events"] for one in found.content["by_activity"]) == 6
    (changes,) = [table for table in found.tables if table.name == "changes"]
    assert changes.rows[0] == ["1. cooking", "2. eating", "1. cooking", "2"]


def test_an_event_is_listed_with_its_words(tmp_path: Path) -> None:
    a = written(tmp_path / "a", [row("s1", 7, [1, 2], 3), row("s1", 8, [1], 1)])
    b = written(tmp_path / "b", [row("s1", 7, [1, 2], "no_answer"), row("s1", 8, [1], 1)])
    found = build(pair(a, b, "strict"), "f1_weighted")
    words = ["kitchen fridge 7", "1. cooking, 2. eating", "3. nothing in particular", "missed (no answer)"]
    assert found.differing.rows == [["s1", "7", "08:00:07", *words, "A wrong, B missed"]]
    assert any("counted under the first of them" in note for note in found.notes)


def test_what_was_left_out_and_what_is_synthetic_or_partial_is_said(tmp_path: Path) -> None:
    a = written(tmp_path / "a", rows(sessions(2, A_WRONG)), provenance="synthetic model")
    b = written(tmp_path / "b", rows(sessions(1, A_RIGHT)), partial=True, limit=1, null_class=[3])
    found = build(pair(a, b, "strict"), "accuracy")
    assert found.label == "A: synthetic model; B: partial: first 1 windows only"
    assert any(
        "A scored 4 events that B did not, and B 0 that A did not. Only the 4 that both" in note for note in found.notes
    )
    assert any("The null class is scored as any activity" in note for note in found.notes)
    same = build(pair(a, a, "strict"), "accuracy")
    assert same.label == "A and B: synthetic model"


def test_what_is_right_is_what_the_scores_take_for_right(tmp_path: Path) -> None:
    events = [row("s1", 0, [3, 2], 3), row("s1", 1, [1, 2], 2), row("s1", 2, [3], 3), row("s1", 3, [1], "omitted")]
    a, b = (
        written(tmp_path / name, events, null_class=[3], unscored=unscored) for name, unscored in (("a", []), ("b", [3]))
    )
    found = build(pair(a, b, "strict"), "accuracy")
    assert found.content["events"] == 3
    assert found.content["outcomes"]["both right"] / 3 == approx(found.content["metrics"]["accuracy"]["a"])
    assert any("The null class is left out of these scores" in note for note in found.notes)


def test_a_difference_that_chance_hardly_gives_is_not_called_impossible(tmp_path: Path) -> None:
    found = compared(tmp_path, sessions(12, A_WRONG), sessions(12, A_RIGHT))
    assert "p < 0.001, 12 sessions). B is better" in found.verdict and "less than 0.1 % of cases" in found.verdict


def test_all_engines_of_a_run_are_named(tmp_path: Path) -> None:
    two = {"generated_by": [{"engine": "VllmEngine"}, {"engine": "TransformersEngine"}]}
    a = written(tmp_path / "a", rows(sessions(1, A_WRONG)), environment=two)
    b = written(tmp_path / "b", rows(sessions(1, A_WRONG)))
    assert ["engine", "Transformers; Vllm", "Vllm on 1 x GPU (vllm 0.32.0)"] in build(
        pair(a, b, "strict"), "accuracy"
    ).runs.rows


def test_only_what_the_runs_differ_in_is_shown_of_them(tmp_path: Path) -> None:
    adapter = {"name": "tuned", "label": "tuned", "id": "owner/tuned", "revision": "b" * 40}
    a = written(tmp_path / "a", rows(sessions(2, A_WRONG)))
    b = written(tmp_path / "b", rows(sessions(2, A_RIGHT)), adapter=adapter)
    assert build(pair(a, b, "strict"), "accuracy").runs.rows == [["adapter", "none", "tuned: owner/tuned at bbbbbbbbbb"]]


def test_the_content_is_json_and_agrees_with_the_tables(tmp_path: Path) -> None:
    found = compared(tmp_path, sessions(6, A_WRONG), sessions(6, A_RIGHT))
    content = json.loads(json.dumps(found.content, allow_nan=False))
    assert content == found.content
    assert content["metrics"]["accuracy"]["difference"] == approx(0.75)
    assert content["by_session"]["s3"]["b"]["accuracy"] - content["by_session"]["s3"]["a"]["accuracy"] == approx(0.75)
    assert sum(content["outcomes"].values()) == content["events"] == 24
