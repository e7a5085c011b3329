"""Reads logs whose rows begin with a local time, as fast as rows that say the same again allow."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from har_llm.data.datasets.files import shown
from har_llm.data.datasets.logs.lines import LineReader
from har_llm.data.datasets.logs.log import Log
from har_llm.data.datasets.logs.words import NO_CROSSING, UNKNOWN, Place, Said, Words

SHORTEST_TIME = len("2011-06-15 01:03:39")
SET_BACK = timedelta(hours=1)
"""How far a clock is set back when summer time ends."""
MOST_KNOWN = 100_000
"""Different rows, but for their time, of which is kept what they say."""
NUMBER = re.compile(r"([0-9]+)")
NOT_RECORDED = re.compile(r"[._].*|readme.*|.*\.(md|pdf|jpe?g|png|gif|html?|zip|gz|xlsx?|docx?)", re.IGNORECASE)
"""Files that lie beside recordings."""


class Row(NamedTuple):
    """What a row says behind its time."""

    text: str | None
    labels: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    more: More | None = None
    """None for most rows, which are an event and nothing else."""


class More(NamedTuple):
    """What a row says that is not the same whenever it says it."""

    said: Said
    begins: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


class LogReader(LineReader):
    """Reads logs, one at a time, whatever is wrong with them.

    The order of the file is kept where a row is earlier than one above it by an hour or less, because clocks are set back in
    autumn; a row that is earlier than that is put in order of time.
    """

    HEADER = ""
    """The first line, where a log has one."""
    between = " "
    """What stands behind the time of a row."""

    def __init__(self, words: Words):
        super().__init__()
        self.words = words

    @abstractmethod
    def split(self, row: str) -> tuple[str, list[str]]:
        """The time of a row and its other fields."""

    @abstractmethod
    def row(self, path: Path, line: int, fields: Sequence[str]) -> Row | None:
        """What a row says behind its time; None, and a fault, if it breaks the form."""

    def files(self, folder: Path) -> list[Path]:
        """The recordings of a folder, in order of the numbers in their names."""
        try:
            files = [path for path in folder.iterdir() if not path.is_dir() and not NOT_RECORDED.fullmatch(path.name)]
        except OSError as error:
            self.unreadable(folder, error)
            return []
        if not files:
            self.fault(folder, None, "no recordings", "there is no file in it; set dataset.path to the file or its folder")
        return sorted(files, key=_by_number)

    def read(self, path: Path) -> Log:
        log, known = Log(path.stem), dict[str, Row]()
        parse = datetime.fromisoformat
        latest, previous, above = datetime.min, datetime.min, ""
        for line, row in self.numbered(path):
            end = row.find(self.between, SHORTEST_TIME)
            try:
                moment, said = parse(row[:end]), known[row[end:]]
            except (ValueError, KeyError):
                parsed = self._parsed(path, line, row)
                if parsed is None:
                    continue
                moment, said = parsed
                if len(known) < MOST_KNOWN and _time(row[:end]) == moment:
                    known[row[end:]] = said
            log.rows += 1
            text, labels, subjects, more = said
            if more is not None:
                text = self._told(log, path, line, said.text, more)
            if moment.tzinfo is not None:
                rule = "times must be local ones, without a zone"
                self.fault(path, line, "unreadable time", f"the time is {shown(str(moment))}; {rule}")
            elif text is not None:
                if row == above:
                    self.repair(path, line, "event row twice", "is the same as the row above; kept, so it counts twice")
                if moment < latest:
                    key = self._key(path, line, moment, latest, previous)
                else:
                    key = latest = moment
                previous, above = moment, row
                log.moments.append(moment)
                log.keys.append(key)
                log.texts.append(text)
                log.labels.append(labels)
                log.subjects.append(subjects)
        log.marks.close()
        return log

    def said(self, path: Path, line: int, sensor: str, value: str, kind: str | None, place: Place) -> Said:
        """What a sensor and its value say; the first row that says what is not known is told."""
        said = self.words.said(sensor, value, kind, place)
        if said.left_out == UNKNOWN:
            rule = "such rows are left out; describe the sensor in dataset.sensors or its values in dataset.kinds"
            self.repair(path, line, "unknown value", f"{shown(sensor)} reports {shown(value)}; {rule}")
        return said

    def _parsed(self, path: Path, line: int, row: str) -> tuple[datetime, Row] | None:
        """A row that is read field by field; None, and a fault or a repair, where it says nothing."""
        if line == 1 and self.HEADER:
            if row.strip() != self.HEADER:
                self.fault(path, 1, "wrong header", f"the first line is {shown(row.strip())}; it must be {self.HEADER}")
            return None
        if not row.strip():
            self.empty_line(path, line)
            return None
        time, fields = self.split(row.strip())
        moment = _time(time)
        if moment is None:
            rule = "it must be a time such as 2011-06-15 01:03:39.14962"
            self.fault(path, line, "unreadable time", f"the time is {shown(time)}; {rule}")
        said = self.row(path, line, fields)
        return None if moment is None or said is None else (moment, said)

    def _told(self, log: Log, path: Path, line: int, text: str | None, more: More) -> str | None:
        """The text of a row's event, if it is one. Marks its activities and counts what is left out."""
        left_out = more.said.left_out
        if more.said.readings is not None:
            state = more.said.readings.crossed(more.said.reading)
            text, left_out = (None, NO_CROSSING) if state is None else (f"{text} {state}", "")
        if left_out:
            log.left_out[left_out] += 1
        place = len(log.texts)
        for label in more.begins:
            log.marks.begin(label, place, path, line)
        for label in more.ends:
            log.marks.end(label, place if text is not None else place - 1, path, line)
        return text

    def _key(self, path: Path, line: int, moment: datetime, latest: datetime, previous: datetime) -> datetime:
        """What puts an event in order that is earlier than one above it."""
        if latest - moment > SET_BACK:
            self.repair(
                path, line, "event out of order", f"{moment} is earlier than {latest} above it; put in order of time"
            )
            return moment
        if moment < previous:
            rule = "the order of the file is kept, as where a clock is set back"
            self.repair(path, line, "event up to an hour earlier", f"{moment} is earlier than {previous} above it; {rule}")
        return latest


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if len(text) >= SHORTEST_TIME else None
    except ValueError:
        return None


def _by_number(path: Path) -> list[tuple[int, str]]:
    """A sort key that puts P2 before P10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in NUMBER.split(path.name)]
