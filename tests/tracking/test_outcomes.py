"""Notes of what was published say what is online, what waits, and what is to be published again."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.config.tracker import WandbTracker
from har_llm.tracking.outcomes import FORMAT, Offline, Online, Published, PublishedNotes


def notes_in(tmp_path: Path, **changes: str) -> PublishedNotes:
    return PublishedNotes(tmp_path / "wandb", WandbTracker(**changes))  # type: ignore[arg-type]


def test_a_run_online_is_noted_for_its_own_project_and_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes_in(tmp_path).write(Published("a", "run"), Online("http://w/1"))
    assert notes_in(tmp_path).online("a") and not notes_in(tmp_path).online("b")
    assert not notes_in(tmp_path, project="other").online("a") and not notes_in(tmp_path, entity="team").online("a")
    monkeypatch.setenv("WANDB_BASE_URL", "http://elsewhere")
    assert not notes_in(tmp_path).online("a")


def test_a_run_that_waits_is_online_once_it_was_sent(tmp_path: Path) -> None:
    notes = notes_in(tmp_path)
    notes.write(Published("a", "run"), Offline("offline-run-1"))
    assert notes.waiting("a") is None, "its folder was deleted: it is to be published again"
    folder = tmp_path / "wandb" / "offline-run-1"
    folder.mkdir()
    assert notes.waiting("a") == Offline("offline-run-1") and not notes.online("a")
    (folder / "run-a.wandb.synced").touch()
    assert notes.online("a") == Online("sent by wandb sync from offline-run-1") and notes.waiting("a") is None


def test_a_note_says_what_it_was_told(tmp_path: Path) -> None:
    notes = notes_in(tmp_path)
    assert notes.find("a") is None
    for outcome in (Online("http://w/1", report="r", again=True), Offline("offline-run-1")):
        notes.write(Published("a", "run"), outcome)
        assert notes.find("a") == outcome


@pytest.mark.parametrize(
    ("old", "new"), [("{", ""), (f'"format": {FORMAT}', f'"format": {FORMAT - 1}'), ('"url"', '"address"')]
)
def test_a_damaged_note_or_one_of_another_format_is_none(tmp_path: Path, old: str, new: str) -> None:
    notes = notes_in(tmp_path)
    notes.write(Published("a", "run"), Online("http://w/1"))
    (file,) = (tmp_path / "wandb" / "published").iterdir()
    file.write_text(file.read_text().replace(old, new, 1))
    assert notes.find("a") is None and notes.online("a") is None
