"""Engines and trainings as threads of the tests' own process, so that heavy libraries are imported only once.

For tests of the code around them. Separate processes, and what happens when one is killed, are tested with real ones.
"""

from __future__ import annotations

import json
import queue
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import EngineError, HarError


class SameProcess:
    """Stands in for JsonProcess; messages go through JSON here too."""

    def __init__(
        self,
        function: str,
        what: str,
        environment: Mapping[str, str] | None = None,
        relief: str = "",
        logs: Path | None = None,
    ):
        self._to, self._from = queue.SimpleQueue[str | None](), queue.SimpleQueue[str]()
        threading.Thread(target=self._call, args=(function,), daemon=True).start()

    def _call(self, function: str) -> None:
        module, _, name = function.partition(":")
        try:
            getattr(import_module(module), name)(_Caller(self._to, self._from))
        except _Closed:
            return
        except HarError as error:
            self._from.put(json.dumps({"error": str(error)}))
        except Exception:
            self._from.put(json.dumps({"error": traceback.format_exc()}))

    def send(self, message: Mapping[str, Any]) -> None:
        self._to.put(json.dumps(message))

    def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._from.get())
        if "error" in message:
            raise EngineError(message["error"])
        return message

    def close(self) -> None:
        self._to.put(None)


class _Closed(Exception):
    """The process would have been killed."""


class _Caller:
    """Stands in for Caller, the function's side."""

    def __init__(self, calls: queue.SimpleQueue[str | None], answers: queue.SimpleQueue[str]):
        self._calls, self._answers = calls, answers

    def receive(self) -> dict[str, Any]:
        line = self._calls.get()
        if line is None:
            raise _Closed
        message: dict[str, Any] = json.loads(line)
        return message

    def reply(self, message: Mapping[str, Any]) -> None:
        self._answers.put(json.dumps(message))


@contextmanager
def in_this_process() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for room in ("engines.worker", "distill.worker", "runs.export", "models.gguf_cache"):
            patch.setattr(f"har_llm.{room}.JsonProcess", SameProcess)
        # Only a process's main thread gets its signals.
        patch.setattr("har_llm.engines.chat.limits", lambda *_: nullcontext())
        yield
