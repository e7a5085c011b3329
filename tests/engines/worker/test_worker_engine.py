"""One worker process, tested with the scripted engine: errors, crashes, generations as they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from har_llm.common.errors import EngineError
from har_llm.engines.base import LoadedModel
from har_llm.engines.scripted import ScriptedEngineConfig
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.worker import WorkerEngine, description
from tests.engines.scripted_requests import MODEL, request
from tests.helpers import ROOT

pytestmark = pytest.mark.slow


def test_an_engine_names_itself_and_its_hardware() -> None:
    described = description(TransformersEngineConfig())
    assert described["engine"] == "Transformers"
    assert described["hardware"] and "torch" in described["versions"]


def test_of_a_model_that_runs_elsewhere_the_hardware_is_not_known() -> None:
    described = description(ScriptedEngineConfig())
    assert described["hardware"] is None and "torch" not in described["versions"]


def test_each_generation_comes_as_soon_as_it_is_finished() -> None:
    engine = WorkerEngine(ScriptedEngineConfig(delay_s=0.4), MODEL)
    try:
        assert engine.about
        started = time.monotonic()
        stream = engine.generate([request(number) for number in range(4)])
        next(stream)
        first = time.monotonic() - started
        assert len(list(stream)) == 3
        assert first < 0.6 * (time.monotonic() - started)
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
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(EngineError, match=r"was killed by signal 9 .* run the same command again"):
        next(stream)
    engine.close()


def test_an_error_of_a_library_in_a_worker_is_one_sentence() -> None:
    engine = WorkerEngine(Broken(), MODEL)
    try:
        with pytest.raises(EngineError, match=r"The engine's process failed with ZeroDivisionError in tests\. .*log"):
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
from har_llm.engines.worker import WorkerEngine
from tests.engines.scripted_requests import MODEL, request
engine = WorkerEngine(ScriptedEngineConfig(delay_s=60), MODEL)
assert engine.about
stream = engine.generate([request(1)])
print(engine.pid, flush=True)
next(stream)
"""
    caller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert caller.stdout is not None
    worker = psutil.Process(int(caller.stdout.readline()))
    caller.kill()
    caller.wait()
    worker.wait(timeout=20)
    assert not worker.is_running()
