"""What has been published, noted beside the run directories.

A finished run directory is never changed, may lie on a read-only disk and may be published to several projects; so the
notes lie in paths.outputs/wandb/published, one small file for each W&B run. Losing them does no harm: the W&B run's id comes
from the results, so publishing again writes the same run again.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from har_llm.runs.store import digest
from har_llm.tracking.config import WandbTracker

FOLDER = "wandb"


@dataclass(frozen=True)
class Ledger:
    outputs: Path
    tracker: WandbTracker

    @property
    def root(self) -> Path:
        return self.outputs / FOLDER

    def _file(self, id: str) -> Path:
        place = [os.environ.get("WANDB_BASE_URL"), self.tracker.entity, self.tracker.project, id]
        return self.root / "published" / f"{id}-{digest(place)[:10]}.json"

    def find(self, id: str) -> dict[str, Any] | None:
        """What is noted of a W&B run: "url" where it is online, "folder" where it waits for `wandb sync`."""
        try:
            note: dict[str, Any] = json.loads(self._file(id).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return note

    def online(self, id: str) -> bool:
        """Whether W&B has the run, sent by us or by `wandb sync`."""
        note = self.find(id)
        return note is not None and ("url" in note or self._synced(note))

    def waiting(self, id: str) -> Path | None:
        """The folder that waits for `wandb sync`, of a run that was kept offline."""
        note = self.find(id)
        if note is None or "folder" not in note or self._synced(note):
            return None
        folder = self.root / note["folder"]
        return folder if folder.is_dir() else None

    def _synced(self, note: dict[str, Any]) -> bool:
        return any((self.root / note.get("folder", ".nowhere")).glob("*.wandb.synced"))

    def note(self, id: str, what: str, outcome: dict[str, Any]) -> None:
        """`outcome`: the url, or the folder. Written aside and renamed, as several processes may publish."""
        file = self._file(id)
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {"what": what, "id": id, "project": self.tracker.project, "entity": self.tracker.entity, **outcome}
        content["at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        handle, aside = tempfile.mkstemp(dir=file.parent, prefix=".")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(content, indent=1) + "\n")
        Path(aside).chmod(0o644)  # mkstemp makes it private
        Path(aside).replace(file)
