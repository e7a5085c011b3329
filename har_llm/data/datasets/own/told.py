"""Gives readings their words, and so makes events of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from har_llm.common.numbers import counted
from har_llm.data.datasets.base import activity_number
from har_llm.data.datasets.files import FileReader, shown, without_collector
from har_llm.data.datasets.own.flapping import FLAPPING, flapping, in_words
from har_llm.data.datasets.own.home_file import AMBIGUOUS, OwnDescription, is_whole
from har_llm.data.datasets.own.meaning import LEFT_OUT, Seen, Told, meaning
from har_llm.data.datasets.own.recorded import Recorded, Said
from har_llm.data.datasets.own.times import EPOCH
from har_llm.data.datasets.sessions import Cut, make_event
from har_llm.data.datasets.timeline import Timeline, apart
from har_llm.data.records import Session

T = TypeVar("T")
SHOWN = 5
SECOND = timedelta(seconds=1)
YEARS = 1990, 2100
"""Homes are recorded from the first on, until before the second; UNIX times of other years are not read at all."""


class Teller:
    """Makes events of readings, by a description of the home. Faults go to a FileReader."""

    def __init__(self, recorded: Recorded, described: OwnDescription, reader: FileReader, path: Path, place: str):
        """`path`: the data. `place`: where the home is described, for messages."""
        self._recorded, self._described, self._reader, self._path, self._place = recorded, described, reader, path, place

    def sessions(self, in_gap: tuple[int, ...], cut: Cut, group: str) -> list[Session]:
        """The events in order. `in_gap`: the activities of an event that has no label."""
        told, gold, timeline = self._told(), self._gold(), self._timeline()
        if self._reader.faults:
            return []
        recorded = self._recorded
        with without_collector():
            kept = self._kept(told)
            orders, clocks = _of(recorded.orders, kept), _of(recorded.clocks, kept)
            said, tagged = _of(recorded.said, kept), _of(recorded.tagged, kept)
            self._notice_sensors(said)
            self._notice_alike(said, told)
            self._notice_flapping(orders, said, told)
            self._notice_years(clocks)
            activities: Iterator[tuple[int, ...]]
            if timeline is None:
                labels = {tag: own or in_gap for tag, (own, _) in gold.items()}
                activities = map(labels.__getitem__, tagged)
            else:
                seconds = [*map(_seconds, orders)]
                self._notice_labels(seconds, clocks)
                self._notice_overlaps()
                found = zip(tagged, seconds, strict=True)
                activities = (gold[tag][0] or timeline.at(at) or in_gap for tag, at in found)
            texts = {pair: one.text or "" for pair, one in told.items()}
            subjects = {tag: who for tag, (_, who) in gold.items()}
            columns = iter(clocks), map(texts.__getitem__, said), activities, map(subjects.__getitem__, tagged)
            return [
                Session(name, group, [*map(make_event, zip(range(len(part)), *columns, strict=False))])
                for name, part in cut.parts(clocks, orders)
            ]

    def _kept(self, told: Mapping[Said, Told]) -> Sequence[int]:
        """The places of the readings that are events; the others are counted."""
        orders = self._recorded.orders
        all_kept = range(len(orders))
        perhaps_none: Iterable[int] = all_kept
        if all(one.text is not None and not one.changes for one in told.values()):
            # Only a row that is there twice is none, and that is at the time of another row.
            same = [place for place, (one, later) in enumerate(pairwise(orders)) if one == later]
            perhaps_none = sorted({*same, *(place + 1 for place in same)})
        no_event, said, tagged = Seen().no_event, self._recorded.said, self._recorded.tagged
        reasons = {
            place: reason
            for place in perhaps_none
            if (reason := no_event(told[said[place]], orders[place], tagged[place])) is not None
        }
        of_left_out = [said[place][0] for place, reason in reasons.items() if reason == LEFT_OUT]
        self._recorded.of_left_out.update(of_left_out)
        self._recorded.dropped.update(reason for reason in reasons.values() if reason != LEFT_OUT)
        return [place for place in all_kept if place not in reasons] if reasons else all_kept

    def _told(self) -> Mapping[Said, Told]:
        """What each value of each sensor means. A fault for each sensor that the description does not have."""
        told: dict[Said, Told] = {}
        unknown: dict[str, int] = {}
        without: dict[str, dict[str, int]] = {}
        for pair, line in self._recorded.pairs.items():
            sensor, value = pair
            described = self._described.sensors.get(sensor)
            found = meaning(described, pair, self._recorded.no_event(pair), changes=self._recorded.changes_only)
            if found is None:
                unknown.setdefault(sensor, line)
                continue
            told[pair] = found
            if found.without_word:
                without.setdefault(sensor, {})[value] = line
        for sensor, line in unknown.items():
            rule = f"{self._place} does not list it; task=init adds it there (left_out: true leaves it out)"
            self._reader.fault(self._path, line, "unknown sensor", f"the sensor is {shown(sensor)}; {rule}")
        for sensor, values in without.items():
            rule = f"{self._place} has no words for them; they are told as they are"
            self._values_repaired("value without a word", sensor, values, rule)
        self._say_commas()
        return told

    def _say_commas(self) -> None:
        """Say of which sensors of numbers every comma may separate thousands; any other tells what the sensor's are."""
        commas: dict[str, dict[str, int]] = {}
        for (sensor, value), line in self._recorded.pairs.items():
            described = self._described.sensors.get(sensor)
            if described is not None and described.threshold is not None and "," in value:
                commas.setdefault(sensor, {})[value] = line
        for sensor, values in commas.items():
            if all(map(AMBIGUOUS.fullmatch, values)):
                rule = "the comma is taken to stand before decimals; write 1234 where it separates thousands"
                self._values_repaired("comma in a number", sensor, values, rule)

    def _values_repaired(self, kind: str, sensor: str, values: Mapping[str, int], rule: str) -> None:
        """Say how values of a sensor are understood. `values`: with their lines."""
        message = f"{sensor} has {counted(len(values), 'value')} ({_some(list(values))}); {rule}"
        self._reader.repair(self._path, min(values.values()), kind, message)

    def _gold(self) -> Mapping[Said, tuple[tuple[int, ...], tuple[str, ...]]]:
        """Activities and residents of each tag. A fault for each activity that the description does not have."""
        gold: dict[Said, tuple[tuple[int, ...], tuple[str, ...]]] = {}
        unknown: set[str] = set()
        for tag, line in self._recorded.tags.items():
            label, resident = tag
            number = self._number(label) if label else None
            if label and number is None and label not in unknown:
                unknown.add(label)
                self._unknown_label(self._path, line, label)
            gold[tag] = (() if number is None else (number,)), ((resident,) if resident else ())
        return gold

    def _timeline(self) -> Timeline | None:
        spans: list[tuple[int, int, int]] = []
        unknown: set[str] = set()
        for start, end, label, line in self._recorded.spans:
            number = self._number(label)
            if number is not None:
                spans.append((_seconds(start), _seconds(end), number))
            elif label not in unknown:
                unknown.add(label)
                self._unknown_label(self._recorded.spans_path or self._path, line, label)
        return Timeline(apart(spans)) if spans else None

    def _notice_sensors(self, said: Sequence[Said]) -> None:
        """Say which sensors that a model is told of have no event. `said`: that of the events."""
        active = {sensor for sensor, _ in set(said)}
        idle = [key for key, one in self._described.sensors.items() if not one.left_out and key not in active]
        if idle and active:
            one = len(idle) == 1
            rule = f"and {'is' if one else 'are'} told as any other; leave out (left_out: true) what is not there"
            number = f"{counted(len(idle), 'listed sensor')} {'is' if one else 'are'} without an event in this recording"
            message = f"{number} ({_some(idle)}), {rule}"
            self._reader.repair(self._path, None, "sensor without an event", message)

    def _notice_alike(self, said: Sequence[Said], told: Mapping[Said, Told]) -> None:
        """Say which sensors have events of the same text, so that a model cannot tell them apart."""
        sensors: dict[str, list[str]] = {}
        for pair in sorted(set(said)):
            sensors.setdefault(told[pair].text or "", []).append(pair[0])
        alike = {text: names for text, its in sensors.items() if len(names := [*dict.fromkeys(its)]) > 1}
        if alike:
            text, names = next(iter(alike.items()))
            number = f"{counted(len(alike), 'text')} {'is' if len(alike) == 1 else 'are'} told of several sensors"
            rule = f"no model can tell them apart, so name them apart in {self._place}"
            message = f"{number}, as {shown(text)} of {_some(names)}; {rule}"
            self._reader.repair(self._path, None, "sensors told alike", message)

    def _notice_years(self, clocks: Sequence[datetime]) -> None:
        """Say that the recording begins or ends in a year in which no home is recorded."""
        ends = dict.fromkeys(one.date() for one in (*clocks[:1], *clocks[-1:]))
        found = [str(day) for day in ends if not YEARS[0] <= day.year < YEARS[1]]
        if found:
            odd = " and ".join(found)
            rule = (
                "where a clock was not set, take these rows out; where digits of a year are missing, set dataset.time_format"
            )
            self._reader.repair(self._path, None, "unlikely year", f"the recording begins or ends on {odd}; {rule}")

    def _notice_overlaps(self) -> None:
        """Say how many labels of a file of their own begin before one of another activity ends."""
        lines, ends = list[int](), dict[int | None, datetime]()
        for start, end, label, line in sorted(self._recorded.spans):
            number = self._number(label)
            if any(other != number and start < until for other, until in ends.items()):
                lines.append(line)
            ends[number] = max(end, ends.get(number, end))
        if lines:
            begin = f"{counted(len(lines), 'label')} {'begins' if len(lines) == 1 else 'begin'}"
            rule = f"before one of another activity ends, the first in line {min(lines)}"
            message = f"{begin} {rule}; an event there has both, and either is right"
            self._reader.repair(self._recorded.spans_path or self._path, None, "labels overlap", message)

    def _notice_flapping(self, orders: Sequence[datetime], said: Sequence[Said], told: Mapping[Said, Told]) -> None:
        if found := flapping(orders, said, lambda pair: told[pair].text or ""):
            rule = "all are kept: mend the sensor, move its threshold, or leave it out (left_out: true)"
            self._reader.repair(self._path, None, FLAPPING, f"{in_words(found)}; {rule}")

    def _notice_labels(self, seconds: Sequence[int], clocks: Sequence[datetime]) -> None:
        """Say how many labels of a file of their own cover no event. `seconds`, `clocks`: when the events were."""
        spans = [(_seconds(start), _seconds(end), line) for start, end, _, line in self._recorded.spans]
        idle = [span for span in spans if bisect_left(seconds, span[0]) == bisect_right(seconds, span[1])]
        if not idle or not seconds:
            return
        outside = any(end < seconds[0] or start > seconds[-1] for start, end, _ in idle)
        rule = "; check the year and the time zone of those outside it" if outside else ""
        lasts = f"the recording is of {clocks[0].date()} to {clocks[-1].date()}"
        message = (
            f"no event is in {len(idle):,} of {counted(len(spans), 'label')}, the first in line {idle[0][2]}; {lasts}{rule}"
        )
        self._reader.repair(self._recorded.spans_path or self._path, None, "label covers no event", message)

    def _unknown_label(self, path: Path, line: int, label: str) -> None:
        rule = f"{self._place} has it neither among activities nor among labels; add it there"
        self._reader.fault(path, line, "unknown activity", f"the activity is {shown(label)}; {rule}")

    def _number(self, label: str) -> int | None:
        if (number := self._described.labels.get(label)) is not None:
            return number
        activities = self._described.home.activities
        for given in (label, plain_name(label), int(label) if is_whole(label) else label):  # a name may look like a number
            if (number := activity_number(given, activities)) is not None:
                return number
        return None


def _of(column: Sequence[T], places: Sequence[int]) -> Sequence[T]:
    return column if len(places) == len(column) else [column[place] for place in places]


def _some(texts: Sequence[str]) -> str:
    return ", ".join(map(shown, texts[:SHOWN])) + (", ..." if len(texts) > SHOWN else "")


def _seconds(at: datetime) -> int:
    return (at - EPOCH) // SECOND


def plain_name(label: str) -> str:
    """A label as a name: "Prepare_Dinner" is "Prepare Dinner"."""
    return " ".join(label.replace("_", " ").split())
