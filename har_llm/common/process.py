"""A function in a process of its own that exchanges JSON lines: `python -m har_llm.common.process MODULE:FUNCTION`.

When it ends, all its memory is freed, and when it crashes, its caller lives on. Nothing is pickled, and the caller's main
module is not imported again. What libraries print goes to a log, whose last lines explain a crash.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import IO, Any

from har_llm.common.errors import EngineError, HarError

LOG_LINES = 12


class ProcessEnded(EngineError):
    """A process ended before it had answered."""

    def __init__(self, how: str, log: Sequence[str]):
        self.how = how
        """One sentence: which process, and how it ended."""
        self.log = tuple(log)
        """The last lines of its log."""
        lines = "".join(f"\n  {line}" for line in self.log)
        super().__init__(
            f"{how} What was finished is kept; run the same command again to go on."
            f"{' The last lines of its log:' if lines else ''}{lines}"
        )


class JsonProcess:
    """The caller's side: it sends messages and receives the function's replies."""

    def __init__(self, function: str, what: str, environment: Mapping[str, str] | None = None, relief: str = ""):
        """`function`: package.module:name; it is called with a Caller. `what`: how errors name the process, such as "The
        training's process". `relief`: what helps against too little memory, for the message about a killed process.
        """
        self._what, self._relief = what, relief
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed by close)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "har_llm.common.process", function],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="ascii",
            env={**_environment(), **(environment or {})},
            # Ctrl-C reaches every process of the terminal's group, but only the caller may act on it. Also, the processes
            # that this one starts (vLLM starts one for each GPU) are killed with the group.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Mapping[str, Any]) -> None:
        """Raises ProcessEnded when the process is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message, ensure_ascii=True) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None

    def receive(self) -> dict[str, Any]:
        """The next message. Raises EngineError for one that says what went wrong, ProcessEnded when the process is gone."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise self._ended()
        message: dict[str, Any] = json.loads(line)
        if "error" in message:
            raise EngineError(message["error"])
        return message

    def close(self) -> None:
        """End the process and all that it started. May be called twice."""
        if self._process.returncode is None:
            end_group(self._process.pid)
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                with contextlib.suppress(OSError):  # unsent bytes for a process that is gone
                    stream.close()

    def _ended(self) -> ProcessEnded:
        code = self._process.wait()
        end_group(self._process.pid)
        how = (
            f"was killed by signal {-code} (9 often means that memory ran out{self._relief})"
            if code < 0
            else f"ended with exit code {code}"
        )
        self._log.seek(0)
        return ProcessEnded(f"{self._what} {how}.", [line.rstrip() for line in self._log.readlines()[-LOG_LINES:]])


def end_group(leader: int) -> None:
    """Kill what is left of a process and of what it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """The caller's environment and import path. OpenMP threads must not wait by spinning: on a busy machine that starves
    the others."""
    own_defaults = {"GOMP_SPINCOUNT": "10000", "TOKENIZERS_PARALLELISM": "false"}
    return {**own_defaults, **os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


class Caller:
    """The process's side: messages from the caller and replies to it. The process ends when the caller is gone."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="ascii")
        os.dup2(2, 1)  # what libraries print must not mix with the replies
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_read, args=(sys.stdin, self._lines), daemon=True).start()

    def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._lines.get())
        return message

    def reply(self, message: Mapping[str, Any]) -> None:
        self._out.write(json.dumps(message, ensure_ascii=True) + "\n")
        self._out.flush()


def _read(stream: IO[str], lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line)
    # The caller is gone, so nobody needs the result.
    end_group(os.getpid())
    os._exit(1)  # where this process leads no group


def main() -> None:
    """The process: call the function that the command line names, and report an error of it to the caller."""
    caller = Caller()
    module, _, name = sys.argv[1].partition(":")
    try:
        getattr(import_module(module), name)(caller)
    except HarError as error:
        caller.reply({"error": str(error)})


if __name__ == "__main__":
    main()
