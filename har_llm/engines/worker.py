"""An engine in a process of its own, so that all its memory is given back when it ends and its death is not ours.

The two processes speak JSON lines over the worker's standard input and output: no pickle, and no copy of the caller's
main module. What libraries print goes to a log, whose last lines explain a death.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from har_llm.engines.base import Adapter, Decoding, EngineConfig, Generation, LoadedModel, Request
from har_llm.errors import EngineError, HarError
from har_llm.models import Sampling

LOG_LINES = 12


class WorkerEngine:
    """The engine of `config`, loaded with `model` in a spawned process; itself an Engine."""

    def __init__(self, config: EngineConfig, model: LoadedModel, environment: Mapping[str, str] | None = None):
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed by close)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "har_llm.engines.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="ascii",
            env={**_environment(), **(environment or {})},
            # Ctrl-C reaches every process of the terminal's group; only the caller decides what it means. And what the
            # engine itself starts (vLLM, a process for each GPU) ends with this group.
            start_new_session=True,
        )
        target = f"{type(config).__module__}.{type(config).__qualname__}"
        self._send({"target": target, "config": dataclasses.asdict(config), "model": dataclasses.asdict(model)})  # type: ignore[call-overload]
        self._about: Mapping[str, Any] | None = None

    @property
    def about(self) -> Mapping[str, Any]:
        """Engine, versions and hardware, once the model is loaded (this waits for it). Raises EngineError."""
        if self._about is None:
            self._about = self._receive()["about"]
        return self._about

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        if not requests:
            return
        assert self.about is not None
        self._send({"requests": [_plain(request) for request in requests]})
        for _ in requests:
            yield Generation(**self._receive()["generation"])

    def close(self) -> None:
        _end_group(self._process.pid)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                with contextlib.suppress(OSError):  # unsent bytes for a process that is gone
                    stream.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message, ensure_ascii=True) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise EngineError(self._death()) from None

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise EngineError(self._death())
        message: dict[str, Any] = json.loads(line)
        if "error" in message:
            raise EngineError(message["error"])
        return message

    def _death(self) -> str:
        code = self._process.wait()
        _end_group(self._process.pid)
        how = (
            f"was killed by signal {-code} (9 often means that memory ran out)"
            if code < 0
            else f"ended with exit code {code}"
        )
        self._log.seek(0)
        last = "".join(f"\n  {line.rstrip()}" for line in self._log.readlines()[-LOG_LINES:])
        words = f" Its last words:{last}" if last else ""
        return f"The engine's process {how}. What was finished is kept; run the same command again to go on.{words}"


def _end_group(leader: int) -> None:
    """Kill what is left of a worker: the process itself, and what it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """The caller's, with its import path. Threads that wait by spinning for long starve each other on a busy machine."""
    own_defaults = {"GOMP_SPINCOUNT": "10000", "TOKENIZERS_PARALLELISM": "false"}
    return {**own_defaults, **os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def main() -> None:
    """The worker's side: load the engine that the first line names, then answer every further line."""
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # whatever libraries print must not mix with the answers
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(sys.stdin, lines), daemon=True).start()
    try:
        engine, about = _open(json.loads(lines.get()))
        _reply(out, {"about": about})
        while True:
            requests = [_request(item) for item in json.loads(lines.get())["requests"]]
            for generation in engine.generate(requests):
                _reply(out, {"generation": generation._asdict()})
    except HarError as error:
        _reply(out, {"error": str(error)})


def _read(stream: IO[str], lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line)
    # The caller is gone; whatever is being generated is of no use to anyone.
    _end_group(os.getpid())
    os._exit(1)  # where this process leads no group


def _open(message: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    from har_llm.environment import describe_engine

    module, _, name = message["target"].rpartition(".")
    cls = getattr(importlib.import_module(module), name)
    config = cls(**message["config"])
    engine = config.open(LoadedModel(**message["model"]))
    return engine, {**describe_engine(message["target"], runs_model=config.needs_model()), **config.about()}


def _plain(request: Request) -> dict[str, Any]:
    """A request as JSON values."""
    decoding = {**request.decoding._asdict(), "sampling": dataclasses.asdict(request.decoding.sampling)}
    adapter = None if request.adapter is None else request.adapter._asdict()
    return {**request._asdict(), "decoding": decoding, "adapter": adapter}


def _request(item: Mapping[str, Any]) -> Request:
    """What `_plain` made, as a request again."""
    drawn = item["decoding"]
    repetitions = None if drawn["repetitions"] is None else tuple(drawn["repetitions"])
    decoding = Decoding(**{**drawn, "sampling": Sampling(**drawn["sampling"]), "repetitions": repetitions})
    adapter = None if item["adapter"] is None else Adapter(**item["adapter"])
    return Request(**{**item, "messages": tuple(item["messages"]), "decoding": decoding, "adapter": adapter})


def _reply(out: IO[str], message: Mapping[str, Any]) -> None:
    out.write(json.dumps(message, ensure_ascii=True) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
