"""A release is found in folders and zip files alike; what is damaged, too large or points outside is not read."""

from __future__ import annotations

import dataclasses
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.data.datasets import archives
from tests.data.datasets.mural_files import (
    ANNOTATED,
    ANY_FILES,
    ROWS,
    csv_file,
    mural,
    one_fault,
    read,
    release,
    sensors_file,
    write_folder,
    write_zip,
)

# Zip files


def test_what_is_no_zip_file(tmp_path: Path) -> None:
    path = tmp_path / "MuRAL.zip"
    for content in (b"", b"<html>not found</html>", write_zip(tmp_path / "whole.zip").read_bytes()[:-40]):
        path.write_bytes(content)
        fault = one_fault(tmp_path)
        assert (fault.path, fault.line, fault.kind) == (str(path), None, "bad zip file")
        assert "download it again" in fault.message


def test_damaged_member(tmp_path: Path) -> None:
    path = tmp_path / "MuRAL.zip"
    with zipfile.ZipFile(path, "w") as archive:  # stored, so that a byte can be changed
        for name, content in release().items():
            archive.writestr(name, content)
    path.write_bytes(path.read_bytes().replace(b"hungry", b"hungrY"))
    fault = one_fault(tmp_path)
    assert (fault.path, fault.kind) == (str(path / "01" / "data.csv"), "bad zip file")


def test_too_large_member_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_JSON", 5000)
    path = write_zip(tmp_path / "MuRAL.zip", {**release(), "sensors.json": sensors_file() + b" " * 5_000_000})
    assert path.stat().st_size < 20_000
    fault = one_fault(tmp_path)
    assert (fault.path, fault.kind) == (str(path / "MuRAL" / "sensors.json"), "too large")
    assert "at most 5,000" in fault.message


def test_too_large_json_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_JSON", 600)
    write_folder(tmp_path / "mural")
    fault = one_fault(tmp_path)
    assert (Path(fault.path).name, fault.kind) == ("sensors.json", "unreadable") and "at most 600 are read" in fault.message


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "MuRAL.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("MuRAL\\01\\data.csv", csv_file(ROWS[:1]))
    fault = one_fault(tmp_path)
    assert (fault.path, fault.kind) == (str(path / "MuRAL" / "01" / "data.csv"), "member twice")


def test_a_pipe_in_place_of_a_zip_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "MuRAL.zip")
    assert "it is no regular file" in one_fault(tmp_path).message


@pytest.mark.slow
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_any_damage_to_a_zip_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, place: int, damage: bytes) -> None:
    path = write_zip(tmp_path_factory.mktemp("any") / "MuRAL.zip", ANY_FILES)
    raw = bytearray(path.read_bytes())
    place %= len(raw)
    raw[place : place + len(damage)] = damage
    path.write_bytes(raw)
    if not mural().faults(path.parent):
        mural().read(path.parent)


# Places


def test_folder_zip_and_inner_folder_are_the_same(tmp_path: Path) -> None:
    files = release({"01": ANNOTATED, "02": (ROWS[0], "", *ROWS[1:])})
    write_folder(tmp_path / "plain" / "mural", files)
    write_folder(tmp_path / "inner" / "mural" / "MuRAL", files)
    write_folder(tmp_path / "official" / "MuRAL", files)
    write_zip(tmp_path / "zip" / "MuRAL.zip", files)
    write_zip(tmp_path / "flat zip" / "MuRAL.zip", files, inner="")
    write_zip(tmp_path / "download" / "mural" / "MuRAL.zip", files)
    write_zip(tmp_path / "renamed" / "mural", files)
    found = [(place, mural().read(place)) for place in sorted(tmp_path.iterdir())]
    assert len(found) == 7
    for place, recordings in found:
        expected = found[0][1]
        assert dataclasses.replace(recordings, repairs=()) == dataclasses.replace(expected, repairs=())
        assert [notice[1:] for notice in recordings.repairs] == [notice[1:] for notice in expected.repairs]
        assert all(notice.path.startswith(str(place)) for notice in recordings.repairs)
        assert mural().faults(place) == []


@pytest.mark.parametrize("name", ["MuRAL.zip", "copy.zip", "unpacked"])
def test_folder_may_name_any_place(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write = write_zip if name.endswith(".zip") else write_folder
    path = write(tmp_path / name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for folder, data in ((name, tmp_path), (str(path), Path("nowhere")), (f"~/{name}", Path("nowhere")), (name, Path("~"))):
        assert len(mural(folder=folder).read(data).sessions) == 1


def test_context_and_floorplan_are_not_needed(tmp_path: Path) -> None:
    files = {name: content for name, content in release().items() if name.endswith((".csv", "s.json"))}
    assert sorted(files) == ["01/data.csv", "activities.json", "sensors.json"]
    assert read(tmp_path / "few", files) == read(tmp_path / "all")


def test_leavings_of_systems_are_no_fault(tmp_path: Path) -> None:
    files = {
        **release(),
        "__MACOSX/01/._data.csv": b"\xff",
        ".DS_Store": b"\xff",
        ".git/config": b"",
        "01/._data.csv": b"\xff",
    }
    write_folder(tmp_path / "a" / "mural", {**files, "README.txt": b"\xff"})
    path = write_zip(tmp_path / "b" / "MuRAL.zip", {**files, "01/": b""})
    assert mural().faults(tmp_path / "a") == mural().faults(path.parent) == []


def test_zip_with_backslashes_and_nothing_extracted(tmp_path: Path) -> None:
    write_zip(
        tmp_path / "MuRAL.zip", {name.replace("/", "\\"): content for name, content in release().items()}, inner="MuRAL\\"
    )
    assert len(mural().read(tmp_path).sessions) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["MuRAL.zip"]


def test_zip_that_points_outside_is_not_followed(tmp_path: Path) -> None:
    outside = {f"../{name}": content for name, content in release().items()}
    write_zip(tmp_path / "MuRAL.zip", {**release(), **outside, "/etc/passwd": b""}, inner="")
    assert len(mural().read(tmp_path).sessions) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["MuRAL.zip"]
