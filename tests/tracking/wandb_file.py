"""What the real client wrote offline, read back: its log of records, and the tables beside it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAGIC, HEAD, BLOCK = b":W&B", 7, 32768
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass
class OfflineRun:
    folder: Path
    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[str, Any] = field(default_factory=dict)
    """Logged, by type and name, such as "predictions/predictions-0123": the manifest's paths."""
    used: dict[str, Any] = field(default_factory=dict)
    """The same of what it was made of."""
    exit_code: int | None = None

    def table(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table, each by column."""
        (file,) = self.folder.glob(f"files/media/table/{name}_0_*.table.json")
        content = json.loads(file.read_text())
        return [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]

    def everything(self) -> str:
        """All that would be sent, but for the artifacts' files."""
        media = [path.read_text() for path in self.folder.glob("files/media/**/*.json")]
        return json.dumps([str(self.run), self.config, self.summary, self.history, sorted(self.artifacts)]) + "".join(media)


def offline_runs(outputs: Path) -> list[OfflineRun]:
    """All of an outputs folder, in the order in which they were begun."""
    files = sorted(outputs.glob("wandb/offline-run-*/*.wandb"), key=lambda file: file.stat().st_ctime_ns)
    return [read_offline(file) for file in files]


def published_runs(outputs: Path) -> list[OfflineRun]:
    """Those of offline_runs that are of run directories or adapters, not of generating."""
    return [run for run in offline_runs(outputs) if run.run.job_type != "generating"]


def read_offline(file: Path) -> OfflineRun:
    from wandb.proto import wandb_internal_pb2

    found = OfflineRun(file.parent)
    for data in _records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found.run = record.run
            _update(found.config, record.run.config.update)
        elif kind == "config":
            _update(found.config, record.config.update)
        elif kind == "summary":
            _update(found.summary, record.summary.update)
        elif kind == "history":
            row: dict[str, Any] = {}
            _update(row, record.history.item)
            found.history.append(row)
        elif kind == "artifact" and record.artifact.type != "run_table":
            paths = {entry.path: entry.local_path for entry in record.artifact.manifest.contents}
            artifacts = found.used if record.artifact.use_after_commit else found.artifacts
            artifacts[f"{record.artifact.type}/{record.artifact.name}"] = paths
        elif kind == "exit":
            found.exit_code = record.exit.exit_code
    return found


def _update(values: dict[str, Any], items: Any) -> None:
    for item in items:
        values["/".join(item.nested_key) or item.key] = json.loads(item.value_json)


def _records(content: bytes) -> Iterator[bytes]:
    """LevelDB's log format: blocks of records, which may be in pieces."""
    assert content.startswith(MAGIC)
    place, pieces = HEAD, b""
    while place + HEAD <= len(content):
        left = BLOCK - place % BLOCK
        if left < HEAD:
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + HEAD])
        data = content[place + HEAD : place + HEAD + length]
        place += HEAD + length
        if kind in (WHOLE, FIRST):
            pieces = b""
        pieces += data
        if kind in (WHOLE, LAST):
            yield pieces
