"""A finished run, read back from its directory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from har_llm.common.errors import MissingError

PREDICTIONS, WINDOWS = "predictions.jsonl", "windows.jsonl"
PARTS = ("metrics.json", "environment.json", "data.json", "sample.json")
REPORT = "report.md"
_MEND = "delete {} and run the same command again: the texts are kept."


@dataclass(frozen=True)
class RunResult:
    """A finished run, as its directory holds it."""

    folder: Path
    metrics: Mapping[str, Any]
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    sample: Mapping[str, Any]

    def predictions(self) -> Iterator[dict[str, Any]]:
        """Every event of the part, in order. Raises MissingError for a damaged file, at its end for one that was cut."""
        count = self.metrics["events"] + sum(self.metrics["excluded_events"].values())
        return _read_rows(self.folder / PREDICTIONS, count)

    def windows(self) -> Iterator[dict[str, Any]]:
        """Every window of the part, in order: its prompt and texts. Raises MissingError as predictions() does."""
        return _read_rows(self.folder / WINDOWS, self.metrics["windows"])


def _read_rows(path: Path, count: int) -> Iterator[dict[str, Any]]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise MissingError(f"{path} cannot be read ({error.strerror}); {_MEND.format(path.parent)}") from None
    number = 0
    with stream:
        for number, line in enumerate(stream, 1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise MissingError(f"{path}:{number} is damaged ({error}); {_MEND.format(path.parent)}") from None
            yield row
    if number != count:
        raise MissingError(f"{path} has {number} rows instead of {count}; {_MEND.format(path.parent)}")


@contextmanager
def understood(folder: Path) -> Iterator[None]:
    """What is read in here may be anybody's. Raises MissingError where it does not hold what a run directory does."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise MissingError(
            f"The run directory {folder} does not hold what this version of har_llm writes "
            f"({type(error).__name__}: {error}); {_MEND.format('it')}"
        ) from None


def read_run(folder: Path) -> RunResult:
    """Raises MissingError for a directory that is damaged."""

    def part(name: str) -> Any:
        return json.loads((folder / name).read_text(encoding="utf-8"))

    try:
        return RunResult(folder, *map(part, PARTS))
    except (OSError, ValueError) as error:
        raise MissingError(f"The run directory {folder} is damaged ({error}); {_MEND.format('it')}") from None
