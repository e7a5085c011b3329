"""The scripted engine: its answers, and scripts that are refused by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError
from har_llm.engines.scripted import ScriptedEngineConfig, read_rules
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.worker import WorkerEngine
from tests.engines.scripted_requests import MODEL, request


def script(tmp_path: Path, *rules: dict[str, str]) -> str:
    path = tmp_path / "script.jsonl"
    path.write_text("".join(json.dumps(rule) + "\n" for rule in rules))
    return str(path)


def test_answers_come_back_with_their_keys(tmp_path: Path) -> None:
    path = script(
        tmp_path,
        {"contains": "fridge", "text": "cold \ud800 ✓"},
        {"contains": "stove", "text": "hot", "finish_reason": "length"},
    )
    engine = WorkerEngine(ScriptedEngineConfig(path=path, text="nothing"), MODEL)
    try:
        made = list(engine.generate([request(1, "the stove"), request(2, "the fridge"), request(3)]))
        assert [(one.key, one.text, one.finish_reason) for one in made] == [
            ("key1", "hot", "length"),
            ("key2", "cold \ud800 ✓", "stop"),
            ("key3", "nothing", "stop"),
        ]
        assert engine.about["engine"] == "Scripted"
        assert list(engine.generate([])) == []
        assert [one.key for one in engine.generate([request(4)])] == ["key4"]
    finally:
        engine.close()
        engine.close()


@pytest.mark.parametrize(
    "row",
    ['{"contains": "a", "text": 5}', '{"contains": null, "text": "b"}', '{"contains": "a"}', '["a", "b"]', "", "[" * 99999],
)
def test_a_row_that_is_no_rule_is_named(tmp_path: Path, row: str) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text(f'{{"contains": "a", "text": "b"}}\n{row}\n')
    with pytest.raises(ConfigError, match=r"script\.jsonl:2: not of the form"):
        ScriptedEngineConfig(path=str(path)).check()


@pytest.mark.parametrize("reason", ['"soon"', "[]", "{}", "null"])
def test_a_row_that_ends_otherwise_is_named(tmp_path: Path, reason: str) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text(f'{{"contains": "a", "text": "b", "finish_reason": {reason}}}')
    with pytest.raises(ConfigError, match=r"script\.jsonl:1: finish_reason is .*; it must be one of"):
        ScriptedEngineConfig(path=str(path)).check()


def test_only_line_feeds_end_a_row(tmp_path: Path) -> None:
    path = tmp_path / "script.jsonl"
    path.write_bytes('{"contains": "a", "text": "one\u2028two\x85"}\r\n{"contains": "b", "text": "c"}'.encode())
    assert [rule.text for rule in read_rules(str(path))] == ["one\u2028two\x85", "c"]
    path.write_bytes(b"")
    assert read_rules(str(path)) == []


@pytest.mark.parametrize("path", ["~nobody_here/script.jsonl", "a\0b", "nowhere.jsonl"])
def test_a_script_that_cannot_be_read_is_named(path: str) -> None:
    with pytest.raises(ConfigError, match=r"engine\.path is .*cannot be read"):
        ScriptedEngineConfig(path=path).check()


@pytest.mark.parametrize("line", ["{", '{"text": "a"}', '{"contains": 1, "text": "a", "more": 2}', "[1]"])
def test_a_wrong_script_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text('{"contains": "a", "text": "b"}\n' + line + "\n")
    with pytest.raises(ConfigError, match=r"script\.jsonl:2: not of the form"):
        ScriptedEngineConfig(path=str(path)).check()


def test_a_missing_script_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        ScriptedEngineConfig(path=str(tmp_path / "none")).check()


def test_a_script_is_part_of_a_generations_key(tmp_path: Path) -> None:
    one = ScriptedEngineConfig(path=script(tmp_path, {"contains": "a", "text": "b"})).identity()
    two = ScriptedEngineConfig(path=script(tmp_path, {"contains": "a", "text": "c"})).identity()
    assert one != two
    assert ScriptedEngineConfig(delay_s=1).identity() == ScriptedEngineConfig().identity()
    assert TransformersEngineConfig(batch_size=1).identity() == {}
