"""What holds for the recordings of every dataset, however they are divided and cut: no window holds events of two sessions
or of two parts, and no event is lost or doubled on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from har_llm.data.datasets.simulated import SimulatedHome
from har_llm.data.records import Recordings
from har_llm.data.splits import FractionSplit, KFoldSplit, NamedSplit, Split
from har_llm.data.windows import FixedWindows
from tests.composing import OPTIONS
from tests.data.datasets.intervals.homes import ACTIVITIES, SENSORS, kasteren, uci_adl
from tests.data.datasets.logs.homes import ANNOTATED, CLASSIC, MULTI_RESIDENT, ORANGE4HOME, ZENODO, casas, orange4home
from tests.data.datasets.marble_files import write_synthetic
from tests.data.datasets.mural_files import ROWS, mural, release, write_folder
from tests.data.datasets.own.homes import HISTORY, WEEK, events_of, history_of
from tests.data.datasets.test_aras import DAYS, aras
from tests.helpers import load

LATER = "binary_sensor.hall_motion,off,2026-03-03T06:10:10Z\nbinary_sensor.hall_motion,on,2026-03-04T06:10:10Z\n"


def _marble(data: Path) -> Recordings:
    from har_llm.data.datasets.marble import Marble

    write_synthetic(data, 90, per_session=23)
    return load("dataset/marble", Marble).read(data)


def _mural(data: Path) -> Recordings:
    write_folder(data / "mural", release(dict.fromkeys(("01", "02", "03"), ROWS)))
    return mural().read(data)


def _kasteren(data: Path) -> Recordings:
    days = [f"{day}-Feb-2008 08:00:00\t{day}-Feb-2008 08:00:09\t24\t1" for day in (3, 4, 5)]
    return kasteren(data, days, ["03-Feb-2008 07:00:00\t03-Feb-2008 08:00:00\t10"]).read(data)


def _casas(rows: tuple[str, ...]) -> Callable[[Path], Recordings]:
    """On three days."""
    days = [row.replace(row[:10], f"{row[:8]}{int(row[8:10]) + later}") for later in range(3) for row in rows]
    return lambda data: casas(data, days).read(data)


DATASETS: dict[str, Callable[[Path], Recordings]] = {
    "aras": lambda data: aras(data, DAYS).read(data),
    "casas": _casas(ZENODO),
    "casas annotated": _casas(ANNOTATED),
    "casas_aruba": _casas(CLASSIC),
    "casas_adlmr": _casas(MULTI_RESIDENT),
    "events": lambda data: events_of(data, WEEK).read(Path()),
    "home_assistant": lambda data: history_of(data, HISTORY + LATER).read(Path()),
    "kasteren": _kasteren,
    "marble": _marble,
    "mural": _mural,
    "orange4home": lambda data: orange4home(data, ORANGE4HOME).read(data),
    "simulated_flat": lambda data: load("dataset/simulated_flat", SimulatedHome).read(data),
    "simulated_house": lambda data: load("dataset/simulated_house", SimulatedHome).read(data),
    "uci_adl": lambda data: uci_adl(data, SENSORS, ACTIVITIES).read(data),
}


@cache
def recordings(dataset: str) -> Recordings:
    with TemporaryDirectory() as folder:
        return DATASETS[dataset](Path(folder))


def splits(ids: list[str]) -> list[Split]:
    named = NamedSplit(train=ids[::3], validation=ids[1::3], test=ids[2::3])
    return [FractionSplit(), *(KFoldSplit(fold=fold) for fold in range(min(3, len(ids)))), named]


WINDOWS = (
    FixedWindows(),
    FixedWindows(events=3, min_events=2),
    FixedWindows(events=4, stride=1),
    FixedWindows(events=40, minutes=15),
    FixedWindows(events=4, stride=2, gap_minutes=1),
)


def test_every_shipped_dataset_is_here() -> None:
    assert {name.split()[0] for name in DATASETS} == set(OPTIONS["dataset"])


@pytest.mark.parametrize("dataset", DATASETS)
def test_no_window_holds_events_of_two_sessions_or_two_parts(dataset: str) -> None:
    sessions = recordings(dataset).sessions
    assert len({session.id for session in sessions}) == len(sessions) > 1
    assert all([event.id for event in session.events] == list(range(len(session.events))) for session in sessions)
    for split in splits([session.id for session in sessions]):
        parts = split.divide(sessions, {})
        assert Counter(session.id for part in parts.values() for session in part) == Counter(one.id for one in sessions)
        for windowing in WINDOWS:
            for session in (session for part in parts.values() for session in part):
                windows = list(windowing.cut(session))
                for window in windows:
                    first = window.events[0].id
                    assert window.session == session.id
                    assert list(window.events) == list(session.events[first : first + len(window.events)])
                held = Counter(event.id for window in windows for event in window.events)
                assert len(held) + windowing.excluded(session) == len(session.events)
                assert windowing.stride is not None or set(held.values()) <= {1}
