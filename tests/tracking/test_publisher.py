"""The run's side of the tracker: how it treats replies, and what it notes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from har_llm.config import WandbTracker
from har_llm.tracking.publisher import Published, PublishedNotes, Publisher


class Process:
    """Stands for the tracker's process: it replies at once to what it is asked, as long as it has replies."""

    def __init__(self, *replies: dict[str, Any]) -> None:
        self._replies, self._left = iter(replies), len(replies)
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        self.heard = threading.Event()
        """Set once the receiver has taken every reply and asks for more."""

    def send(self, message: dict[str, Any]) -> None:
        if "do" in message and (reply := next(self._replies, None)) is not None:
            self._said.put({"number": message["number"], **reply})

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


def outcomes(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, runs: int, *replies: dict[str, Any]
) -> list[dict[str, Any]]:
    """The outcomes of so many runs, if all replies are there before anything waits."""
    process = Process(*replies)
    monkeypatch.setattr("har_llm.tracking.publisher.JsonProcess", lambda function, what: process)
    for number in range(1, runs + 1):
        publisher.ask(Published(str(number), str(number)), "run")
    assert process.heard.wait(10)
    publisher.wait()
    return [one.outcome for one in publisher.asked]


def test_what_has_arrived_is_not_given_up(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = {"url": "http://w/3"}
    assert outcomes(publisher, monkeypatch, 3, {"failed": "No."}, {"failed": "No."}, arrived) == [
        {"failed": "No."},
        {"failed": "No."},
        arrived,
    ]
    assert publisher.notes.online("3")


def test_two_failures_in_a_row_end_the_attempt(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcomes(publisher, monkeypatch, 3, {"failed": "No."}, {"failed": "No."}) == [{"failed": "No."}] * 3


def test_failures_that_are_no_sign_for_others_end_nothing(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    old = {"failed": "No.", "alone": True}
    found = outcomes(publisher, monkeypatch, 4, old, old, {"failed": "No."}, {"url": "http://w/4"})
    assert [sorted(one) for one in found] == [["alone", "failed"], ["alone", "failed"], ["failed"], ["url"]]


def notes_in(tmp_path: Path, **changes: str) -> PublishedNotes:
    return PublishedNotes(tmp_path / "wandb", WandbTracker(**changes))  # type: ignore[arg-type]


def test_a_run_online_is_noted_for_its_own_project_and_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes_in(tmp_path).write(Published("a", "run"), {"url": "http://w/1"})
    assert notes_in(tmp_path).online("a") and not notes_in(tmp_path).online("b")
    assert not notes_in(tmp_path, project="other").online("a") and not notes_in(tmp_path, entity="team").online("a")
    monkeypatch.setenv("WANDB_BASE_URL", "http://elsewhere")
    assert not notes_in(tmp_path).online("a")


def test_a_run_that_waits_is_online_once_it_was_sent(tmp_path: Path) -> None:
    notes = notes_in(tmp_path)
    notes.write(Published("a", "run"), {"folder": "offline-run-1"})
    assert notes.waiting("a") is None, "its folder was deleted: it is to be published again"
    folder = tmp_path / "wandb" / "offline-run-1"
    folder.mkdir()
    assert notes.waiting("a") == folder and not notes.online("a")
    (folder / "run-a.wandb.synced").touch()
    assert notes.online("a") and notes.waiting("a") is None


def test_a_damaged_note_is_none(tmp_path: Path) -> None:
    notes = notes_in(tmp_path)
    notes.write(Published("a", "run"), {"url": "http://w/1"})
    (file,) = (tmp_path / "wandb" / "published").iterdir()
    file.write_text("{")
    assert notes.find("a") is None and not notes.online("a")
