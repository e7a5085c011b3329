"""Reads logs whose rows begin with a local time, as fast as rows that say the same again allow."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from har_llm.data.datasets.files import shown
from har_llm.data.datasets.logs.lines import LineReader
from har_llm.data.datasets.logs.log import MORE, TEXT, Log, More, Row
from har_llm.data.datasets.logs.order import Order, Rows
from har_llm.data.datasets.logs.words import UNKNOWN, Place, Said, Words

SHORTEST_TIME = len("2011-06-15 01:03:39")
MOST_KNOWN = 100_000
"""Different rows, but for their time, of which is kept what they say."""
NUMBER = re.compile(r"([0-9]+)")
NOT_RECORDED = re.compile(r"[._].*|readme.*|.*\.(md|pdf|jpe?g|png|gif|html?|zip|gz|xlsx?|docx?)", re.IGNORECASE)
"""Files that lie beside recordings."""


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
        self._unknown = set[tuple[str, str]]()

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

    def read(self, path: Path, name: str) -> Log:
        """`name`: of the recording, among those of its folder."""
        self.words.begin()
        log, known, order = Log(name), dict[str, Row](), Order(self, path)
        for first, lines in self.blocks(path):
            rows = self._rows(path, first, lines, known)
            log.rows += len(rows.said)
            if rows.said:
                self._take(log, rows, order.set_back(rows))
        if not order.kept:
            log.put_in_order()
        log.settle(path)
        return log

    def _rows(self, path: Path, first: int, lines: Sequence[str | None], known: dict[str, Row]) -> Rows:
        """The rows of some lines that can be read; `known` says what is said by rows that have been read before.

        A million rows must be read in seconds, so each step is done for all lines at once.
        """
        parse, between, texts = datetime.fromisoformat, self.between, [line or "" for line in lines]
        ends = [text.find(between, SHORTEST_TIME) for text in texts]
        said = [known.get(text[end:]) for text, end in zip(texts, ends, strict=True)]
        moments: list[datetime | None]
        try:
            moments = [parse(text[:end]) for text, end in zip(texts, ends, strict=True)]
        except ValueError:
            moments = [_time(text[:end]) for text, end in zip(texts, ends, strict=True)]
        numbers: Sequence[int] = range(first, first + len(texts))
        if None in said or None in moments:
            for place, text in enumerate(texts):
                moment, rest = moments[place], text[ends[place] :]
                if moment is not None and (said[place] is not None or rest in known):
                    said[place] = known[rest]
                elif lines[place] is not None:
                    parsed = self._parsed(path, numbers[place], text)
                    moments[place], said[place] = parsed or (None, None)
                    if parsed is not None and parsed[0] == moment and len(known) < MOST_KNOWN:
                        known[rest] = parsed[1]
            places = [place for place, row in enumerate(said) if row is not None]
            numbers = [numbers[place] for place in places]
            moments, said = [moments[place] for place in places], [said[place] for place in places]
        return Rows(numbers, cast("list[datetime]", moments), cast("list[Row]", said))

    def _take(self, log: Log, rows: Rows, set_back: Mapping[int, datetime]) -> None:
        """Add the events among the rows to the log, and the rows that depend on those before them; count the others."""
        first = len(log.said)
        if None not in map(TEXT, rows.said) and not any(map(MORE, rows.said)):
            log.set_back |= {first + place: key for place, key in set_back.items()}
            log.moments += rows.moments
            log.said += rows.said
            return
        for place, (line, moment, row) in enumerate(zip(*rows, strict=True)):
            if row.text is not None or row.more is not None:
                if place in set_back:
                    log.set_back[len(log.said)] = set_back[place]
                if row.more is not None:
                    log.lines[len(log.said)] = line
                log.moments.append(moment)
                log.said.append(row)
            elif row.left_out:
                log.left_out[row.left_out] += 1

    def said(self, path: Path, line: int, sensor: str, value: str, kind: str | None, place: Place) -> Said:
        """What a sensor and its value say; the first row that says what is not known is told."""
        said = self.words.said(sensor, value, kind, place)
        if said.left_out == UNKNOWN and (sensor, value) not in self._unknown:
            self._unknown.add((sensor, value))
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
        if moment is None or said is None:
            return None
        if said.text is not None:
            self.check_name(path, line, "sensor", said.text)
        for label in said.all_labels():
            self.check_name(path, line, "activity", label)
        return moment, said


def row_of(
    said: Said,
    labels: tuple[str, ...] = (),
    subjects: tuple[str, ...] = (),
    begins: tuple[str, ...] = (),
    ends: tuple[str, ...] = (),
) -> Row:
    """The row of what a sensor says, with what the row says of activities."""
    depends = said.readings is not None or begins or ends
    more = More(said.readings, said.reading, begins, ends) if depends else None
    return Row(said.text, labels, subjects, said.left_out, more)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if len(text) >= SHORTEST_TIME else None
    except ValueError:
        return None


def _by_number(path: Path) -> list[tuple[int, str]]:
    """A sort key that puts P2 before P10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in NUMBER.split(path.name)]
