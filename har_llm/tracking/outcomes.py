"""What became of something that was to be published to W&B, and the notes of what was published: a file for each W&B run."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from har_llm.common.digest import digest
from har_llm.common.files import write_whole
from har_llm.common.typed_json import AnyText, plain, read_json, typed
from har_llm.config.tracker import WandbTracker

FORMAT = 1
"""To be raised when the content of a note changes; a note of another format counts as none."""


@dataclass(frozen=True)
class Online:
    """W&B has it."""

    url: str
    report: str | None = None
    """Id of the dashboard, which is a report of W&B."""
    again: bool = False
    """Whether it had been published before."""


@dataclass(frozen=True)
class Offline:
    """It is kept here for `wandb sync`."""

    folder: str
    """Below the client's folder."""
    again: bool = False


@dataclass(frozen=True)
class Failed:
    why: AnyText
    alone: bool = False
    """Whether the failure says nothing about other runs."""


@dataclass(frozen=True)
class Dropped:
    """A training made no adapter, so its W&B run was closed without one."""


Outcome = Online | Offline | Failed | Dropped
OUTCOMES: tuple[type[Outcome], ...] = (Online, Offline, Failed, Dropped)


@dataclass
class Published:
    """Something to be published, and its outcome."""

    id: str
    """Id of the W&B run."""
    name: str
    runs: list[Path] = field(default_factory=list)
    """The run directories that it belongs to."""
    outcome: Outcome | None = None
    """None until it is known."""
    reported: bool = True
    """Whether the user is told the outcome."""


@dataclass(frozen=True)
class Note:
    """What was published of a W&B run, and where."""

    format: int
    id: str
    name: str
    project: str
    entity: str | None
    outcome: Online | Offline
    at: str
    """UTC."""


@dataclass(frozen=True)
class PublishedNotes:
    """The notes, which are in a folder of their own, because run directories never change."""

    folder: Path
    """The client's."""
    tracker: WandbTracker

    def _file(self, id: str) -> Path:
        place = [os.environ.get("WANDB_BASE_URL"), self.tracker.entity, self.tracker.project, id]
        return self.folder / "published" / f"{id}-{digest(place)[:10]}.json"

    def find(self, id: str) -> Online | Offline | None:
        """What the note of a W&B run says; None if there is none, or a damaged one."""
        try:
            note = typed(Note, read_json(self._file(id)))
        except (OSError, ValueError):
            return None
        return note.outcome if note.format == FORMAT else None

    def online(self, id: str) -> Online | None:
        """What W&B has of the run, uploaded by us or by `wandb sync`; None if it has nothing."""
        found = self.find(id)
        if isinstance(found, Offline):
            return Online(f"sent by wandb sync from {found.folder}") if self._synced(found) else None
        return found

    def waiting(self, id: str) -> Offline | None:
        """What was written offline and waits for `wandb sync`."""
        found = self.find(id)
        if not isinstance(found, Offline) or self._synced(found):
            return None
        return found if (self.folder / found.folder).is_dir() else None

    def _synced(self, found: Offline) -> bool:
        return any((self.folder / found.folder).glob("*.wandb.synced"))

    def write(self, published: Published, outcome: Online | Offline) -> None:
        """Write a note. Several processes may publish, so the write is atomic."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        place = self.tracker.project, self.tracker.entity
        note = Note(FORMAT, published.id, published.name, *place, outcome, at)
        write_whole(self._file(published.id), json.dumps(plain(note), indent=1) + "\n")
