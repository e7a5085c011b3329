"""The events of all runs, once, and beside them what each run says of every event: the part of a page that is compared.

Runs are compared where they have the same data: in a dataset of one name and one catalogue of activities, sessions are
one only when all their events are equal. Nothing is aligned by position.

What is said of an event is one character, so that a run is a string and a page of millions of predictions stays small.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from har_llm.config import PARSINGS
from har_llm.report.page.blocks import as_json
from har_llm.report.page.texts import Place, Texts
from har_llm.runs.directory import PREDICTIONS, WINDOWS, RunResult
from har_llm.runs.result import PredictionRow, SampledPrediction
from har_llm.scoring.parsing import Prediction

FIRST = 0x30  # the character of the first code, "0"
ABSENT = chr(FIRST)


class Pool:
    """Values by number, each once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: Any) -> int:
        key = as_json(value)
        if key not in self._numbers:
            self._numbers[key] = len(self.values)
            self.values.append(value)
        return self._numbers[key]


@dataclass
class SessionColumns:
    """One session as its events are: equal in all runs that have it."""

    name: str
    data: int
    """1, or more where runs have other events under the same name."""
    rows: list[list[Any]]
    """[id, time, number of the text, number of the gold, number of the subjects]"""


@dataclass
class RunColumns:
    """What a run says of the sessions that it has."""

    result: RunResult
    no_files: Sequence[str] = ()
    """What its directory lacks, because somebody took it away."""
    said: dict[str, dict[int, str]] = field(default_factory=lambda: {parsing: {} for parsing in PARSINGS})
    windows: dict[int, list[int]] = field(default_factory=dict)
    shown: dict[int, list[int]] = field(default_factory=dict)
    scored: dict[int, str] = field(default_factory=dict)
    places: list[list[int]] = field(default_factory=list)
    """[session, window, id of its first event as shown, events, chunk and place of its prompt, of each of its texts]"""
    votes: dict[str, list[list[str]]] = field(default_factory=dict)
    """ "session/window": of each of several texts, what it says in every reading of the events that it answers for"""
    left_out: int = 0


class Dataset:
    """The runs on one dataset, of one catalogue."""

    def __init__(self, name: str, activities: Mapping[int, str]):
        self.name, self.activities = name, dict(activities)
        self.runs: list[RunColumns] = []
        self.sessions: list[SessionColumns] = []
        self._numbers: dict[bytes, int] = {}
        self._texts, self._golds, self._subjects, self._codes = Pool(), Pool(), Pool(), Pool()
        self._code(None)

    def add(self, result: RunResult, texts: Texts) -> RunColumns:
        """Read a run's files, row by row. Where there are none, the run has only its scores to show."""
        run = RunColumns(result, [name for name in (PREDICTIONS, WINDOWS) if not (result.folder / name).is_file()])
        rows_of = result.predictions() if PREDICTIONS not in run.no_files else iter(())
        numbers = {name: self._add_session(run, name, rows) for name, rows in _sessions(rows_of)}
        texts.begin_run()
        for window in result.windows() if not run.no_files else ():
            places = texts.add(window.messages, window.generations)
            run.left_out += places[0][0] < 0
            ids = window.ids
            run.places.append([numbers[window.session], window.window, ids[0], len(ids), *_flat(places)])
        texts.end_run()
        self.runs.append(run)
        return run

    def content(self) -> dict[str, Any]:
        """Everything, in columns over the events of all sessions, one after the other."""
        rows = [row for session in self.sessions for row in session.rows]
        ids, times, events, golds, subjects = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        columns = Pool()
        return {
            "sessions": [{"name": s.name, "data": s.data, "events": len(s.rows)} for s in self.sessions],
            "id": ids,
            "time": times,
            "event": {"values": self._texts.values, "at": events},
            "gold": {"values": self._golds.values, "at": golds},
            "subjects": {"values": self._subjects.values, "at": subjects},
            "codes": self._codes.values,
            "runs": [self._run(run, columns) for run in self.runs],
            "columns": columns.values,
        }

    def _run(self, run: RunColumns, columns: Pool) -> dict[str, Any]:
        sizes = [len(session.rows) for session in self.sessions]

        def text(column: Mapping[int, str], absent: str) -> str:
            return "".join(column.get(number, absent * size) for number, size in enumerate(sizes))

        def numbers(column: Mapping[int, list[int]]) -> list[int]:
            return [value for number, size in enumerate(sizes) for value in column.get(number, [-1] * size)]

        return {
            **{parsing: text(run.said[parsing], ABSENT) for parsing in PARSINGS},
            "windows": columns.number(numbers(run.windows)),
            "shown": columns.number(numbers(run.shown)),
            "scored": columns.number(text(run.scored, "0")),
            "places": run.places,
            "votes": run.votes,
        }

    def _add_session(self, run: RunColumns, name: str, rows: Sequence[PredictionRow]) -> int:
        number = self._session(name, rows)
        for parsing in PARSINGS:
            run.said[parsing][number] = "".join(self._said(row, parsing) for row in rows)
        run.windows[number] = [-1 if row.window is None else row.window for row in rows]
        run.shown[number] = [-1 if row.shown_id is None else row.shown_id for row in rows]
        run.scored[number] = "".join("1" if row.scored else "0" for row in rows)
        for row in rows:
            for at, sample in enumerate(row.samples):
                votes = run.votes.setdefault(f"{number}/{row.window}", [["" for _ in PARSINGS] for _ in row.samples])
                for which, parsing in enumerate(PARSINGS):
                    votes[at][which] += self._said(sample, parsing)
        return number

    def _session(self, name: str, rows: Sequence[PredictionRow]) -> int:
        columns = [
            [
                row.id,
                row.time,
                self._texts.number(row.event),
                self._golds.number(row.gold),
                self._subjects.number(row.subjects),
            ]
            for row in rows
        ]
        key = hashlib.sha256(as_json([name, columns]).encode()).digest()
        if key not in self._numbers:
            self._numbers[key] = len(self.sessions)
            data = 1 + sum(session.name == name for session in self.sessions)
            self.sessions.append(SessionColumns(name, data, columns))
        return self._numbers[key]

    def _said(self, row: PredictionRow | SampledPrediction, parsing: str) -> str:
        if isinstance(row, PredictionRow) and row.excluded is not None:
            return self._code({"excluded": row.excluded})
        prediction: Prediction = getattr(row, parsing)
        if prediction.missed is None:
            return self._code({"activity": prediction.activity})
        return self._code({"missed": prediction.missed})

    def _code(self, meaning: Mapping[str, Any] | None) -> str:
        return chr(FIRST + self._codes.number(meaning))


def gather(runs: Sequence[RunResult], texts: Texts) -> list[Dataset]:
    """All runs, by what they may be compared with, in the order in which they come."""
    datasets: dict[str, Dataset] = {}
    for run in runs:
        name, activities = run.metrics.dataset, run.metrics.activities
        datasets.setdefault(as_json([name, dict(activities)]), Dataset(name, activities)).add(run, texts)
    return list(datasets.values())


def _sessions(rows: Iterable[PredictionRow]) -> Iterator[tuple[str, list[PredictionRow]]]:
    for name, group in groupby(rows, key=lambda row: row.session):
        yield str(name), list(group)


def _flat(places: Sequence[Place]) -> list[int]:
    return [number for place in places for number in place]
