"""The worker process, shown with the scripted engine: answers, errors, deaths."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from har_llm.common.errors import ConfigError, EngineError
from har_llm.engines.base import Decoding, LoadedModel, Request
from har_llm.engines.scripted import ScriptedEngineConfig, read_rules
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.worker import WorkerEngine, description, open_engine
from har_llm.models.config import Sampling

MODEL = LoadedModel("nowhere", "tiny", "float32", None, False)
DECODING = Decoding(Sampling(), {"enable_thinking": True})


def request(number: int, text: str = "hello") -> Request:
    return Request(f"key{number}", ({"role": "user", "content": text},), number, DECODING)


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
        assert engine.about["engine"] == "ScriptedEngine"
        assert list(engine.generate([])) == []
        assert [one.key for one in engine.generate([request(4)])] == ["key4"]
    finally:
        engine.close()
        engine.close()


def test_an_engine_names_itself_and_its_hardware() -> None:
    engine = open_engine(ScriptedEngineConfig(), MODEL)
    described = description(engine, runs_model=True)
    assert described["engine"] == "ScriptedEngine"
    assert described["hardware"] and "torch" in described["versions"]


def test_of_a_model_that_runs_elsewhere_the_hardware_is_not_known() -> None:
    described = description(open_engine(ScriptedEngineConfig(), MODEL), runs_model=False)
    assert described["hardware"] is None and "torch" not in described["versions"]


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


def test_each_generation_comes_as_soon_as_it_is_finished() -> None:
    engine = WorkerEngine(ScriptedEngineConfig(delay_s=0.4), MODEL)
    try:
        assert engine.about
        started = time.monotonic()
        stream = engine.generate([request(number) for number in range(4)])
        next(stream)
        assert time.monotonic() - started < 1.2
    finally:
        engine.close()


def test_a_model_that_cannot_be_loaded_is_one_sentence(tmp_path: Path) -> None:
    model = LoadedModel(str(tmp_path), "tiny", "float32", None, False)
    engine = WorkerEngine(TransformersEngineConfig(device="cpu"), model)
    try:
        with pytest.raises(EngineError, match=r"The tokenizer in .* cannot be loaded: "):
            list(engine.generate([request(1)]))
    finally:
        engine.close()


def test_a_killed_worker_is_one_sentence_and_closing_is_safe() -> None:
    engine = WorkerEngine(ScriptedEngineConfig(delay_s=30), MODEL)
    assert engine.about
    stream = engine.generate([request(1)])
    os.kill(engine._process.pid, signal.SIGKILL)
    with pytest.raises(EngineError, match=r"was killed by signal 9 .* run the same command again"):
        next(stream)
    engine.close()


def test_the_error_of_a_worker_that_raises_shows_the_end_of_its_log() -> None:
    engine = WorkerEngine(Broken(), MODEL)
    try:
        with pytest.raises(EngineError, match=r"ended with exit code 1.*\n(.*\n)*.*ZeroDivisionError"):
            assert engine.about
    finally:
        engine.close()


class Broken(ScriptedEngineConfig):
    engine_class = f"{__name__}.BrokenEngine"


class BrokenEngine:
    def __init__(self, config: ScriptedEngineConfig, model: LoadedModel):
        raise ZeroDivisionError


def test_the_worker_ends_with_its_caller(tmp_path: Path) -> None:
    code = """
import sys, time
from har_llm.engines.scripted import ScriptedEngineConfig
from har_llm.engines.worker import WorkerEngine, description, open_engine
from tests.engines.test_scripted_worker import MODEL, request
engine = WorkerEngine(ScriptedEngineConfig(delay_s=60), MODEL)
assert engine.about
stream = engine.generate([request(1)])
print(engine._process.pid, flush=True)
next(stream)
"""
    root = Path(__file__).resolve().parents[2]
    caller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root)
    assert caller.stdout is not None
    worker = psutil.Process(int(caller.stdout.readline()))
    caller.kill()
    caller.wait()
    worker.wait(timeout=20)
    assert not worker.is_running()


@pytest.mark.parametrize("line", ["{", '{"text": "a"}', '{"contains": 1, "text": "a", "more": 2}', "[1]"])
def test_a_wrong_script_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text('{"contains": "a", "text": "b"}\n' + line + "\n")
    with pytest.raises(ConfigError, match=r"script\.jsonl:2: not of the form"):
        ScriptedEngineConfig(path=str(path)).check()


def test_a_missing_script_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        ScriptedEngineConfig(path=str(tmp_path / "none")).check()


def test_a_script_is_part_of_what_makes_a_text(tmp_path: Path) -> None:
    one = ScriptedEngineConfig(path=script(tmp_path, {"contains": "a", "text": "b"})).identity()
    two = ScriptedEngineConfig(path=script(tmp_path, {"contains": "a", "text": "c"})).identity()
    assert one != two
    assert ScriptedEngineConfig(delay_s=1).identity() == ScriptedEngineConfig().identity()
    assert TransformersEngineConfig(batch_size=1).identity() == {}
