"""watch=file: a file that grows, is cut, renamed and begun again, with half lines and broken ones."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common.errors import DataError
from har_llm.data.live.file import WatchedFile
from tests.data.live.homes import HEADER, Listened, home, row

BEGINNING = WatchedFile(name="file", start="beginning")
END = WatchedFile(name="file")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_llm.data.live.file.POLL_S", 0.0)


def test_what_is_appended_comes_as_the_dataset_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text(HEADER + row("fridge", "off", "06:00:00"))
    listened = Listened(END, home(tmp_path, "dataset.timezone=Europe/Paris"))
    assert listened.next() == ()
    with path.open("a") as stream:
        stream.write(row("fridge", "on", "06:10:00") + "binary_sensor.door,o")
    (reading,) = listened.next() or ()
    assert reading.when == (datetime(2026, 3, 2, 6, 10), datetime.fromisoformat("2026-03-02T07:10:00+01:00"))
    assert (reading.sensor, reading.value) == ("binary_sensor.fridge", "on")
    assert listened.values() == [], "half a line waits for its end"
    with path.open("a") as stream:
        stream.write("ff,2026-03-02T06:11:00Z\n")
    assert listened.values() == [("door", "off")] and listened.said == []


def test_a_file_begins_at_its_beginning_where_that_is_set(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text(HEADER + row("fridge", "off", "06:00:00"))
    assert Listened(BEGINNING, home(tmp_path)).values() == [("fridge", "off")]


def test_it_goes_on_where_another_process_was(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text(HEADER + row("fridge", "off", "06:00:00"))
    first = Listened(BEGINNING, home(tmp_path))
    first.next()
    with path.open("a") as stream:
        stream.write(row("fridge", "on", "06:10:00"))
    assert Listened(END, home(tmp_path), first.place).values() == [("fridge", "on")]


@pytest.mark.parametrize("left", [0, 1])
def test_a_renamed_file_is_read_to_its_end_before_the_new_one(tmp_path: Path, left: int) -> None:
    path = tmp_path / "history.csv"
    path.write_text(HEADER + row("bed", "on", "06:00:00"))
    listened = Listened(BEGINNING, home(tmp_path))
    assert listened.values() == [("bed", "on")]
    with path.open("a") as stream:
        stream.write(row("door", "on", "06:01:00") * left)
    path.rename(tmp_path / "history.csv.1")
    path.write_text(HEADER + row("fridge", "on", "06:02:00"))
    found = [one for _ in range(3) for one in listened.values()]
    assert found == [("door", "on")] * left + [("fridge", "on")]


def test_a_file_that_is_cut_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text(HEADER + row("bed", "on", "06:00:00") + row("bed", "off", "06:00:01"))
    listened = Listened(BEGINNING, home(tmp_path))
    assert len(listened.values()) == 2
    path.write_text(HEADER + row("door", "on", "06:02:00") + row("door", "off", "06:02:01") + row("bed", "on", "06:03:00"))
    found = [one for _ in range(3) for one in listened.values()]
    assert found == [("door", "on"), ("door", "off"), ("bed", "on")], "although it is longer than it was"


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    listened = Listened(BEGINNING, home(tmp_path))
    assert listened.next() is None and listened.next() is None
    (tmp_path / "history.csv").write_text("")
    assert listened.values() == []
    (tmp_path / "history.csv").write_text(HEADER + row("bed", "on", "06:00:00"))
    assert listened.values() == [("bed", "on")]
    assert [one.removeprefix(str(tmp_path)) for one in listened.said] == [
        "/history.csv cannot be read (No such file or directory); waiting for it.",
        "/history.csv is there, and watched.",
    ]


def test_all_of_a_file_that_appears_while_it_is_watched_is_told(tmp_path: Path) -> None:
    listened = Listened(END, home(tmp_path))
    assert listened.next() is None
    (tmp_path / "history.csv").write_text(HEADER + row("bed", "on", "06:00:00"))
    assert listened.values() == [("bed", "on")]


def test_where_a_file_begins_is_known_before_anything_comes(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text(HEADER + row("bed", "on", "06:00:00"))
    first = Listened(END, home(tmp_path))
    assert first.values() == []
    with path.open("a") as stream:
        stream.write(row("bed", "off", "06:01:00"))
    assert Listened(END, home(tmp_path), first.place).values() == [("bed", "off")]


def test_a_header_that_comes_while_it_is_looked_for_doubles_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.csv"
    path.write_text("")

    class Late(io.BufferedReader):
        looked = 0

        def readline(self, size: int | None = -1) -> bytes:
            found = super().readline(size)
            self.looked += 1
            if self.looked == 2:
                path.write_text(HEADER + row("bed", "on", "06:00:00"))
            return found

    monkeypatch.setattr("har_llm.data.live.file.open_bounded", lambda path: Late(io.FileIO(path)))
    listened = Listened(BEGINNING, home(tmp_path))
    assert [one for _ in range(3) for one in listened.values()] == [("bed", "on")]


@pytest.mark.parametrize("broken", [b"binary_sensor.bed,\xff,2026-03-02T06:00:01Z\n", b'binary_sensor.bed,"on,2026\n'])
def test_a_broken_row_takes_no_other_along(tmp_path: Path, broken: bytes) -> None:
    before, behind = row("bed", "on", "06:00:00").encode(), row("bed", "off", "06:01:00").encode()
    (tmp_path / "history.csv").write_bytes(HEADER.encode() + before + broken + behind)
    listened = Listened(BEGINNING, home(tmp_path))
    assert listened.values() == [("bed", "on"), ("bed", "off")] and len(listened.said) == 1


def test_broken_rows_are_said_once_and_the_others_come(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text(HEADER + "a,b\n" + row("bed", "on", "never") + row("bed", "on", "06:00:00") + "a\n")
    listened = Listened(BEGINNING, home(tmp_path))
    assert listened.values() == [("bed", "on")]
    with path.open("a") as stream:
        stream.write("a\n" + row("bed", "off", "06:01:00"))
    assert listened.values() == [("bed", "off")]
    assert len(listened.said) == 2 and all("left out and counted" in one for one in listened.said)
    assert listened.source.left_out.total() == 4


def test_a_table_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("when,what\n1,2\n")
    with pytest.raises(DataError, match=r"without entity_id and state and last_changed; Home Assistant's history panel"):
        Listened(BEGINNING, home(tmp_path)).next()


@settings(max_examples=25)
@given(st.lists(st.integers(0, 200), max_size=5))
def test_however_it_is_written_each_row_comes_once(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    folder = tmp_path_factory.mktemp("home")
    rows = "".join(row("bed", "on" if place % 2 else "off", f"06:00:0{place}") for place in range(6))
    path = folder / "history.csv"
    path.write_text(HEADER)
    known, listened, done = home(folder), None, 0
    found: list[tuple[str, str | None]] = []
    for cut in [*sorted(min(cut, len(rows)) for cut in cuts), len(rows)]:
        with path.open("a") as stream:
            stream.write(rows[done:cut])
        done = cut
        listened = Listened(BEGINNING, known, listened and listened.place)
        found += listened.values()
        listened.source.close()
    assert found == [("bed", "on" if place % 2 else "off") for place in range(6)]
