"""The numbers of a comparison: every event is counted once, and right is what the scores take for right."""

from __future__ import annotations

from pathlib import Path

from pytest import approx

from har_llm.report.compare.comparison import ActivityOutcomes, Comparison, Counts, compare
from har_llm.report.compare.pairing import OUTCOMES, pair
from tests.report.run_folders import A_RIGHT, A_WRONG, EVERY_OUTCOME, Sessions, paired, row, rows, several, written
from tests.scripted_runs import done


def compared(tmp_path: Path, a: Sessions, b: Sessions) -> Comparison:
    return compare(paired(tmp_path, a, b), "accuracy")


def test_what_was_left_out_and_what_is_synthetic_or_partial_is_said(tmp_path: Path) -> None:
    a = written(tmp_path / "a", rows(several(2, A_WRONG)), provenance="synthetic model")
    b = written(tmp_path / "b", rows(several(1, A_RIGHT)), partial=True, limit=1, null_class=[3])
    found = compare(pair(a, b, "strict"), "accuracy")
    assert found.label == "A (synthetic model), B (partial: first 1 window only)"
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


def test_a_model_can_be_compared_with_a_baseline(tmp_path: Path, script: str) -> None:
    model, baseline = done(tmp_path, script)[0], done(tmp_path, "model=sensor_majority")[0]
    found = compare(pair(model, baseline, "strict"), "accuracy")
    assert "B (a baseline, supervised; synthetic home)" in found.label
    assert found.outcomes["both right"] + found.outcomes["only A right"] == found.events, "the script has no error"
