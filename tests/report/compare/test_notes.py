"""What is concluded from a comparison, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.report.compare.comparison import Comparison, compare
from har_llm.report.compare.notes import certainty
from har_llm.report.compare.pairing import pair
from har_llm.scoring import significance
from tests.report.run_folders import A_RIGHT, A_WRONG, BETTER, Sessions, paired, rows, several, written


def compared(tmp_path: Path, a: Sessions, b: Sessions) -> Comparison:
    return compare(paired(tmp_path, a, b), "accuracy")


@pytest.mark.slow
def test_a_better_run_is_named_with_its_difference_interval_and_p(tmp_path: Path) -> None:
    found = compared(tmp_path, several(6, A_WRONG), BETTER)
    assert found.verdict == (
        "B - A in accuracy: +50.00 points (95 % interval +26.53 to +73.47, p = 0.031, 6 sessions). "
        "B is better: chance alone would give such a difference in 3.1 % of cases."
    )
    assert "A is better" in compared(tmp_path / "r", several(6, A_RIGHT), several(6, A_WRONG)).verdict
    assert any("all 64 ways to swap A and B" in note and "exact" in note for note in found.notes)


def test_fewer_missed_events_are_better(tmp_path: Path) -> None:
    a, b = (written(tmp_path / name, rows(several(6, events))) for name, events in (("a", A_WRONG), ("b", A_RIGHT)))
    assert "B is better" in compare(pair(a, b, "strict"), "missed").verdict


@pytest.mark.parametrize(("count", "least"), [(1, "1.000"), (2, "0.500"), (5, "0.063")])
def test_too_few_sessions_are_said_to_be_too_few(tmp_path: Path, count: int, least: str) -> None:
    found = compared(tmp_path, several(count, A_WRONG), several(count, A_RIGHT))
    assert "These are too few sessions to tell." in found.verdict and "better" not in found.verdict
    assert found.notes[0] == (
        f"Too few sessions to tell: with {count}, p cannot be below {least}, however much the runs differ. "
        "At least 6 are needed for p = 0.05."
    )
    assert any("An interval needs 3 sessions" in note for note in found.notes) == (count < 3)


def test_one_session_has_no_p() -> None:
    found = significance.compare({"s": {"accuracy": 0.2}}, {"s": {"accuracy": 0.8}}, ["accuracy"])
    assert certainty(found, "accuracy", "A", "B") == "(1 session). These are too few sessions to tell."


def test_a_difference_in_few_of_the_sessions_is_said_to_be_so(tmp_path: Path) -> None:
    better = {**several(7, A_WRONG), "s0": A_RIGHT, "s3": A_RIGHT}
    found = compared(tmp_path, several(7, A_WRONG), better)
    assert "do not show that either run is better, nor that they are equal" in found.verdict
    assert found.notes[0] == "The runs differ in 2 of 7 sessions only, so p cannot be below 0.500."
    assert found.metrics["accuracy"].ci95 is None
    assert found.notes[1].startswith("There is no interval for missed events, nor where half of the sessions")


def test_an_interval_without_0_does_not_overrule_the_test() -> None:
    scores = dict(enumerate((0.6, 0.65, 0.7, 0.75, 0.8, 0.19)))
    a, b = ({str(n): {"accuracy": score} for n, score in one.items()} for one in (dict.fromkeys(scores, 0.2), scores))
    said = certainty(significance.compare(a, b, ["accuracy"]), "accuracy", "A", "B")
    assert said.startswith("(95 % interval +18.") and "p = 0.063, 6 sessions). The interval has no 0 in it and" in said
    assert said.endswith(
        "p, which assumes less, decides: the sessions do not show that either run is better, nor that they are equal."
    )


@pytest.mark.slow
def test_a_difference_that_chance_hardly_gives_is_not_called_impossible(tmp_path: Path) -> None:
    found = compared(tmp_path, several(12, A_WRONG), several(12, A_RIGHT))
    assert "p < 0.001, 12 sessions). B is better" in found.verdict and "less than 0.1 % of cases" in found.verdict
