"""What homes of one's own share: a file of events, and beside it one that describes the home."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import ClassVar

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError, DataError, MissingError, reason_of
from har_llm.common.files import read_bounded, write_whole
from har_llm.common.notices import Notice, Notices
from har_llm.common.numbers import counted
from har_llm.common.paths import expanded
from har_llm.data.datasets.base import DatasetConfig, HomeConfig, rooms_of
from har_llm.data.datasets.continuous import GAPS, in_gap
from har_llm.data.datasets.files import FileReader, without_collector
from har_llm.data.datasets.own.columns import Columns, Finder
from har_llm.data.datasets.own.draft import CHECK, add_sensors, written
from har_llm.data.datasets.own.flapping import flapping, in_words
from har_llm.data.datasets.own.guess import Guess, Vocabulary, guess_home, guess_sensors
from har_llm.data.datasets.own.home_file import OwnDescription, read_home
from har_llm.data.datasets.own.left_out import left_out_in_words
from har_llm.data.datasets.own.recorded import Recorded
from har_llm.data.datasets.own.table import Table
from har_llm.data.datasets.own.timed import row_fault
from har_llm.data.datasets.own.times import Times, UnreadableTime, check_form, zone_of
from har_llm.data.datasets.own.told import Teller
from har_llm.data.datasets.sessions import Cut
from har_llm.data.records import Recordings


@dataclass(kw_only=True)
class OwnHome(DatasetConfig):
    """A home of one's own: a file of what its sensors reported, whose home is described in NAME.home.yaml beside it.

    Without that file a home is guessed from the sensors' ids and values, as task=init would write it.
    """

    changes_only: ClassVar[bool] = False
    """Whether a reading may repeat a sensor's state, which then is no event."""
    without_value: ClassVar[str] = "row without a value"
    """Why a reading is left out whose value is missing."""

    path: str | None = None
    """The file, relative to the working directory."""
    home_path: str | None = None
    """The file that describes the home; null = NAME.home.yaml beside the data. A setting of dataset.home that is not empty
    stands in place of the file's."""
    labels_path: str | None = None
    """A table of start, end and activity; null = none."""
    label_columns: Columns = field(default_factory=Columns)
    """The columns of that table."""
    timezone: str | None = None
    """The home's time zone, as in Europe/Paris."""
    time_format: str | None = None
    """How times are written besides ISO 8601 and UNIX time, in strptime's codes, as in '%d/%m/%Y %H:%M:%S'."""
    gaps: str = "unlabelled"
    """What an event without a label has. unlabelled: nothing, so that it is shown and not scored; null_class: the null
    class."""
    cut: Cut = field(default_factory=Cut)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)

    def check(self) -> None:
        if not self.path:
            raise ConfigError(
                f"dataset.path is not set; name the file with your events: dataset={self.kind} dataset.path={self.example}"
            )
        super().check()
        require("dataset.gaps", self.gaps, GAPS)
        zone_of(self.timezone)
        check_form(self.time_format)
        self.cut.check()
        self.vocabulary.check()

    @property
    @abstractmethod
    def kind(self) -> str:
        """The option of conf/dataset."""

    @property
    @abstractmethod
    def example(self) -> str:
        """The name that such a file may have."""

    def record(self, recorded: Recorded, path: Path, times: Times, reader: FileReader) -> None:
        """Put what a file holds into `recorded`, in order. Faults go to the reader."""
        self.record_table(recorded, self.table(reader, path), times)

    @abstractmethod
    def table(self, reader: FileReader, path: Path, content: bytes | None = None) -> Table:
        """The table in a file, or in these bytes of it. Faults go to the reader."""

    @abstractmethod
    def record_table(self, recorded: Recorded, table: Table, times: Times) -> None:
        """Put the rows of a table into `recorded`, in order. Faults go to the table's reader."""

    @abstractmethod
    def times(self) -> Times:
        """What reads the times of a file and of its labels."""

    def read(self, data: Path) -> Recordings:
        reader, recordings = self._read()
        self._raise(reader)
        assert recordings is not None  # or there are faults
        return recordings

    def _raise(self, reader: FileReader) -> None:
        """Raise DataError if there are faults."""
        if reader.faults:
            raise DataError(f"{self.name} has {counted(reader.faults.total, 'fault')}; correct the files:", reader.faults)

    def faults(self, data: Path) -> Notices:
        return self._read()[0].faults

    def draft(self) -> str:
        """Write the file that describes the home, or add what the data have and it lacks. What was done, in words.

        Raises DataError for broken data, HarError where nothing can be added.
        """
        self._check_there()
        reader = FileReader()
        recorded, *_ = self._recorded(self.recorded(), reader)
        self._raise(reader)
        path = self.home_file.resolve()  # a link stays one
        try:
            described = read_home(path, reader) if path.exists() else None
            self._raise(reader)
            return self._new_draft(path, recorded) if described is None else self._added(path, described, recorded)
        except OSError as error:
            rule = "set dataset.home_path to a file in a folder of yours"
            raise MissingError(f"{path} cannot be written ({reason_of(error)}); {rule}.") from None

    def _new_draft(self, path: Path, recorded: Recorded) -> str:
        described, guesses = guess_home(recorded, self.vocabulary)
        guesses, flaps = _with_flapping(guesses, recorded)
        text = written(self._file.name, described, guesses, labelled=bool(recorded.labels()))
        write_whole(path, text)
        left = sum(guess.sensor.left_out for guess in guesses.values())
        look = f"look at its lines marked # {CHECK} ({text.count(f'  # {CHECK}')}), then run task=describe"
        return f"{self.home_file}: {counted(len(guesses), 'sensor')}, {left} of them left out{flaps}; {look}."

    def _added(self, path: Path, described: OwnDescription, recorded: Recorded) -> str:
        values = {sensor: held for sensor, held in recorded.values().items() if sensor not in described.sensors}
        if not values:
            return f"{self.home_file} has every sensor of {self.path}; nothing was changed."
        guesses, flaps = _with_flapping(guess_sensors(values, recorded.attributes, self.vocabulary), recorded)
        add_sensors(path, read_bounded(path).decode("utf-8-sig"), guesses)
        added = f"{counted(len(guesses), 'new sensor')} added below the others{flaps}"
        return f"{self.home_file}: {added}; look at them, then run task=describe."

    @property
    def _file(self) -> Path:
        return expanded(self.path or "")

    def recorded(self, left_out: Collection[str] = ()) -> Recorded:
        """Nothing yet, by the rules of this dataset. `left_out`: sensors of which nothing is held."""
        return Recorded(left_out, without_value=self.without_value, changes_only=self.changes_only)

    @property
    def home_file(self) -> Path:
        return expanded(self.home_path or self._file.parent / f"{self._file.stem}.home.yaml")

    def _read(self) -> tuple[FileReader, Recordings | None]:
        self._check_there()
        reader = FileReader()
        with without_collector():
            described = read_home(self.home_file, reader) if self._has_home_file else None
            sensors = described.sensors if described is not None else {}
            left_out = {key for key, sensor in sensors.items() if sensor.left_out}
            recorded, times, label_times = self._recorded(self.recorded(left_out), reader)
            if described is None:
                if reader.faults:
                    return reader, None
                described = self._guessed(recorded, reader)
        found = self._merged(described, reader)
        if found is None:
            return reader, None
        merged, told = found
        place = f"{self.home_file}{'' if self._has_home_file else ' (which task=init writes)'}"
        unlabelled = in_gap(merged, self.gaps)
        sessions = Teller(recorded, told, reader, self._file, place).sessions(unlabelled, self.cut, self.name)
        unused = left_out_in_words(recorded.of_left_out, told.sensors, self.home_file.name)
        if not sessions and not reader.faults:
            left = [f"{count:,} {reason}" for reason, count in recorded.dropped.items()]
            left += [f"{count:,}: {reason}" for reason, count in unused.items()]
            message = f"no event is left of it ({', '.join(left)}); see {place}" if left else "it holds no event"
            reader.fault(self._file, None, "no events", message)
        if reader.faults:
            return reader, None
        notices = [*self._notices(times), *self._shown_twice(self.labels_path, label_times)]
        made = merged.recordings(sessions, [*reader.repairs, *notices])
        return reader, replace(made, dropped_events={**recorded.dropped, **unused, **made.dropped_events})

    def described(self, reader: FileReader) -> tuple[OwnHome, OwnDescription] | None:
        """What the file beside the data and the settings say of the home, without a recording: the dataset with that home,
        and its sensors. None, and faults, where it cannot be used."""
        found = read_home(self.home_file, reader)
        return None if found is None else self._merged(found, reader)

    def _merged(self, described: OwnDescription, reader: FileReader) -> tuple[OwnHome, OwnDescription] | None:
        merged = replace(self, home=_merged(described, self.home))
        try:
            merged.check()
            in_gap(merged, self.gaps)
        except ConfigError as error:
            reader.fault(self.home_file, None, "home", str(error))
            return None
        if not merged.home.activities:
            rule = "a model chooses among them, so list what the residents may be doing, as in activities: {1: cooking}"
            reader.fault(self.home_file, None, "home", f"it lists no activity; {rule}")
            return None
        return merged, replace(described, home=merged.home)

    def _recorded(self, recorded: Recorded, reader: FileReader) -> tuple[Recorded, Times, Times]:
        """What is recorded, and what has read the times of the events and of the labels."""
        times = self.times()
        self.record(recorded, self._file, times, reader)
        label_times = times.of_people()
        if self.labels_path is not None:
            self._read_spans(recorded, label_times, reader)
        recorded.check(self._file, reader)
        return recorded, times, label_times

    def _check_there(self) -> None:
        """Raise MissingError if the file of events is not there."""
        try:
            self._file.stat()
        except (OSError, ValueError) as error:  # ValueError: a path that no file can have
            raise MissingError(
                f"dataset.path is {self.path!r}, which is not there ({reason_of(error)}; working directory: {Path.cwd()}); "
                f"write the path of your file: dataset={self.kind} dataset.path={self.example}"
            ) from None

    @property
    def _has_home_file(self) -> bool:
        return self.home_path is not None or self.home_file.exists()

    def _guessed(self, recorded: Recorded, reader: FileReader) -> OwnDescription:
        described, _ = guess_home(recorded, self.vocabulary)
        message = "there is none, so the home is guessed from its sensors; task=init writes it there, for you to edit"
        reader.repair(self.home_file, None, "no file that describes the home", message)
        return described

    def _read_spans(self, recorded: Recorded, times: Times, reader: FileReader) -> None:
        path = recorded.spans_path = expanded(self.labels_path or "")
        table = Table(reader, path, setting="dataset.labels_path")
        if not table.header:
            return
        places = Finder(reader, path, table.header, self.label_columns, "dataset.label_columns")
        found = places.needed("start", "end", "activity")
        if not found:
            return
        start, end, activity = found
        for block in table.blocks():
            for place, line in enumerate(block.lines):
                row = block.row(place)
                try:
                    begins, _ = times.read(row[start])
                    ends, _ = times.read(row[end], begins)
                except UnreadableTime as error:
                    row_fault(table, block, place, (start, end), "unreadable time", str(error))
                    continue
                if ends < begins:
                    rule = "its end must not be before its start"
                    row_fault(table, block, place, (start, end), "ends before it starts", rule)
                if not row[activity].strip():
                    row_fault(table, block, place, (activity,), "no activity", "write it, or leave the row out")
                    continue
                recorded.spans.append((begins, ends, row[activity].strip(), line))
        table.add_repairs()

    def _notices(self, times: Times) -> list[Notice]:
        """About the file as a whole."""
        found = []
        if times.shows_utc:
            message = "its times are in UTC or have an offset, and are shown so; set dataset.timezone, as in Europe/Paris"
            found.append(Notice(str(self.path), None, "no time zone is set", message))
        if times.skipped:
            hours = "when summer time begins; they are moved on as a clock would have been"
            message = f"{counted(times.skipped, 'time')} that no clock in {self.timezone} showed, {hours}"
            found.append(Notice(str(self.path), None, "time in the skipped hour", message))
        return [*found, *self._shown_twice(self.path, times)]

    def _shown_twice(self, path: str | None, times: Times) -> Iterator[Notice]:
        if times.repeated:
            step = "until the rows go back by more than 5 minutes in that hour"
            rule = f"each is taken for the first of the two {step} (the other way round where the newest row is first)"
            message = f"{counted(times.repeated, 'time')} that a clock in {self.timezone} showed twice; {rule}"
            yield Notice(str(path), None, "time in the repeated hour", message)


def _merged(described: OwnDescription, given: HomeConfig) -> HomeConfig:
    """The home of a file, with what the settings give in place of it."""
    own = {one.name: value for one in dataclasses.fields(given) if (value := getattr(given, one.name))}
    home = replace(described.home, **own)
    found = ((one.room, one.name) for one in described.sensors.values() if one.room and not one.left_out)
    return replace(home, rooms=home.rooms or rooms_of(found))


def _with_flapping(guesses: Mapping[str, Guess], recorded: Recorded) -> tuple[dict[str, Guess], str]:
    """The guesses with a remark on each sensor that flaps, and these in words; nothing where none does."""
    told = {sensor for sensor, guess in guesses.items() if not guess.sensor.left_out}
    states = zip(recorded.orders, recorded.said, strict=True)
    kept = [(at, pair) for at, pair in states if pair[0] in told and recorded.no_event(pair) is None]
    found = flapping([at for at, _ in kept], [pair for _, pair in kept], itemgetter(1))
    marked = {
        sensor: guesses[sensor]._replace(remark=" and ".join(filter(None, (guesses[sensor].remark, "flaps"))))
        for sensor in found
    }
    return {**guesses, **marked}, f"; {in_words(found)}" if found else ""
