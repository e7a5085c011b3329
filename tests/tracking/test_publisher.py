"""The run's side of the tracker: how it treats replies."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.typed_json import tagged
from har_llm.config.tracker import WandbTracker
from har_llm.tracking.outcomes import Failed, Online, Outcome, Published
from har_llm.tracking.publisher import Publisher


class Process:
    """Stands for the tracker's process: it replies at once to what it is asked, as long as it has replies."""

    def __init__(self, *replies: Outcome) -> None:
        self._replies, self._left = iter(replies), len(replies)
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        self.heard = threading.Event()
        """Set once the receiver has taken every reply and asks for more."""

    def send(self, message: dict[str, Any]) -> None:
        if "do" in message and (reply := next(self._replies, None)) is not None:
            self._said.put({"number": message["number"], "outcome": tagged(reply)})

    def receive(self) -> dict[str, Any]:
        if self._left == 0:
            self.heard.set()
        self._left -= 1
        return self._said.get()

    def close(self) -> None:
        pass


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    made = Publisher(WandbTracker(), str(tmp_path))
    yield made
    made.close()


def outcomes(publisher: Publisher, monkeypatch: pytest.MonkeyPatch, runs: int, *replies: Outcome) -> list[Outcome | None]:
    """The outcomes of so many runs, if all replies are there before anything waits."""
    process = Process(*replies)
    monkeypatch.setattr("har_llm.tracking.publisher.JsonProcess", lambda function, what: process)
    for number in range(1, runs + 1):
        publisher.ask(Published(str(number), str(number)), "run")
    assert process.heard.wait(10)
    publisher.wait()
    return [one.outcome for one in publisher.asked]


def test_what_has_arrived_is_not_given_up(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = Failed("No."), Failed("No."), Online("http://w/3")
    assert outcomes(publisher, monkeypatch, 3, *replies) == [*replies]
    assert publisher.notes.online("3") == Online("http://w/3")


def test_two_failures_in_a_row_end_the_attempt(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcomes(publisher, monkeypatch, 3, Failed("No."), Failed("No.")) == [Failed("No.")] * 3


def test_failures_that_are_no_sign_for_others_end_nothing(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = Failed("No.", alone=True), Failed("No.", alone=True), Failed("No."), Online("http://w/4")
    assert outcomes(publisher, monkeypatch, 4, *replies) == [*replies]
