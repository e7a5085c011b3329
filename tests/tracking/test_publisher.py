"""The run's side of the tracker: what it makes of the replies that come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from har_llm.config import WandbTracker
from har_llm.tracking.publisher import Published, Publisher


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    monkeypatch.setattr(Publisher, "start", lambda self: None)
    return Publisher(WandbTracker(), str(tmp_path))


def outcomes(publisher: Publisher, *replies: dict[str, Any]) -> list[dict[str, Any]]:
    """What becomes of so many runs, where all the replies are there before anybody waits."""
    for number, reply in enumerate(replies, 1):
        publisher.ask(Published(str(number), str(number)), "run")
        publisher._replies.put({"number": number, **reply})
    publisher.wait()
    return [one.outcome for one in publisher.asked]


def test_what_has_arrived_is_not_given_up(publisher: Publisher) -> None:
    arrived = {"url": "http://w/3"}
    assert outcomes(publisher, {"failed": "No."}, {"failed": "No."}, arrived) == [
        {"failed": "No."},
        {"failed": "No."},
        arrived,
    ]
    assert publisher.notes.online("3")


def test_two_failures_in_a_row_end_the_attempt(publisher: Publisher) -> None:
    publisher.ask(Published("0", "0"), "run")
    publisher._replies.put({"number": 1, "failed": "No."})
    publisher.ask(Published("1", "1"), "run")
    publisher._replies.put({"number": 2, "failed": "No."})
    publisher.ask(Published("2", "2"), "run")
    publisher.wait()
    assert [one.outcome for one in publisher.asked] == [{"failed": "No."}] * 3


def test_failures_that_are_no_sign_for_others_end_nothing(publisher: Publisher) -> None:
    old = {"failed": "No.", "alone": True}
    found = outcomes(publisher, old, old, {"failed": "No."}, {"url": "http://w/4"})
    assert [sorted(one) for one in found] == [["alone", "failed"], ["alone", "failed"], ["failed"], ["url"]]
