"""Only what both runs scored is compared, and only where both mean the same event."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError
from har_llm.report.compare.pairing import Pairing, pair
from har_llm.runs.directory import RunResult
from har_llm.scoring.names import METRICS
from har_llm.scoring.prediction import Prediction
from tests.report.run_folders import row, rows, written

SESSIONS = {"s1": [(1, 1), (1, 2), (2, 2)], "s2": [(2, "omitted"), (1, 1)]}
OTHER = {"s1": [(1, 1), (1, 1), (2, 1)], "s2": [(2, 2), (1, "malformed")]}


def runs(tmp_path: Path, a: object = None, b: object = None, **changes: object) -> tuple[RunResult, RunResult]:
    events = (a or rows(SESSIONS), b or rows(OTHER))
    one, two = (written(tmp_path / name, given, **changes) for name, given in zip("ab", events, strict=True))  # type: ignore[arg-type]
    return one, two


def test_runs_on_the_same_events_have_the_scores_of_their_own(tmp_path: Path) -> None:
    a, b = runs(tmp_path)
    paired = pair(a, b, "strict")
    assert len(paired.events) == 5 and paired.left_out == (0, 0)
    for run, scores in zip((a, b), paired.scores, strict=True):
        stored = run.metrics.strict.all.sessions
        assert scores == {name: {metric: one.score(metric) for metric in METRICS} for name, one in stored.items()}
    first = paired.events[1]
    assert (first.session, first.id, first.gold) == ("s1", 1, (1,))
    assert (first.a, first.b) == (Prediction(2), Prediction(1))
    assert first.right == (False, True) and first.differs
    assert paired.events[3].a == Prediction(None, "omitted")


def test_the_reading_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    events = rows(SESSIONS)
    events[3]["lenient"] = {"activity": 2, "missed": None}
    a, b = runs(tmp_path, a=events)
    assert pair(a, b, "strict").events[3].a == Prediction(None, "omitted")
    assert pair(a, b, "lenient").events[3].a == Prediction(2, None)


def test_events_that_one_run_did_not_score_are_left_out_and_counted(tmp_path: Path) -> None:
    events = rows(SESSIONS)
    events[0] = {**events[0], "excluded": "window beyond limit", "scored": False}
    del events[0]["strict"], events[0]["lenient"]
    a, b = runs(tmp_path, a=events, b=rows({"s1": OTHER["s1"]}))
    paired = pair(a, b, "strict")
    assert [(event.session, event.id) for event in paired.events] == [("s1", 1), ("s1", 2)]
    assert paired.left_out == (2, 1)
    assert [set(scores) for scores in paired.scores] == [{"s1"}, {"s1"}]
    assert [scores["s1"]["accuracy"] for scores in paired.scores] == [0.5, 0.5]


def test_a_run_without_scores_is_named(tmp_path: Path) -> None:
    unlabelled = [{**event, "gold": [], "scored": False} for event in rows(OTHER)]
    a, b = runs(tmp_path, b=unlabelled)
    for pairs in ((a, b), (b, a)):
        with pytest.raises(ConfigError, match=r"^b has no scored event, and runs are compared by their scores; what each"):
            pair(*pairs, "strict")


def test_what_either_run_leaves_unscored_is_left_out_of_both(tmp_path: Path) -> None:
    both = [row("s1", 0, [3], 3), row("s1", 1, [1], 3), row("s1", 2, [3, 2], 3)]
    a = written(tmp_path / "a", both, null_class=[3])
    b = written(tmp_path / "b", [{**both[0], "scored": False}, *both[1:]], null_class=[3], unscored=[3])
    for one, two in ((a, b), (b, a), (b, b)):
        paired = pair(one, two, "strict")
        assert paired.unscored == {3} and len(paired.events) == 2
        assert [scores["s1"]["accuracy"] for scores in paired.scores] == [0, 0], "3 is no right answer for 3 and 2"
        assert [event.gold for event in paired.events] == [(1,), (2,)]
        assert not any(event.right[0] or event.right[1] for event in paired.events)
        assert paired.left_out == (0, 0), "what neither may count is not missing in one"
    assert pair(a, a, "strict").unscored == set() and len(pair(a, a, "strict").events) == 3


@pytest.mark.parametrize(("name", "value"), [("time", "09:00:00"), ("event", "hall lamp ON"), ("gold", [1, 2])])
def test_events_that_disagree_are_refused(tmp_path: Path, name: str, value: object) -> None:
    events = rows(OTHER)
    events[2][name] = value
    with pytest.raises(ConfigError, match=f"Event 2 of session s1 has {name} .* in A and .* in B.*different data"):
        pair(*runs(tmp_path, b=events), "strict")


def test_runs_without_a_common_event_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="a has 5 scored events and b has 2, none of them in common; compare runs on the same"
    ):
        pair(*runs(tmp_path, b=rows({"s9": [(1, 1), (2, 2)]})), "strict")


def test_activities_of_another_numbering_are_refused(tmp_path: Path) -> None:
    a = written(tmp_path / "a", rows(SESSIONS))
    b = written(tmp_path / "b", rows(OTHER), activities={1: "eating", 2: "cooking", 3: "x"})
    with pytest.raises(ConfigError, match=r"^Activity 1 is 'cooking' in a and 'eating' in b"):
        pair(a, b, "strict")
    other = written(tmp_path / "c", rows(OTHER), activities={1: "eating", 2: "cooking", 3: "x"}, dataset="other")
    with pytest.raises(ConfigError, match=r"^The runs are of different homes \(\w+ and other\)\. Activity 1 is"):
        pair(a, other, "strict")


def test_runs_with_different_catalogues_are_scored_on_all_activities(tmp_path: Path) -> None:
    a = written(tmp_path / "a", rows({"s1": [(1, 1), (2, 2)]}), activities={1: "cooking", 2: "eating"})
    b = written(tmp_path / "b", rows({"s1": [(1, 1), (2, 4)]}), activities={1: "cooking", 2: "eating", 4: "x", 5: "y"})
    paired: Pairing = pair(a, b, "strict")
    assert set(paired.activities) == {1, 2, 4, 5}
    assert paired.scores[0]["s1"]["f1_macro_catalogue"] == 0.5
