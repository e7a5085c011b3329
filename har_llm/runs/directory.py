"""Writes and reads run directories; no other module does."""

from __future__ import annotations

import json
import reprlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from har_llm.common import files
from har_llm.common.checksums import SUMS, broken, seal
from har_llm.common.errors import MissingError, reason_of
from har_llm.common.files import bounded_lines, open_bounded
from har_llm.common.numbers import counted, percent
from har_llm.common.tables import ABSENT, Sheet, write_sheet
from har_llm.common.text import one_line
from har_llm.common.typed_json import UnlikeError, parse_json, plain, read_json, typed
from har_llm.runs.result import FORMAT, Data, Environment, Metrics, PredictionRow, Sample, WindowRow

CONFIG, ENVIRONMENT, DATA, SAMPLE = "config.yaml", "environment.json", "data.json", "sample.json"
METRICS_FILE = "metrics.json"
"""The file that makes a folder a run directory."""
PREDICTIONS, WINDOWS = "predictions.jsonl", "windows.jsonl"
FILES = (CONFIG, ENVIRONMENT, DATA, SAMPLE, PREDICTIONS, WINDOWS, METRICS_FILE)
"""The files that are read back."""
SUMMARY, EVENTS, SEGMENTS = "report.md", "predictions", "segments"
EVENTS_CSV, SEGMENTS_CSV = f"{EVENTS}.csv", f"{SEGMENTS}.csv"
FOR_PEOPLE = (SUMMARY, EVENTS_CSV, SEGMENTS_CSV, f"{EVENTS}.parquet", f"{SEGMENTS}.parquet")
"""Those that say it to people, who may change them."""
_ANEW = "run the command that made it again, which makes it anew of the kept generations."
T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class RunResult:
    """A finished run, as its directory holds it. The directory may come from anybody, so its texts are untrusted."""

    folder: Path
    config: Mapping[str, Any]
    """The composed config, as plain values. Nothing in it is resolved or imported."""
    metrics: Metrics
    environment: Environment
    data: Data
    sample: Sample

    def __repr__(self) -> str:
        """Name, headline score and label only: all of its fields would fill many screens."""
        metrics = self.metrics
        headline, parsing = metrics.shown.headline, metrics.shown.parsing
        score = percent(metrics.headline(headline, parsing).mean) or ABSENT
        label = [text for text in (metrics.provenance.label, metrics.partial and "partial") if text]
        return f"RunResult({'; '.join([f'{self.folder.name}: {headline} {score} %', *label])})"

    @property
    def digest(self) -> str:
        """The digest of everything that can change the results: two runs with the same digest are the same run."""
        return self.folder.name.rpartition("-")[2]

    def settings(self, kind: type[T]) -> T:
        """The config's settings that dataclass `kind` has. Raises MissingError if some are missing or have another type."""
        return _typed(self.folder / CONFIG, kind, self.config)

    def predictions(self) -> Iterator[PredictionRow]:
        """A generator of all events, in order. Raises MissingError for a damaged file; for a truncated one, at its end."""
        count = self.metrics.events + sum(self.metrics.excluded_events.values())
        return _read_rows(self.folder / PREDICTIONS, PredictionRow, count)

    def windows(self) -> Iterator[WindowRow]:
        """A generator of all windows, in order. Raises MissingError as predictions() does."""
        return _read_rows(self.folder / WINDOWS, WindowRow, self.metrics.windows)


def write_files(
    folder: Path,
    result: RunResult,
    predictions: Iterable[PredictionRow],
    windows: Iterable[WindowRow],
    summary: str,
    sheets: Mapping[str, Sheet],
) -> None:
    """Write all files of a run into a folder that exists. They are on disk when this returns. `sheets`: by the name of their
    files. Raises OSError."""
    _write_rows(folder / PREDICTIONS, predictions)
    for name, sheet in sheets.items():
        write_sheet(folder / name, sheet)
    _write_rows(folder / WINDOWS, windows)
    (folder / SUMMARY).write_text(summary, encoding="utf-8")
    _write_config(folder / CONFIG, result.config, result.metrics.provenance.label)
    for name, value in (
        (METRICS_FILE, result.metrics),
        (ENVIRONMENT, result.environment),
        (DATA, result.data),
        (SAMPLE, result.sample),
    ):
        (folder / name).write_text(json.dumps(plain(value), indent=1) + "\n", encoding="utf-8")
    seal(folder, FILES)


def put_in_place(staging: Path, folder: Path) -> None:
    """Make a folder with all files of a run its directory. If another process was faster, its directory stays.

    The files of a directory that is not whole are replaced. Raises OSError, MissingError.
    """
    files.put_in_place(staging, folder)
    if damage(folder) is not None:
        files.replace_files(staging, folder, (*FOR_PEOPLE, *FILES, SUMS))


def damage(folder: Path) -> str | None:
    """What is gone from a run directory or damaged in it; None if it is whole."""
    for name in FOR_PEOPLE:
        if not (folder / name).is_file():
            return f"{name}: it is missing"
    return broken(folder, FILES)


def _write_rows(path: Path, rows: Iterable[object]) -> None:
    """Write dataclasses of `result` as JSONL, without the fields that have their default."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(plain(row, brief=True)) + "\n" for row in rows)


def _write_config(path: Path, config: Mapping[str, Any], label: str | None) -> None:
    from omegaconf import OmegaConf

    head = f"# {label}\n" if label else ""
    path.write_text(head + OmegaConf.to_yaml(OmegaConf.create(dict(config))), encoding="utf-8")


def read_run(folder: Path) -> RunResult:
    """Read a run directory. Raises MissingError if it is damaged or was written by another version of har_llm.

    Its files of rows may be missing: whoever wants the rows finds out.
    """
    _check_format(folder)
    run = RunResult(
        folder,
        _read_config(folder),
        _read(folder / METRICS_FILE, Metrics),
        _read(folder / ENVIRONMENT, Environment),
        _read(folder / DATA, Data),
        _read(folder / SAMPLE, Sample),
    )
    there = [name for name in FILES if name not in (PREDICTIONS, WINDOWS) or (folder / name).exists()]
    if (fault := broken(folder, there)) is not None:
        for name, rows in ((PREDICTIONS, run.predictions), (WINDOWS, run.windows)):
            if name in there:
                deque(rows(), maxlen=0)  # its error names the row and the field
        raise MissingError(f"The run directory {folder} is damaged ({fault}); {_anew(folder)}")
    return run


def _check_format(folder: Path) -> None:
    content = _load(folder / METRICS_FILE)
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise MissingError(
            f"The run directory {folder} has the format {reprlib.repr(found)}, and this version of har_llm reads {FORMAT}; "
            f"delete it and run the command that made it again: the generations are kept."
        )


def _read(path: Path, kind: type[T]) -> T:
    return _typed(path, kind, _load(path))


def _typed(path: Path, kind: type[T], content: object) -> T:
    try:
        return typed(kind, content)
    except UnlikeError as error:
        raise MissingError(_unlike(path, error)) from None


def _load(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, UnlikeError) as error:
        raise MissingError(
            f"The run directory {path.parent} is damaged ({path.name}: {reason_of(error)}); {_anew(path.parent)}"
        ) from None


@contextmanager
def times_understood(folder: Path) -> Iterator[None]:
    """A time of a run's events that is none is damage of its directory."""
    try:
        yield
    except ValueError as error:
        fault = f"{PREDICTIONS}: {one_line(str(error))}"
        raise MissingError(f"The run directory {folder} is damaged ({fault}); {_anew(folder)}") from None


def _anew(folder: Path) -> str:
    """What to do with a damaged run directory. A folder of somebody's is not removed for a file."""
    misplaced = next((name for name in (*FOR_PEOPLE, *FILES) if (folder / name).is_dir()), None)
    move = "" if misplaced is None else f"move {misplaced}, which is a folder, elsewhere, and "
    return f"{move}{_ANEW}"


def _read_config(folder: Path) -> dict[str, Any]:
    import yaml  # not OmegaConf, which turns a Ctrl-C while it reads into an AttributeError, as if the file were damaged

    from har_llm.common.plain_yaml import read_yaml

    try:
        config = read_yaml(folder / CONFIG)
        json.dumps(config)  # raises an error for a date, a set, or a list that contains itself
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        fault = f"{CONFIG}: {one_line(reason_of(error))}"
        raise MissingError(f"The run directory {folder} is damaged ({fault}); {_anew(folder)}") from None
    if not isinstance(config, dict):
        raise MissingError(f"The run directory {folder} is damaged ({CONFIG} holds no settings); {_anew(folder)}")
    return {str(name): value for name, value in config.items()}


def _read_rows(path: Path, kind: type[T], count: int) -> Iterator[T]:
    try:
        stream = open_bounded(path)
    except OSError as error:
        raise MissingError(f"{path} cannot be read ({error.strerror}); {_anew(path.parent)}") from None
    number = 0
    with stream:
        for number, line in enumerate(bounded_lines(stream), 1):
            try:
                content = parse_json(line)
            except UnlikeError as error:
                raise MissingError(f"{path}:{number} is damaged ({error}); {_ANEW}") from None
            try:
                yield typed(kind, content)
            except UnlikeError as error:
                raise MissingError(_unlike(f"{path}:{number}", error)) from None
    if number != count:
        raise MissingError(f"{path} has {counted(number, 'row')} instead of {count}; {_ANEW}")


def _unlike(place: Path | str, error: UnlikeError) -> str:
    """A message about values that do not have their type. `place`: the file, or its line."""
    return f"{place} does not hold what this version of har_llm writes ({error}); {_ANEW}"
