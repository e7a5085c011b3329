"""The server engine with llama.cpp's own server, where HAR_LLM_LLAMA_SERVER names it: plain, structured, with reasoning."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from har_llm.common.errors import EngineError
from har_llm.engines.base import Generation, LoadedModel, Request
from har_llm.engines.openai_config import OpenaiEngineConfig
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.worker import open_engine
from har_llm.runs.prepare import prepare
from har_llm.runs.run import PreparedRun
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import parse
from tests.composing import experiment
from tests.gguf_files import student, write_gguf

SERVER = os.environ.get("HAR_LLM_LLAMA_SERVER")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        SERVER is None or importlib.util.find_spec("gguf") is None,
        reason="HAR_LLM_LLAMA_SERVER names no llama-server, or the package gguf is not installed",
    ),
]
NAME = "student"
START_S = 120


class Server(NamedTuple):
    url: str
    folder: Path
    """The same model as a folder, with tokens of single digits, as the file says it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("llama")
    file, folder = write_gguf(place / "student.gguf"), shutil.copytree(student(), place / "student")
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace("N}{1,2}", "N}"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(SERVER), "-m", str(file), "--port", str(port), "--alias", NAME, "-t", "1", "-np", "2", "-c", "4096"]
    with (place / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, place / "log")
        yield Server(f"http://127.0.0.1:{port}/v1", folder)
    finally:
        process.kill()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")


def prepared(server: Server, *overrides: str) -> PreparedRun:
    asked = ("model=tiny_student", "limit=3", "engine=openai", f"engine.base_url={server.url}", f"model.id={NAME}")
    return prepare(experiment(*asked, "model.sampling.max_new_tokens=400", *overrides))


def generated(server: Server, requests: Sequence[Request], **settings: Any) -> list[Generation]:
    model = LoadedModel("", NAME, "float32", None, False)
    engine = open_engine(OpenaiEngineConfig(base_url=server.url, max_retries=0, **settings), model)
    made = {one.key: one for one in engine.generate(requests)}
    return [made[request.key] for request in requests]


@pytest.mark.parametrize("thinking", [True, False])
def test_the_texts_are_those_of_transformers(server: Server, thinking: bool) -> None:
    run = prepared(server, f"model.thinking={thinking}")
    model = LoadedModel(str(server.folder), NAME, "float32", None, False)
    engine = open_engine(TransformersEngineConfig(device="cpu"), model)
    theirs = {one.key: one.text for one in engine.generate(run.requests)}
    engine.close()
    made = generated(server, run.requests)
    assert [one.text for one in made] == [theirs[one.key] for one in made]
    assert all(one.served_by == NAME and one.finish_reason == "stop" for one in made)
    assert any(one.cached_tokens for one in generated(server, run.requests, concurrency=1))


@pytest.mark.parametrize(
    ("thinking", "extensions"), [(False, True), (True, False)], ids=["at once, by grammar", "after reasoning, by schema"]
)
def test_structured_answers_have_the_form(server: Server, thinking: bool, extensions: bool) -> None:
    run = prepared(server, "decoding=structured", f"model.thinking={thinking}")
    for one, prompt in zip(generated(server, run.requests, extensions=extensions), run.prompts, strict=True):
        asked = Asked(prompt.ids, Labels(run.recordings.home.activities))
        read = parse(one.text, one.finish_reason, asked, thinking=thinking)
        assert bool(read.reasoning) is thinking
        assert all(prediction.activity is not None for prediction in read.strict)


def test_a_form_that_it_ignores_is_noticed(server: Server) -> None:
    requests = prepared(server, "decoding=structured", "model.thinking=true").requests
    with pytest.raises(EngineError, match=r"which the server seems to ignore; try the other value of engine\.extensions"):
        generated(server, requests)
