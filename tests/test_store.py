"""The store: what was added is there, whatever is torn off, and whoever else writes beside us."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from har_llm.store import GenerationStore, Record, canonical, digest

MODEL = {"id": "org/name", "revision": "abc", "dtype": "float32", "adapter": None}


def key(number: int) -> str:
    return digest({"number": number})


def record(number: int, text: str = "text") -> Record:
    return Record(key(number), text, "stop", 3, 4, 0.5, {"engine": "scripted"})


def filled(root: Path, *records: Record) -> GenerationStore:
    store = GenerationStore(root, MODEL)
    with store.writer() as writer:
        for one in records:
            writer.add(one)
    return GenerationStore(root, MODEL)


def shards(root: Path) -> list[Path]:
    return sorted(root.rglob("*.jsonl"))


def test_a_record_is_on_disk_when_add_returns(tmp_path: Path) -> None:
    store = GenerationStore(tmp_path, MODEL)
    with store.writer() as writer:
        writer.add(record(1))
        other = GenerationStore(tmp_path, MODEL)
        assert list(other.get_many([key(1)])) == [record(1)]
        assert list(other.keys()) == [key(1)]


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
    assert (key(1) in store, key(2) in store, store.torn_lines) == (True, False, 1)
    with store.writer() as writer:
        writer.add(record(2))
    assert list(GenerationStore(tmp_path, MODEL).get_many([key(2), key(1)])) == [record(2), record(1)]


def test_an_empty_shard_and_a_foreign_line_do_no_harm(tmp_path: Path) -> None:
    filled(tmp_path, record(1))
    folder = shards(tmp_path)[0].parent
    (folder / "empty.jsonl").touch()
    (folder / "foreign.jsonl").write_text(json.dumps({"something": "else"}) + "\n")
    store = GenerationStore(tmp_path, MODEL)
    assert (len(store), store.torn_lines) == (1, 1)


def test_two_records_under_one_key_have_one_winner_for_every_reader(tmp_path: Path) -> None:
    filled(tmp_path, record(1, "one"))
    filled(tmp_path, record(1, "two"))
    first = json.loads(shards(tmp_path)[0].read_text())["text"]
    assert {next(GenerationStore(tmp_path, MODEL).get_many([key(1)])).text for _ in range(3)} == {first}


def test_models_do_not_share_texts(tmp_path: Path) -> None:
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
