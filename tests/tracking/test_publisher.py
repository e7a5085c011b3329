"""The run's side of the tracker: how it treats replies, and what it notes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from har_llm.config import WandbTracker
from har_llm.tracking.publisher import Published, PublishedNotes, Publisher


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    monkeypatch.setattr(Publisher, "start", lambda self: None)
    return Publisher(WandbTracker(), str(tmp_path))


def outcomes(publisher: Publisher, *replies: dict[str, Any]) -> list[dict[str, Any]]:
    """The outcomes of `count` runs, if all replies are there before anything waits."""
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
