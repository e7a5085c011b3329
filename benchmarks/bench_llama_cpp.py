"""engine=llama_cpp against llama.cpp's own server: the same file, prompts and threads, one window after the other.

    HAR_LLM_DATA=DATA python benchmarks/bench_llama_cpp.py SERVER FILE.gguf [--windows 12] [--tokens 200] [--threads 1]

SERVER: the program llama-server. Both have loaded the model and answered the first window before the time begins, both keep
what prompts have in common, and both are asked greedily, in turns: a window by one, then by the other. Goal: at most 1.05
times the server's seconds. Texts are compared too.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from timing import ROOT, report

sys.path.insert(0, str(ROOT))

from har_llm.engines.base import LoadedModel, Request
from har_llm.engines.llama_cpp_config import LlamaCppEngineConfig
from har_llm.engines.worker import open_engine
from har_llm.runs.prepare import prepare
from tests.composing import experiment

START_S = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--windows", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    run = prepare(
        experiment(
            *("dataset=marble", "engine=llama_cpp", "prompt=direct", f"limit={arguments.windows}", "baselines=none"),
            *("model=custom", f"model.id={arguments.model.resolve()}", "model.thinking=false"),
            *("model.sampling.temperature=0", f"model.sampling.max_new_tokens={arguments.tokens}"),
        )
    )
    requests = sorted(run.requests, key=lambda one: -sum(len(message["content"]) for message in one.messages))
    config = LlamaCppEngineConfig(n_threads=arguments.threads)
    engine = open_engine(config, LoadedModel(str(arguments.model.resolve()), "model", "float32", None, False))
    taken: dict[str, list[float]] = {"ours": [], "theirs": []}
    same = 0
    with serving(arguments.server, arguments.model, arguments.threads) as url:
        for number, request in enumerate(requests):
            started = time.perf_counter()
            (ours,) = engine.generate([request])
            between = time.perf_counter()
            theirs = asked(url, request)
            ended = time.perf_counter()
            same += ours.text == theirs
            if number:  # the first makes the room that all need, and computes what all begin with
                taken["ours"].append(between - started)
                taken["theirs"].append(ended - between)
    engine.close()
    report(f"engine=llama_cpp, {len(requests) - 1} windows", sum(taken["ours"]), sum(taken["theirs"]), 1.05)
    ratios = median(own / its for own, its in zip(taken["ours"], taken["theirs"], strict=True))
    print(f"median of the windows' ratios: {ratios:.2f}; texts equal: {same} of {len(requests)}")


@contextmanager
def serving(server: Path, model: Path, threads: int) -> Iterator[str]:
    """The address of a server that has loaded the model."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(server), "-m", str(model), "--port", str(port), "-t", str(threads), "-np", "1", "-c", "4096"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1/chat/completions"
    finally:
        process.terminate()
        process.wait()


def asked(url: str, request: Request) -> str:
    sampling = request.decoding.sampling
    body: dict[str, Any] = {
        "messages": [dict(message) for message in request.messages],
        "temperature": 0,
        "max_tokens": sampling.max_new_tokens,
        "cache_prompt": True,
        "chat_template_kwargs": dict(request.decoding.template_options),
    }
    posted = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(posted, timeout=600) as answer:
        content: str = json.load(answer)["choices"][0]["message"]["content"]
    return content


if __name__ == "__main__":
    main()
