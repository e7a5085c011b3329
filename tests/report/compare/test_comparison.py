"""What a comparison says, and that it does not say too much."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest import approx

from har_llm.report.compare.comparison import ActivityOutcomes, Comparison, Counts, compare
from har_llm.report.compare.pairing import OUTCOMES, pair
from tests.report.run_folders import A_RIGHT, A_WRONG, EVERY_OUTCOME, Sessions, paired, row, rows, several, written


def compared(tmp_path: Path, a: Sessions, b: Sessions) -> Comparison:
    return compare(paired(tmp_path, a, b), "accuracy")


def test_a_better_run_is_named_with_its_difference_interval_and_p(tmp_path: Path) -> None:
    found = compared(tmp_path, several(6, A_WRONG), several(6, A_RIGHT))
    assert found.verdict == (
        "B - A in accuracy: +75.00 points (95 % interval +75.00 to +75.00, p = 0.031, 6 sessions). "
        "B is better: chance alone would give such a difference in 3.1 % of cases."
    )
    assert "A is better" in compared(tmp_path / "r", several(6, A_RIGHT), several(6, A_WRONG)).verdict
    assert any("all 64 ways to swap A and B" in note and "exact" in note for note in found.notes)


def test_fewer_missed_events_are_better(tmp_path: Path) -> None:
    a, b = (written(tmp_path / name, rows(several(6, events))) for name, events in (("a", A_WRONG), ("b", A_RIGHT)))
    assert "B is better" in compare(pair(a, b, "strict"), "missed").verdict


@pytest.mark.parametrize(("count", "least"), [(1, "1.000"), (2, "0.500"), (5, "0.062")])
def test_too_few_sessions_are_said_to_be_too_few(tmp_path: Path, count: int, least: str) -> None:
    found = compared(tmp_path, several(count, A_WRONG), several(count, A_RIGHT))
    assert "These are too few sessions to tell." in found.verdict and "better" not in found.verdict
    assert found.notes[0] == (
        f"Too few sessions to tell: with {count}, p cannot be below {least}, however much the runs differ. "
        "At least 6 are needed for p = 0.05."
    )
    assert any("An interval needs 3 sessions" in note for note in found.notes) == (count < 3)


def test_a_difference_in_few_of_the_sessions_is_said_to_be_so(tmp_path: Path) -> None:
    better = {**several(7, A_WRONG), "s0": A_RIGHT, "s3": A_RIGHT}
    found = compared(tmp_path, several(7, A_WRONG), better)
    assert "do not show that either run is better, nor that they are equal" in found.verdict
    assert found.notes[0] == "The runs differ in 2 of 7 sessions only, so p cannot be below 0.500."


def test_what_was_left_out_and_what_is_synthetic_or_partial_is_said(tmp_path: Path) -> None:
    a = written(tmp_path / "a", rows(several(2, A_WRONG)), provenance="synthetic model")
    b = written(tmp_path / "b", rows(several(1, A_RIGHT)), partial=True, limit=1, null_class=[3])
    found = compare(pair(a, b, "strict"), "accuracy")
    assert found.label == "A: synthetic model; B: partial: first 1 windows only"
    assert any(
        "A scored 4 events that B did not, and B 0 that A did not. Only the 4 that both" in note for note in found.notes
    )
    assert any("The null class is scored as any activity" in note for note in found.notes)
    same = compare(pair(a, a, "strict"), "accuracy")
    assert same.label == "A and B: synthetic model"


def test_what_is_right_is_what_the_scores_take_for_right(tmp_path: Path) -> None:
    events = [row("s1", 0, [3, 2], 3), row("s1", 1, [1, 2], 2), row("s1", 2, [3], 3), row("s1", 3, [1], "omitted")]
    a, b = (
        written(tmp_path / name, events, null_class=[3], unscored=unscored) for name, unscored in (("a", []), ("b", [3]))
    )
    found = compare(pair(a, b, "strict"), "accuracy")
    assert found.events == 3
    assert found.outcomes["both right"] / 3 == approx(found.metrics["accuracy"].a)
    assert any("The null class is left out of these scores" in note for note in found.notes)


def test_a_difference_that_chance_hardly_gives_is_not_called_impossible(tmp_path: Path) -> None:
    found = compared(tmp_path, several(12, A_WRONG), several(12, A_RIGHT))
    assert "p < 0.001, 12 sessions). B is better" in found.verdict and "less than 0.1 % of cases" in found.verdict


def test_every_event_has_one_outcome(tmp_path: Path) -> None:
    found = compared(tmp_path, *EVERY_OUTCOME)
    assert found.outcomes == {
        "both right": 1,
        "only A right": 1,
        "only B right": 2,
        "both wrong, the same activity": 1,
        "both wrong, different activities": 1,
        "A wrong, B missed": 1,
        "A missed, B wrong": 1,
        "both missed": 1,
    }
    assert tuple(found.outcomes) == OUTCOMES
    assert found.events_that_differ == 6
    assert found.missed_by_cause["omitted"] == Counts(a=3, b=1)


def test_gains_and_losses_are_counted_by_activity(tmp_path: Path) -> None:
    a: Sessions = {"s": [(1, 1), (1, 2), (1, 2), (2, 2), (2, 2), (3, 3)]}
    b: Sessions = {"s": [(1, 1), (1, 1), (1, 1), (2, 1), (2, 2), (3, 3)]}
    assert compared(tmp_path, a, b).by_activity == [
        ActivityOutcomes(1, "cooking", events=3, a_right=1, b_right=3, gained=2, lost=0),
        ActivityOutcomes(2, "eating", events=2, a_right=2, b_right=1, gained=0, lost=1),
        ActivityOutcomes(3, "nothing in particular", events=1, a_right=1, b_right=1, gained=0, lost=0),
    ]


def test_scores_are_there_in_the_mean_and_session_by_session(tmp_path: Path) -> None:
    found = compared(tmp_path, several(6, A_WRONG), several(6, A_RIGHT))
    assert found.sessions == len(found.by_session) == 6
    assert found.metrics["accuracy"].difference == approx(0.75)
    assert found.by_session["s3"].b["accuracy"] - found.by_session["s3"].a["accuracy"] == approx(0.75)
    assert sum(found.outcomes.values()) == found.events == sum(one.events for one in found.by_session.values()) == 24
