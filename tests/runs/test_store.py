"""The store: what was added is there, whatever is torn off, and whichever process writes beside us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from har_llm.common.digest import canonical, digest
from har_llm.common.errors import MissingError
from har_llm.common.files import bounded_lines, open_bounded
from har_llm.runs import store as store_module
from har_llm.runs.store import GenerationStore, Record, ShardWriter, generations_folder
from tests.helpers import ROOT

MODEL = {"id": "org/name", "revision": "abc", "dtype": "float32", "adapter": None}


def key(number: int) -> str:
    return digest({"number": number})


def record(number: int, text: str = "text") -> Record:
    return Record(key(number), text, "stop", 3, 4, 0.5, {"engine": "scripted"})


def filled(root: Path, *records: Record) -> GenerationStore:
    with ShardWriter(generations_folder(root, MODEL)) as writer:
        for one in records:
            writer.add(one)
    return GenerationStore(root, MODEL)


def shards(root: Path) -> list[Path]:
    return sorted(root.rglob("*.jsonl"))


def test_a_record_is_on_disk_when_add_returns(tmp_path: Path) -> None:
    with ShardWriter(generations_folder(tmp_path, MODEL)) as writer:
        writer.add(record(1))
        other = GenerationStore(tmp_path, MODEL)
        assert list(other.get_many([key(1)])) == [record(1)]
        assert list(other.keys()) == [key(1)]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_record_is_synced_before_add_returns_or_with_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    synced: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append((os.fstat(handle).st_ino, os.fstat(handle).st_size)))
    with ShardWriter(generations_folder(tmp_path, MODEL), at_once=at_once) as writer:
        writer.add(record(1))
        state = shards(tmp_path)[0].stat()
        assert ((state.st_ino, state.st_size) in synced) == at_once
        assert state.st_ino in {inode for inode, _ in synced} or not at_once
        assert shards(tmp_path)[0].parent.stat().st_ino in {inode for inode, _ in synced}, "its name is on disk too"
    assert (state.st_ino, state.st_size) in synced


@given(text=st.text(st.characters(), max_size=200))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    root = tmp_path / digest(text)[:8]
    filled(root, record(1, text))
    assert next(GenerationStore(root, MODEL).get_many([key(1)])).text == text


def test_lone_surrogates_and_line_separators_survive(tmp_path: Path) -> None:
    text = "\ud800 \u2028 \x85 \r\n \x00 end"
    filled(tmp_path, record(1, text))
    assert next(GenerationStore(tmp_path, MODEL).get_many([key(1)])).text == text


@pytest.mark.parametrize("cut", [1, 2, 10, 60])
def test_a_torn_last_line_is_owed_again(tmp_path: Path, cut: int) -> None:
    filled(tmp_path, record(1), record(2))
    shard = shards(tmp_path)[0]
    os.truncate(shard, shard.stat().st_size - cut)
    store = GenerationStore(tmp_path, MODEL)
    assert (key(1) in store, key(2) in store) == (True, False)
    assert list(filled(tmp_path, record(2)).get_many([key(2), key(1)])) == [record(2), record(1)]


def test_a_last_line_that_no_kill_leaves_is_told(tmp_path: Path) -> None:
    filled(tmp_path, record(1), record(2))
    shard = shards(tmp_path)[0]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-10])
    assert not GenerationStore(tmp_path, MODEL).faults
    for damaged in (whole + bytes(100), whole[:-10] + bytes(10), whole[:-90] + bytes(4096)):
        shard.write_bytes(damaged)
        assert list(GenerationStore(tmp_path, MODEL).faults) == [shard]
    shard.write_bytes(bytes(len(whole)))
    store = GenerationStore(tmp_path, MODEL)
    assert not [*store.keys()] and "has a damaged line at byte 0" in store.faults[shard]


def test_a_line_that_grows_while_it_is_read_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path, record(1), record(2))
    shard = shards(tmp_path)[0]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-10])

    def while_it_is_written(stream: BinaryIO) -> Iterator[bytes]:
        for line in bounded_lines(stream):
            yield line
            shard.write_bytes(whole)

    with monkeypatch.context() as patched:
        patched.setattr(store_module, "bounded_lines", while_it_is_written)
        store = GenerationStore(tmp_path, MODEL)
    store.refresh()
    assert (len(store), store.faults) == (2, {})


def test_an_empty_shard_and_a_foreign_line_do_no_harm(tmp_path: Path) -> None:
    filled(tmp_path, record(1))
    folder = shards(tmp_path)[0].parent
    (folder / "empty.jsonl").touch()
    (folder / "foreign.jsonl").write_text(json.dumps({"something": "else"}) + "\n")
    store = GenerationStore(tmp_path, MODEL)
    assert len(store) == 1


def in_place(shard: Path, change: Callable[[bytes], bytes], line: int = 0) -> None:
    """Change a line of a shard."""
    lines = shard.read_bytes().splitlines(keepends=True)
    lines[line] = change(lines[line])
    shard.write_bytes(b"".join(lines))


DAMAGES: Mapping[str, Callable[[bytes], bytes]] = {
    "another text": lambda line: line.replace(b'"text": "text"', b'"text": "test"'),
    "bad JSON": lambda line: line.replace(b'"text": "', b'"text": '),
    "a hole": lambda line: line[:90] + bytes(40) + line[130:],
    "a hole over its key": lambda line: bytes(90) + line[90:],
    "a newer version's field": lambda line: line.replace(b', "text"', b', "of_a_newer_version": 1, "text"'),
    "a newer version": lambda line: line.replace(b'"format": 2', b'"format": 3'),
    "another key": lambda line: line.replace(key(1).encode(), key(3).encode()),
    "no UTF-8": lambda line: line.replace(b"text", b"te\xffxt"),
    "no digest": lambda line: line[: line.index(b', "digest"')] + b"}\n",
}


def test_a_hole_over_the_end_of_a_record_takes_the_next_one_along(tmp_path: Path) -> None:
    filled(tmp_path, record(1), record(2), record(3))
    in_place(shards(tmp_path)[0], lambda line: line[:-40] + bytes(40))
    store = GenerationStore(tmp_path, MODEL)
    assert list(store.keys()) == [key(3)] and len(store.faults) == 1


def test_a_hole_of_gigabytes_is_not_read_to_its_end(tmp_path: Path) -> None:
    filled(tmp_path, record(1), record(2))
    (shard,) = shards(tmp_path)
    os.truncate(shard, 2**36)
    store = GenerationStore(tmp_path, MODEL)
    assert list(store.get_many([key(1), key(2)])) == [record(1), record(2)] and len(store) == 2
    assert "has a damaged line" in store.faults[shard]


def test_what_stands_behind_a_long_hole_is_found(tmp_path: Path) -> None:
    filled(tmp_path, record(1), record(2), record(3))
    (shard,) = shards(tmp_path)
    first, *others = shard.read_bytes().splitlines(keepends=True)
    with shard.open("r+b") as stream:
        stream.truncate(len(first))
        stream.seek(len(first) + 2**36 + 1000)
        stream.write(b"".join([b"\n", *others]))
    store = GenerationStore(tmp_path, MODEL)
    assert list(store.get_many(map(key, (1, 2, 3)))) == [record(1), record(2), record(3)]
    assert "has a damaged line" in store.faults[shard]


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_record_is_told_and_owed_again(tmp_path: Path, how: str) -> None:
    filled(tmp_path, record(1), record(2))
    (shard,) = shards(tmp_path)
    in_place(shard, DAMAGES[how])
    store = GenerationStore(tmp_path, MODEL)
    assert "has a damaged line at byte 0" in store.faults[shard], "also of a record that nobody asks for"
    assert [key(number) in store for number in (1, 2, 3)] == [False, True, False]
    assert list(store.get_many([key(2)])) == [record(2)]
    with pytest.raises(KeyError):
        list(store.get_many([key(1)]))
    assert list(store.faults) == [shard] and "has a damaged line at byte 0; such lines are ignored" in store.faults[shard]
    again = filled(tmp_path, record(1))
    assert list(again.get_many([key(1), key(2)])) == [record(1), record(2)] and len(again) == 2


def test_a_whole_record_of_another_shard_takes_the_place_of_a_damaged_one(tmp_path: Path) -> None:
    for text in ("one", "two", "three"):
        filled(tmp_path, record(1, text))
    first, second, third = (json.loads(shard.read_text())["text"] for shard in shards(tmp_path))
    in_place(shards(tmp_path)[0], lambda line: line.replace(first.encode(), b"x"))
    assert next(GenerationStore(tmp_path, MODEL).get_many([key(1)])).text == second
    in_place(shards(tmp_path)[1], lambda line: line.replace(second.encode(), b"x"))
    assert next(GenerationStore(tmp_path, MODEL).get_many([key(1)])).text == third


def test_what_is_no_readable_file_among_the_shards_is_told_and_skipped(tmp_path: Path) -> None:
    filled(tmp_path, record(1))
    folder = shards(tmp_path)[0].parent
    (folder / "folder.jsonl").mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    for name, target in (("dangling", "nowhere"), ("itself", "itself.jsonl"), ("endless", "/dev/zero")):
        (folder / f"{name}.jsonl").symlink_to(target)
    store = GenerationStore(tmp_path, MODEL)
    assert list(store.get_many([key(1)])) == [record(1)]
    assert {shard.stem: fault for shard, fault in store.faults.items()} == {
        "folder": "cannot be read (Is a directory), and is ignored",
        "pipe": "cannot be read (it is no regular file), and is ignored",
        "dangling": "cannot be read (No such file or directory), and is ignored",
        "itself": "cannot be read (Too many levels of symbolic links), and is ignored",
        "endless": "cannot be read (it is no regular file), and is ignored",
    }


def test_a_link_to_a_shard_is_read(tmp_path: Path) -> None:
    filled(tmp_path, record(1))
    (shard,) = shards(tmp_path)
    shard.rename(tmp_path / "other")
    shard.symlink_to(tmp_path / "other")
    assert list(GenerationStore(tmp_path, MODEL).get_many([key(1)])) == [record(1)]


def test_two_records_under_one_key_have_one_winner_for_every_reader(tmp_path: Path) -> None:
    filled(tmp_path, record(1, "one"))
    filled(tmp_path, record(1, "two"))
    first = json.loads(shards(tmp_path)[0].read_text())["text"]
    assert {next(GenerationStore(tmp_path, MODEL).get_many([key(1)])).text for _ in range(3)} == {first}


def test_models_do_not_share_generations(tmp_path: Path) -> None:
    filled(tmp_path, record(1))
    assert key(1) not in GenerationStore(tmp_path, {**MODEL, "dtype": "bfloat16"})
    assert key(1) not in GenerationStore(tmp_path, {**MODEL, "id": "../../elsewhere"})
    filled(tmp_path / "a", record(1))
    assert not list(tmp_path.parent.rglob("elsewhere*"))


def test_a_writer_that_writes_nothing_leaves_no_file(tmp_path: Path) -> None:
    filled(tmp_path)
    assert not shards(tmp_path)


def test_unknown_keys_raise(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        list(GenerationStore(tmp_path, MODEL).get_many([key(1)]))


def test_digests_do_not_depend_on_the_order_of_keys() -> None:
    assert canonical({"b": 1, "a": [1, 2]}) == canonical({"a": [1, 2], "b": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})


WRITER = """
import sys
from pathlib import Path
from har_llm.runs.store import Record, ShardWriter, generations_folder
from tests.runs.test_store import MODEL, key
name, count = sys.argv[2], int(sys.argv[3])
with ShardWriter(generations_folder(Path(sys.argv[1]), MODEL)) as writer:
    sys.stdin.readline()  # all begin together
    for number in range(count):
        writer.add(Record(key(number), name * 3000, "stop", 3, 4, 0.5, {"engine": name}))
        print(number, flush=True)
"""


def writers(root: Path, count: int, *names: str) -> list[subprocess.Popen[str]]:
    """Processes that write the same `count` keys, each with generations of its own, once they are told to."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root), name, str(count)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]


def told_to_begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


READER = """
import sys
from pathlib import Path
from har_llm.common.digest import digest
from har_llm.runs.store import GenerationStore
from tests.runs.test_store import MODEL, key
store = GenerationStore(Path(sys.argv[1]), MODEL)
print(digest([record._asdict() for record in store.get_many(key(number) for number in range(int(sys.argv[2])))]))
"""


@pytest.mark.slow
def test_processes_that_write_the_same_keys_at_once_lose_and_tear_nothing(tmp_path: Path) -> None:
    processes = writers(tmp_path, 200, "a", "b", "c")
    for process in processes:
        told_to_begin(process)
    while any(process.poll() is None for process in processes):
        store = GenerationStore(tmp_path, MODEL)  # while they write: what it knows is whole
        for record in store.get_many(store.keys()):
            assert len(set(record.text)) <= 1 and len(record.text) == 3000
    assert [process.returncode for process in processes] == [0, 0, 0]
    store = GenerationStore(tmp_path, MODEL)
    assert len(store) == 200
    assert sum(len(shard.read_bytes().splitlines()) for shard in shards(tmp_path)) == 600
    assert len({record.text[0] for record in store.get_many(store.keys())}) == 1, "all of the first shard"
    seen = [
        subprocess.run(
            [sys.executable, "-c", READER, str(tmp_path), "200"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    assert seen[0].stdout == seen[1].stdout != ""


def test_a_writer_that_is_killed_loses_its_last_line_at_most(tmp_path: Path) -> None:
    (process,) = writers(tmp_path, 100_000, "a")
    told_to_begin(process)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(50)]
    process.kill()
    said += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    process.wait()
    store = GenerationStore(tmp_path, MODEL)
    assert len(said) <= len(store) <= len(said) + 1, "what was said to be kept is kept"
    assert [record.text for record in store.get_many(key(number) for number in said)] == ["a" * 3000] * len(said)


@given(cut=st.integers(1, 3100))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wherever_a_line_is_torn_the_others_are_whole_and_the_next_writer_goes_on(tmp_path: Path, cut: int) -> None:
    root = Path(tempfile.mkdtemp(dir=tmp_path))
    filled(root, record(1), record(2, "b" * 3000), record(3, "c" * 3000))
    (shard,) = shards(root)
    os.truncate(shard, shard.stat().st_size - cut)
    again = filled(root, record(3, "d" * 3000), record(2, "e" * 3000))
    assert next(again.get_many([key(1)])) == record(1)
    assert next(again.get_many([key(3)])) == record(3, "d" * 3000)
    assert len(again) == 3


def test_a_generation_that_cannot_be_stored_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "generations").touch()
    with pytest.raises(MissingError, match=r"cannot be stored in .* \(Not a directory\)\. Earlier ones are kept"):
        filled(tmp_path, record(1))


def test_a_full_disk_is_one_sentence_and_what_was_kept_stays(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from har_llm.common.errors import MissingError
from har_llm.runs.store import ShardWriter, generations_folder
from tests.runs.test_store import MODEL, record
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    with ShardWriter(generations_folder(Path(sys.argv[1]), MODEL)) as writer:
        for number in range(9):
            writer.add(record(number, "x" * 1500))
except MissingError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "A generation cannot be stored" in done.stdout and "(File too large)" in done.stdout and not done.stderr
    store = GenerationStore(tmp_path, MODEL)
    assert len(store) == 2


def test_refreshing_reads_only_what_was_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, before, read = filled(tmp_path, record(1)), shards(tmp_path), list[Path]()

    def counted(path: Path, **named: Any) -> Any:
        read.append(path)
        return open_bounded(path, **named)

    monkeypatch.setattr("har_llm.runs.store.open_bounded", counted)
    store.refresh()
    assert not read
    with ShardWriter(generations_folder(tmp_path, MODEL)) as writer:
        for number in (2, 3):
            writer.add(record(number))
            store.refresh()
            assert key(number) in store and list(store.get_many([key(1), key(number)]))[1] == record(number)
    assert not {*before} & {*read[:1]} and store.faults == {}


def test_a_record_that_is_damaged_while_a_command_runs_is_told_and_owed_again(tmp_path: Path) -> None:
    store = filled(tmp_path, record(1))
    (shard,) = shards(tmp_path)
    in_place(shard, DAMAGES["another text"])
    store.refresh()
    assert key(1) not in store and "has a damaged line" in store.faults[shard]


def test_a_torn_line_is_read_again_when_it_is_whole(tmp_path: Path) -> None:
    filled(tmp_path, record(1))
    (shard,) = shards(tmp_path)
    line = shard.read_bytes()
    shard.write_bytes(line[:-9])
    store = GenerationStore(tmp_path, MODEL)
    assert key(1) not in store
    shard.write_bytes(line)
    store.refresh()
    assert key(1) in store


def test_of_two_records_the_first_shards_counts_in_whatever_order_they_are_found(tmp_path: Path) -> None:
    store = filled(tmp_path, record(1, "later"))
    (shard,) = shards(tmp_path)
    other = filled(tmp_path / "other", record(1, "earlier"))
    assert key(1) in other
    shards(tmp_path / "other")[0].rename(shard.with_name("0.jsonl"))
    store.refresh()
    assert next(store.get_many([key(1)])).text == next(GenerationStore(tmp_path, MODEL).get_many([key(1)])).text == "earlier"
