"""Every reader beside a bare pandas.read_csv (or query of sqlite3) of the same files: seconds of one core, and memory.

    python benchmarks/bench_readers.py [--events 1000000] [--only "casas classic" aras]

Writes synthetic files of each format to a temporary folder (seeded), of a quarter of the events and of all of them, and
reads them in fresh processes, ours and the bare ones in turns, best of three. Goals: at most 3 times the bare time; four
times the events take at most four times the memory beyond that of the imports.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

START = datetime(2011, 6, 15)
LABELS = ("Sleep", "Cook", "Eat", "Relax", "Work", "Wash_Dishes")


class Format(NamedTuple):
    """What a reader reads."""

    dataset: str
    """A name in conf/dataset."""
    write: Callable[[Path, int], None]
    """Writes so many events below a folder."""
    settings: dict[str, Any]
    bare: dict[str, Any] | None
    """How pandas.read_csv reads the same files, types guessed; None = a query of sqlite3."""
    times: tuple[tuple[int, ...], ...]
    """The columns that make a time."""


def moments(count: int, step: float) -> Iterator[datetime]:
    chance, moment = random.Random(0), START
    for _ in range(count):
        moment += timedelta(seconds=chance.random() * 2 * step)
        yield moment


def write(path: Path, rows: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        stream.writelines(f"{row}\n" for row in rows)


def casas(form: str) -> Callable[[Path, int], None]:
    def rows(count: int) -> Iterator[str]:
        chance = random.Random(1)
        for place, moment in enumerate(moments(count, 10)):
            sensor, value, label = (
                f"M{chance.randint(1, 31):03}",
                ("ON", "OFF")[place % 2],
                LABELS[place // 40 % len(LABELS)],
            )
            mark = {0: "begin", 39: "end"}.get(place % 40)
            if form == "zenodo":
                yield f"{moment:%Y-%m-%d,%H:%M:%S.%f},{sensor},{value}" + (f',{label}="{mark}"' if mark else "")
            elif form == "annotated":
                yield f"{moment:%Y-%m-%d %H:%M:%S.%f} {sensor} {sensor} {value} {label}"
            elif form == "classic":
                yield f"{moment:%Y-%m-%d %H:%M:%S.%f} {sensor} {value}" + (f" {label} {mark}" if mark else "")
            else:
                yield f"{moment:%Y-%m-%d %H:%M:%S.%f} {sensor} {value} {1 + place % 2} {1 + place // 40 % 15}"

    return lambda folder, count: write(folder / "casas" / "data", rows(count))


def orange4home(folder: Path, count: int) -> None:
    def rows() -> Iterator[str]:
        chance = random.Random(1)
        yield "Time,ItemName,Value"
        for place, moment in enumerate(moments(count, 3)):
            if place % 100 in (0, 99):
                mark, label = ("STOP", "START")[place % 100 == 0], LABELS[place // 100 % len(LABELS)]
                yield f"{moment:%Y-%m-%d %H:%M:%S},label,{mark}:Kitchen|{label}"
            yield f"{moment:%Y-%m-%d %H:%M:%S},kitchen_cupboard{chance.randint(1, 5)},{('OPEN', 'CLOSED')[place % 2]}"

    write(folder / "orange4home" / "o4h_all_events.csv", rows())


def aras(folder: Path, count: int) -> None:
    """A change every three seconds, several times as many as in the release."""
    chance, days = random.Random(1), max(1, count * 3 // 86_400)
    for day in range(1, days + 1):
        state, lines = [0] * 20, []
        for second in range(86_400):
            if second and second % 3 == 0 and len(lines) // 3 < count // days:
                state[state.index(1) if 1 in state else chance.randrange(20)] ^= 1
            lines.append(f"{' '.join(map(str, state))} {1 + second // 900 % 27} {1 + second // 700 % 27}")
        write(folder / "aras" / "House A" / f"DAY_{day}.txt", lines)


def uci_adl(folder: Path, count: int) -> None:
    def rows() -> Iterator[str]:
        yield "Start time\tEnd time\tLocation\tType\tPlace"
        for place, moment in enumerate(moments(count // 2, 20)):
            sensor = ("Fridge\tMagnetic\tKitchen", "Bed\tPressure\tBedroom", "Seat\tPressure\tLiving")[place % 3]
            yield f"{moment:%Y-%m-%d %H:%M:%S}\t{moment + timedelta(seconds=2):%Y-%m-%d %H:%M:%S}\t{sensor}"

    def activities() -> Iterator[str]:
        yield "Start time\tEnd time\tActivity"
        for moment in moments(count // 100, 1000):
            yield f"{moment:%Y-%m-%d %H:%M:%S}\t{moment + timedelta(seconds=90):%Y-%m-%d %H:%M:%S}\tBreakfast"

    write(folder / "uci_adl" / "OrdonezA_Sensors.txt", rows())
    write(folder / "uci_adl" / "OrdonezA_ADLs.txt", activities())


def kasteren(folder: Path, count: int) -> None:
    def rows(number: int, step: float, length: int, rest: str) -> Iterator[str]:
        yield "Start time\tEnd time\tID" + ("\tVal" if rest.endswith("1") else "")
        for moment in moments(number, step):
            end = moment + timedelta(seconds=length)
            yield f"{moment:%d-%b-%Y %H:%M:%S}\t{end:%d-%b-%Y %H:%M:%S}\t{rest}"
        yield f"Length: {number}"

    write(folder / "kasteren" / "sensorData.txt", rows(count // 2, 20, 2, "24\t1"))
    write(folder / "kasteren" / "activitiesData.txt", rows(count // 100, 1000, 90, "10"))


def mural(folder: Path, count: int) -> None:
    from tests.data.datasets.mural_files import release, write_folder

    sensors = ("bedroom_1 door", "kitchen counter mov", "kitchen fridge door", "main door")
    times = [f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}" for second in range(0, 80_000, 80)]
    rows = [
        f'{n},{time},{sensors[n % 4]},turned ON,A,"A, in the hall, waits.",{(0, 6, 19)[n % 3]}'
        for n, time in enumerate(times)
    ]
    write_folder(folder / "mural", release({f"{number:04}": rows for number in range(1, count // 1000 + 1)}))


def marble(folder: Path, count: int) -> None:
    from tests.data.datasets.marble_files import write_synthetic

    write_synthetic(folder, count)


def events(folder: Path, count: int) -> None:
    def rows() -> Iterator[str]:
        chance = random.Random(1)
        yield "time,sensor,value,activity"
        for place, moment in enumerate(moments(count, 10)):
            label = LABELS[place // 40 % len(LABELS)]
            yield f"{moment:%Y-%m-%d %H:%M:%S},kitchen_motion_{chance.randint(1, 31)},{('on', 'off')[place % 2]},{label}"

    write(folder / "week.csv", rows())


def history(folder: Path, count: int) -> None:
    """Entity by entity, as the history panel exports it."""

    def rows() -> Iterator[str]:
        yield "entity_id,state,last_changed"
        for entity in range(20):
            for place, moment in enumerate(moments(count // 20, 200)):
                yield f"binary_sensor.hall_motion_{entity},{('on', 'off')[place % 2]},{moment:%Y-%m-%dT%H:%M:%S.%f}Z"

    write(folder / "history.csv", rows())


def recorder(folder: Path, count: int) -> None:
    with sqlite3.connect(folder / "home-assistant_v2.db") as database:
        database.execute("CREATE TABLE states_meta (metadata_id INTEGER PRIMARY KEY, entity_id VARCHAR(255))")
        database.execute(
            "CREATE TABLE states (state_id INTEGER PRIMARY KEY, metadata_id INTEGER, state VARCHAR(255), "
            "last_changed_ts FLOAT, last_updated_ts FLOAT)"
        )
        meta = [(number, f"binary_sensor.hall_motion_{number}") for number in range(20)]
        database.executemany("INSERT INTO states_meta VALUES (?, ?)", meta)
        states = (
            (place, place % 20, ("on", "off")[place // 20 % 2], None, moment.timestamp())
            for place, moment in enumerate(moments(count, 10))
        )
        database.executemany("INSERT INTO states VALUES (?, ?, ?, ?, ?)", states)


SPACES = {"sep": " ", "header": None, "names": range(8)}
FORMATS = {
    "casas zenodo": Format("casas", casas("zenodo"), {"path": "casas/data"}, {"header": None, "names": range(5)}, ((0, 1),)),
    "casas annotated": Format("casas", casas("annotated"), {"path": "casas/data"}, SPACES, ((0, 1),)),
    "casas classic": Format("casas", casas("classic"), {"path": "casas/data"}, SPACES, ((0, 1),)),
    "casas multi_resident": Format("casas", casas("multi_resident"), {"path": "casas/data"}, SPACES, ((0, 1),)),
    "orange4home": Format("orange4home", orange4home, {}, {}, ((0,),)),
    "aras": Format("aras", aras, {}, {"sep": " ", "header": None}, ()),
    "uci_adl": Format("uci_adl", uci_adl, {}, {"sep": "\t"}, ((0,), (1,))),
    "kasteren": Format("kasteren", kasteren, {}, {"sep": "\t"}, ()),
    "marble": Format("marble", marble, {}, {}, ()),
    "mural": Format("mural", mural, {}, {}, ()),
    "events": Format("events", events, {"path": "week.csv"}, {}, ((0,),)),
    "home_assistant csv": Format("home_assistant", history, {"path": "history.csv"}, {}, ((2,),)),
    "home_assistant db": Format("home_assistant", recorder, {"path": "home-assistant_v2.db"}, None, ()),
}


def read_ours(name: str, folder: Path) -> dict[str, float]:
    from hydra import compose, initialize_config_dir

    from har_llm.config.read import read_experiment

    one = FORMATS[name]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        settings = [f"dataset.{key}={value}" for key, value in one.settings.items()]
        dataset = read_experiment(compose("config", overrides=[f"dataset={one.dataset}", *settings])).dataset
    return timed(lambda: sum(len(session.events) for session in dataset.read(folder).sessions))


def read_bare(name: str, folder: Path, *, as_rows: bool = False) -> dict[str, float]:
    """`as_rows`: with times parsed, as a list of a tuple for each row, which is nearer to what a reader has to make."""
    import pandas

    one, files = (
        FORMATS[name],
        sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".json", ".png")),
    )

    def read() -> int:
        count = 0
        for path in files:
            table = pandas.read_csv(path, **(one.bare or {}))
            count += len(table)
            if as_rows:
                for first, *others in one.times:
                    text = table.iloc[:, first]
                    for other in others:
                        text = text + " " + table.iloc[:, other]
                    table[f"time {first}"] = pandas.to_datetime(text, format="ISO8601")
                list(zip(*(plain(table[column]) for column in table), strict=True))
        return count

    def query() -> int:
        with sqlite3.connect(files[0]) as database:
            asked = "SELECT entity_id, state, last_updated_ts FROM states JOIN states_meta USING (metadata_id)"
            return len(database.execute(asked).fetchall())

    return timed(query if one.bare is None else read)


def plain(column: Any) -> list[Any]:
    """A column of pandas as objects of Python."""
    return list(column.dt.to_pydatetime() if column.dtype.kind == "M" else column.tolist())


def timed(read: Callable[[], int]) -> dict[str, float]:
    before, seconds = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    count = read()
    taken = time.process_time() - seconds
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"count": count, "seconds": taken, "megabytes": used / (1024 if sys.platform != "darwin" else 1024**2)}


def measured(reader: str, name: str, folder: str) -> dict[str, float]:
    command = [sys.executable, str(Path(__file__).resolve()), "--measure", reader, name, folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    return json.loads(done.stdout.splitlines()[-1])


READERS: dict[str, Callable[[str, Path], dict[str, float]]] = {
    "ours": read_ours,
    "bare": read_bare,
    "rows": lambda name, folder: read_bare(name, folder, as_rows=True),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description="Readers beside a bare pandas.read_csv.")
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--only", nargs="*", default=list(FORMATS), help="formats to measure")
    given = arguments.parse_args()
    for name in given.only:
        memory = []
        for events in (given.events // 4, given.events):
            with tempfile.TemporaryDirectory() as folder:
                FORMATS[name].write(Path(folder), events)
                rounds = [[measured(reader, name, folder) for reader in READERS] for _ in range(given.repeats)]
            ours, bare, rows = (min(one, key=lambda figures: figures["seconds"]) for one in zip(*rounds, strict=True))
            memory.append(ours["megabytes"])
        count, seconds = ours["count"], ours["seconds"]
        print(
            f"{name:22} {count:>9,.0f} events: {seconds:6.2f} s, {count / seconds:>9,.0f} a second; "
            f"bare {bare['seconds']:5.2f} s, ratio {seconds / bare['seconds']:.2f} (goal: at most 3); "
            f"as rows with times {rows['seconds']:5.2f} s, ratio {seconds / rows['seconds']:.2f}; "
            f"{memory[1]:,.0f} MB, {memory[1] / memory[0]:.1f} times that of a quarter",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(READERS[sys.argv[2]](sys.argv[3], Path(sys.argv[4]))))
    else:
        main()
