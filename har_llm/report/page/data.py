"""Collects the events of all runs, each once, and the predictions of every run for them.

Runs belong to one dataset if its name and its activities are the same. Sessions are the same only if all their events are
equal. Nothing is aligned by position.

A prediction is one character, so that a page with millions of predictions stays small.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Generic, NamedTuple, TypeVar

from har_llm.config.settings import PARSINGS
from har_llm.report.page.blocks import as_json
from har_llm.report.page.chunks import LEFT_OUT, WindowChunks
from har_llm.report.page.content import Column, DatasetContent, Excluded, Meaning, Missed, Predicted, RunContent, Session
from har_llm.runs.directory import PREDICTIONS, WINDOWS, RunResult
from har_llm.runs.result import PredictionRow, SampledPrediction, WindowRow

FIRST = 0x30  # the character of the first code, "0"
ABSENT = chr(FIRST)
Value = TypeVar("Value")


class Pool(Generic[Value]):
    """Numbers different values; equal values have the same number."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: Value) -> int:
        key = as_json(value)
        if key not in self._numbers:
            self._numbers[key] = len(self.values)
            self.values.append(value)
        return self._numbers[key]


class Event(NamedTuple):
    """An event. Date (with offset), text, gold and subjects are numbers of a Pool, because many events share them."""

    id: int
    date: int
    time: str
    text: int
    gold: int
    subjects: int


@dataclass
class RunColumns:
    """The columns of a RunContent, by the number of the session."""

    result: RunResult
    no_files: Sequence[str] = ()
    """Names of files that somebody removed from its directory."""
    predictions: dict[str, dict[int, str]] = field(default_factory=lambda: {parsing: {} for parsing in PARSINGS})
    """By parsing."""
    windows: dict[int, list[int]] = field(default_factory=dict)
    shown: dict[int, list[int]] = field(default_factory=dict)
    scored: dict[int, str] = field(default_factory=dict)
    places: list[list[int]] = field(default_factory=list)
    votes: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    left_out: int = 0
    """Number of windows whose prompt and generations are not in the page."""


class Dataset:
    """The runs on one dataset."""

    def __init__(self, name: str, activities: Mapping[int, str]):
        self.name, self.activities = name, dict(activities)
        self.runs: list[RunColumns] = []
        self.sessions: list[Session] = []
        self.events: list[Event] = []
        """The events of all sessions."""
        self._numbers: dict[bytes, int] = {}
        self._dates: Pool[Sequence[str | None]] = Pool()
        self._texts: Pool[str] = Pool()
        self._golds: Pool[Sequence[int]] = Pool()
        self._subjects: Pool[Sequence[str]] = Pool()
        self._codes: Pool[Meaning] = Pool()
        self._code(None)

    def add(self, result: RunResult, chunks: WindowChunks) -> None:
        """Read a run's files, row by row. If they are missing, only its scores are shown."""
        run = RunColumns(result, [name for name in (PREDICTIONS, WINDOWS) if not (result.folder / name).is_file()])
        rows_of = result.predictions() if PREDICTIONS not in run.no_files else iter(())
        numbers = {name: self._add_session(run, name, rows) for name, rows in _sessions(rows_of)}
        chunks.begin_run()
        for window in result.windows() if not run.no_files else ():
            _add_window(run, numbers[window.session], window, chunks)
        chunks.end_run()
        self.runs.append(run)

    def _add_session(self, run: RunColumns, name: str, rows: Sequence[PredictionRow]) -> int:
        number = self._session(name, [self._event(row) for row in rows])
        for parsing in PARSINGS:
            run.predictions[parsing][number] = "".join(self._character(row, parsing) for row in rows)
        run.windows[number] = [-1 if row.window is None else row.window for row in rows]
        run.shown[number] = [-1 if row.shown_id is None else row.shown_id for row in rows]
        run.scored[number] = "".join("1" if row.scored else "0" for row in rows)
        for row in rows:
            if row.samples:
                votes = run.votes.setdefault(f"{number}/{row.window}", [dict.fromkeys(PARSINGS, "") for _ in row.samples])
                for vote, sample in zip(votes, row.samples, strict=False):
                    for parsing in PARSINGS:
                        vote[parsing] += self._character(sample, parsing)
        return number

    def _session(self, name: str, events: Sequence[Event]) -> int:
        key = hashlib.sha256(as_json([name, events]).encode()).digest()
        if key not in self._numbers:
            self._numbers[key] = len(self.sessions)
            data = 1 + sum(session.name == name for session in self.sessions)
            self.sessions.append(Session(name, data, len(events)))
            self.events += events
        return self._numbers[key]

    def _event(self, row: PredictionRow) -> Event:
        return Event(
            id=row.id,
            date=self._dates.number((row.date, row.utc_offset)),
            time=row.time,
            text=self._texts.number(row.event),
            gold=self._golds.number(row.gold),
            subjects=self._subjects.number(row.subjects),
        )

    def _character(self, row: PredictionRow | SampledPrediction, parsing: str) -> str:
        if isinstance(row, PredictionRow) and row.excluded is not None:
            return self._code(Excluded(row.excluded))
        prediction = row.parsed(parsing)
        if prediction.missed is not None:
            return self._code(Missed(prediction.missed))
        return self._code(Predicted(prediction.activity, prediction.resident))

    def _code(self, meaning: Meaning) -> str:
        return chr(FIRST + self._codes.number(meaning))

    def content(self) -> DatasetContent:
        columns: Pool[str | Sequence[int]] = Pool()
        return DatasetContent(
            sessions=self.sessions,
            id=[event.id for event in self.events],
            date=Column(self._dates.values, [event.date for event in self.events]),
            time=[event.time for event in self.events],
            event=Column(self._texts.values, [event.text for event in self.events]),
            gold=Column(self._golds.values, [event.gold for event in self.events]),
            subjects=Column(self._subjects.values, [event.subjects for event in self.events]),
            codes=self._codes.values,
            runs=[self._run(run, columns) for run in self.runs],
            columns=columns.values,
        )

    def _run(self, run: RunColumns, columns: Pool[str | Sequence[int]]) -> RunContent:
        def text(column: Mapping[int, str], absent: str) -> str:
            return "".join(column.get(number, absent * one.events) for number, one in enumerate(self.sessions))

        def numbers(column: Mapping[int, list[int]]) -> list[int]:
            return [value for number, one in enumerate(self.sessions) for value in column.get(number, [-1] * one.events)]

        return RunContent(
            strict=text(run.predictions["strict"], ABSENT),
            lenient=text(run.predictions["lenient"], ABSENT),
            windows=columns.number(numbers(run.windows)),
            shown=columns.number(numbers(run.shown)),
            scored=columns.number(text(run.scored, "0")),
            places=run.places,
            votes=run.votes,
        )


def gather(runs: Sequence[RunResult], chunks: WindowChunks) -> list[Dataset]:
    """The runs by dataset, in their order. Raises MissingError for a run with damaged files."""
    datasets: dict[str, Dataset] = {}
    for run in runs:
        name, activities = run.metrics.dataset, run.metrics.activities
        datasets.setdefault(as_json([name, dict(activities)]), Dataset(name, activities)).add(run, chunks)
    return list(datasets.values())


def _sessions(rows: Iterable[PredictionRow]) -> Iterator[tuple[str, list[PredictionRow]]]:
    for name, group in groupby(rows, key=lambda row: row.session):
        yield str(name), list(group)


def _add_window(run: RunColumns, session: int, window: WindowRow, chunks: WindowChunks) -> None:
    places = chunks.add(window)
    run.left_out += places == [LEFT_OUT]
    flat = [number for place in places for number in place]
    run.places.append([session, window.window, window.ids[0], len(window.ids), *flat])
