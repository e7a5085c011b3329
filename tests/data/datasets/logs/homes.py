"""Small exact logs, in the forms that the datasets' documentation shows: nothing is copied from the releases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from har_llm.common import schema  # noqa: F401 (its resolvers of names are in conf/)
from har_llm.data.datasets.logs.casas import Casas
from har_llm.data.datasets.logs.orange4home import Orange4Home
from har_llm.data.datasets.logs.release import LogRelease
from har_llm.data.records import Event, Recordings
from tests.helpers import load

ZENODO = (
    '2011-06-15,01:03:39.14962,Bedroom,ON,Sleep="begin"',
    "2011-06-15,01:03:40.284526,Bedroom,OFF",
    "2011-06-15,01:10:40,KitchenATemperature,21",
    "2011-06-15,06:10:40.5,BathroomAToilet,ON,Toilet",
    '2011-06-15,06:20:41,OutsideDoor,OPEN,Sleep="end"',
    "2011-06-15,06:20:42,LoungeChair,ON,Other_Activity",
)
ANNOTATED = (
    "2011-06-15 01:40:48.900973 Bedroom Bedroom ON Sleep",
    "2011-06-15 01:41:27.905913 Bedroom Bedroom OFF Wake_Up",
    "2011-06-15 01:41:40.205759 Bathroom Bathroom ON",
)
CLASSIC = (
    "2009-10-16 00:01:04.000059 M017 ON Sleeping begin",
    "2009-10-16 00:01:06 M017 OFF",
    "2009-10-16\t03:00:00.5\tD001\tOPEN\tBed_to_Toilet  begin",
    "2009-10-16 03:00:00.7 T001 21.5",
    "2009-10-16 03:10:00 M004 ON Bed_to_Toilet end",
    "2009-10-16 07:00:00 M017 ON Sleeping end",
    "2009-10-16 07:00:01 M017 OFF",
)
MULTI_RESIDENT = (
    "2008-11-10 14:28:17.986759 M22 ON 2 2",
    "2008-11-10 14:28:18.5 I04 ABSENT 1 1",
    "2008-11-10 14:29:00 M03 ON 1 3 2 3",
    "2008-11-10 14:29:01 M03 OFF 1 1 2 3",
    "2008-11-10 14:29:02 D12 CLOSE",
)

ORANGE4HOME = (
    "2017-01-30 08:36:10,label,START:Entrance|Entering",
    "2017-01-30 08:36:12,entrance_door,OPEN",
    "2017-01-30 08:36:13,kitchen_temperature,21.5",
    "2017-01-30 08:36:15,entrance_door,CLOSED",
    "2017-01-30 08:36:20,label,STOP:Entrance|Entering",
    "2017-01-30 08:36:21,bedroom_heater1_effective_mode,comfort, at home",
    "2017-01-30 08:37:00,label,START:Living_room|Watching_TV",
    "2017-01-30 08:37:00,livingroom_presence_table,ON",
    "2017-01-30 08:37:01,kitchen_cupboard5,OPEN",
    "2017-01-30 08:37:02,livingroom_switch1_top_left,ON",
    "2017-01-30 08:37:03,livingroom_tv_status,ON",
    "2017-01-30 08:50:00,label,STOP:Living_room|Watching_TV",
    "2017-01-31 09:00:00,office_presence,OFF",
)


def casas(folder: Path, rows: Sequence[str], /, **changes: Any) -> Casas:
    """The dataset, with its file in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "home.txt").write_bytes("".join(f"{row}\n" for row in rows).encode())
    dataset = load("dataset/casas", Casas, path="home.txt", **changes)
    dataset.check()
    return dataset


def orange4home(folder: Path, rows: Sequence[str], /, header: str = "Time,ItemName,Value", **changes: Any) -> Orange4Home:
    """The dataset, with its file in the folder."""
    path = folder / "orange4home" / "o4h_all_events.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in (header, *rows)))
    dataset = load("dataset/orange4home", Orange4Home, **changes)
    dataset.check()
    return dataset


def events(recordings: Recordings) -> list[Event]:
    return [event for session in recordings.sessions for event in session.events]


def named(dataset: LogRelease, data: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    """Time, text and names of the activities of every event."""
    recordings = dataset.read(data)
    names = recordings.home.activities
    return [(one.time, one.text, tuple(names[number] for number in one.activities)) for one in events(recordings)]
