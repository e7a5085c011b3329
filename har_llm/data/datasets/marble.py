"""MARBLE (Arrotta, Bettini, Civitarese, 2021): the settings of its real release, and what to know of a user's copy.

`marble_reader` reads the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

from har_llm.common.errors import ConfigError, DataError, MissingError
from har_llm.common.notices import Notice, Notices
from har_llm.common.numbers import counted
from har_llm.common.paths import expanded
from har_llm.data.datasets.base import ReleaseConfig, SensorInWords, where_it_is
from har_llm.data.datasets.files import without_collector
from har_llm.data.datasets.marble_extras import EXTRA_EVENTS, LOCATION, PHONE, ExtraDescription, ExtraTexts
from har_llm.data.datasets.marble_reader import MarbleReader
from har_llm.data.datasets.marble_times import STATUSES
from har_llm.data.datasets.marble_windows import window_difference
from har_llm.data.records import Home, Recordings, Session

FOLDER = "marble"
PARTIAL_COPY = "a scenario's number of sessions decides which are for training, so a partial copy is divided otherwise"


@dataclass(kw_only=True)
class Marble(ReleaseConfig):
    """The MARBLE release in a user's folder."""

    COUNTED: ClassVar[tuple[str, ...]] = (*ReleaseConfig.COUNTED, "training_windows")

    folder: str = FOLDER
    """Below paths.data, or absolute; holds A1a/instance1/environmental.csv and so on, or the MARBLE/dataset/ that does. If
    there is no marble, MARBLE is tried."""
    timezone: str = "Europe/Rome"
    """Time zone of the recordings: the files have UNIX milliseconds, an event has the local HH:mm:ss."""
    sensors: dict[str, SensorInWords] = field(default_factory=dict)
    """By sensor_id of environmental.csv."""
    labels: dict[str, int] = field(default_factory=dict)
    """By act of labels.csv: the number of the activity."""
    extra_events: list[str] = field(default_factory=list)
    """What is read beside the sensors of the home: phone, location."""
    phone_events: dict[str, list[str]] = field(default_factory=dict)
    """By event_id of smartphone.csv: the text of an event when its status is ON and when it is OFF."""
    locations: dict[str, str] = field(default_factory=dict)
    """By location of locations.csv: the room."""
    location_event: str = ""
    """What follows the room where a subject's location begins."""
    extra_descriptions: dict[str, ExtraDescription] = field(default_factory=dict)
    """What the home's description says about extra events while they are on, by their kind."""

    def check(self) -> None:
        super().check()
        self._zone()
        self._check_extra_events()
        for setting, value in (("sensors", self.sensors), ("labels", self.labels)):
            if not value:
                raise ConfigError(f"dataset.{setting} is empty; it must list every one that the files use.")
        for key, sensor in self.sensors.items():
            if sensor.room not in self.home.rooms:
                raise ConfigError(f"dataset.sensors.{key}.room is {sensor.room!r}, which dataset.home.rooms does not list.")
            if len(sensor.states) != len(STATUSES):
                raise ConfigError(f"dataset.sensors.{key}.states is {sensor.states}; it must be [ON word, OFF word].")
        for label, number in self.labels.items():
            if number not in self.home.activities:
                raise ConfigError(f"dataset.labels.{label} is {number}, which dataset.home.activities does not list.")

    def _check_extra_events(self) -> None:
        for name, kinds in (("extra_events", self.extra_events), ("extra_descriptions", list(self.extra_descriptions))):
            unknown = [kind for kind in kinds if kind not in EXTRA_EVENTS]
            if unknown:
                raise ConfigError(f"dataset.{name} has {unknown[0]!r}; it may have {', '.join(EXTRA_EVENTS)}.")
        if len(set(self.extra_events)) < len(self.extra_events):
            raise ConfigError(f"dataset.extra_events is {self.extra_events}; name each kind once.")
        for key, texts in self.phone_events.items():
            if len(texts) != len(STATUSES) or not all(text.strip() for text in texts):
                raise ConfigError(f"dataset.phone_events.{key} is {texts}; it must be [ON text, OFF text].")
        for key, room in self.locations.items():
            if room not in self.home.rooms:
                raise ConfigError(f"dataset.locations.{key} is {room!r}, which dataset.home.rooms does not list.")
        for kind, setting in ((PHONE, "phone_events"), (LOCATION, "locations"), (LOCATION, "location_event")):
            if kind in self.extra_events and not getattr(self, setting):
                raise ConfigError(f"dataset.{setting} is empty; dataset.extra_events has {kind}, which needs it.")
        for kind, words in self._said_of_extra_events():
            if words.instead_of not in self.home.description:
                raise ConfigError(
                    f"dataset.extra_descriptions.{kind}.instead_of is {words.instead_of!r}, which is not in "
                    "dataset.home.description; write there what the text takes the place of, or leave it empty."
                )

    def _said_of_extra_events(self) -> Iterator[tuple[str, ExtraDescription]]:
        for kind in EXTRA_EVENTS:
            if kind in self.extra_events and kind in self.extra_descriptions:
                yield kind, self.extra_descriptions[kind]

    def _location_texts(self) -> dict[str, str]:
        """The text of the event when a location begins, by location."""
        return {key: f"{room} {self.location_event}" for key, room in self.locations.items()}

    def build_home(self) -> Home:
        """A prompt mentions phones and locations only if their events are read."""
        description = self.home.description
        for _, words in self._said_of_extra_events():
            if words.instead_of:
                description = description.replace(words.instead_of, words.text.strip())
            else:
                description = f"{description.rstrip()}\n{words.text.strip()}"
        return replace(super().build_home(), description=description.strip())

    def read(self, data: Path) -> Recordings:
        folder, reader, sessions = self._read(data)
        if reader.faults:
            count = counted(reader.faults.total, "fault")
            raise DataError(f"MARBLE in {folder} has {count}; mend or replace the files:", reader.faults)
        counts = {"sessions": len(sessions), "events": reader.environmental_events}
        remarks = {"sessions": PARTIAL_COPY}
        if self.extra_events:
            remarks["events"] = "those of environmental.csv; the known count is without dataset.extra_events too"
        differences = self.differences(folder, "the EveryWare Lab's release", counts, remarks)
        return self.recordings(sessions, [*reader.repairs, *differences, *self._window_difference(folder, sessions)])

    def _window_difference(self, folder: Path, sessions: Sequence[Session]) -> Iterator[Notice]:
        """Only for a whole copy with the events of the home's sensors alone, which the paper's number is about."""
        known, whole = self.expected.get("training_windows"), len(sessions) == self.expected.get("sessions")
        if known is not None and whole and not self.extra_events and self.null_class != "dropped":
            yield from window_difference(folder, sessions, self.paper_split, known)

    def faults(self, data: Path) -> Notices:
        return self._read(data)[1].faults

    def _read(self, data: Path) -> tuple[Path, MarbleReader, list[Session]]:
        usual = expanded(data / expanded(self.folder))
        places = [usual, *([usual.with_name(FOLDER.upper())] if self.folder == FOLDER else [])]
        folder = next((place for place in places if place.is_dir()), None)
        if folder is None:
            raise MissingError(
                f"MARBLE is missing: there is no folder {str(usual)!r}. Download MARBLE from the EveryWare Lab (University "
                f"of Milan) and set {where_it_is(self.folder)}."
            )
        extras = ExtraTexts(self.extra_events, self.phone_events, self._location_texts())
        reader = MarbleReader(self.sensors, self.labels, self._zone(), extras)
        with without_collector():
            return folder, reader, reader.read(folder)

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):  # KeyError: ZoneInfoNotFoundError; the others: no name of a zone at all
            raise ConfigError(
                f"dataset.timezone is {self.timezone!r}, which is not known here; it must be an IANA name such as "
                "Europe/Rome (where a system has no time zones, `pip install tzdata` brings them)."
            ) from None
