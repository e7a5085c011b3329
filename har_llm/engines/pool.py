"""Several workers with one model each, which share the requests: data parallelism without any communication."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from har_llm.common.errors import EngineError
from har_llm.engines.base import EngineConfig, Generation, LoadedModel, Request
from har_llm.engines.worker import WorkerEngine

_END = object()


class WorkerPool:
    """An engine of one or more processes; itself an Engine.

    A worker that dies costs the requests that it had not finished. The others finish theirs; then the error is raised.
    """

    def __init__(self, config: EngineConfig, model: LoadedModel, environments: Sequence[Mapping[str, str]]):
        self._workers: list[WorkerEngine] = []
        try:
            for environment in environments:
                self._workers.append(WorkerEngine(config, model, environment))
        except BaseException:
            self.close()
            raise

    @property
    def about(self) -> Mapping[str, Any]:
        """Engine, versions and hardware, once the first worker is ready (this waits for it). Raises EngineError."""
        return self._workers[0].about

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        results: queue.Queue[Any] = queue.Queue()
        count = len(self._workers)
        for place, worker in enumerate(self._workers):
            # One by one in turn: windows of one session, which are alike in length, go to all of them.
            share = requests[place::count]
            threading.Thread(target=_serve, args=(worker, share, results), daemon=True).start()
        errors: list[BaseException] = []
        while count:
            result = results.get()
            if result is _END:
                count -= 1
            elif isinstance(result, BaseException):
                errors.append(result)
            else:
                yield result
        for error in errors:
            if not isinstance(error, EngineError):
                raise error
        if errors:
            raise EngineError("\n".join(dict.fromkeys(str(error) for error in errors)))

    def close(self) -> None:
        for worker in self._workers:
            worker.close()


def _serve(worker: WorkerEngine, requests: Sequence[Request], results: queue.Queue[Any]) -> None:
    try:
        for generation in worker.generate(requests):
            results.put(generation)
    except BaseException as error:
        results.put(error)
    finally:
        results.put(_END)
