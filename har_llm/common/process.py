"""A function in a process of its own that exchanges JSON lines: `python -m har_llm.common.process MODULE:FUNCTION`.

When it ends, all its memory is freed, and when it crashes, its caller lives on. Nothing is pickled, and the caller's main
module is not imported again. What libraries print goes to a log, which is kept and named if the process fails.
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
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from har_llm.common.errors import EngineError, HarError, LoggedError, first_line

LOG_LINES = 12
KILL_S = 10.0
"""Seconds until killed processes have ended."""


class ProcessFailed(EngineError):
    """A process said that it failed, and its log says more."""

    def __init__(self, how: str, rest: str):
        self.how = how
        """What went wrong, without the log, in which each process has its own numbers."""
        super().__init__(how + rest)


class ProcessEnded(ProcessFailed):
    """A process ended before it had answered. `how`: one sentence: which process, and how it ended."""

    def __init__(self, how: str, log: Sequence[str], file: Path | None):
        """`log`: its last lines. `file`: where all of it is kept; None where there is none."""
        lines = "".join(f"\n  {line}" for line in log)
        last = f" The last lines of its log (all of it is in {file}):{lines}" if lines else ""
        super().__init__(how, f" What was finished is kept; run the same command again to go on.{last}")


def start(function: str, environment: Mapping[str, str], log: int) -> subprocess.Popen[str]:
    """The process that calls the function and writes to `log`, an open file."""
    return subprocess.Popen(
        [sys.executable, "-m", "har_llm.common.process", function],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        encoding="ascii",
        env=environment,
        # Ctrl-C reaches every process of the terminal's group, but only the caller may act on it. Also, the processes
        # that this one starts (vLLM starts one for each GPU) are killed with the group.
        start_new_session=True,
    )


class JsonProcess:
    """The caller's side: it sends messages and receives the function's replies."""

    def __init__(
        self,
        function: str,
        what: str,
        environment: Mapping[str, str] | None = None,
        relief: str = "",
        logs: Path | None = None,
    ):
        """`function`: package.module:name; it is called with a Caller. `what`: how errors name the process, such as "The
        training's process". `relief`: what helps against too little memory, for the message about a killed process.
        `logs`: the folder for its log, if it fails; None = the system's folder for temporary files.
        """
        self._what, self._relief, self._logs = what, relief, logs
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed by close)
        self._process = start(function, {**_environment(), **(environment or {})}, self._log.fileno())

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
        """The next message. Raises EngineError for one that says what went wrong, ProcessFailed if a library failed there,
        ProcessEnded when the process is gone."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise self._ended()
        message: dict[str, Any] = json.loads(line)
        if "failure" in message:
            log = f" The log of its process is {file}." if (file := self._kept_log()) else ""
            advice = " What was finished is kept; mend that and run the same command again."
            raise ProcessFailed(f"{self._what} failed with {message['failure']}.", advice + log)
        if "error" not in message:
            return message
        if message["logged"] and (file := self._kept_log()):
            raise ProcessFailed(message["error"], f" The log of its process is {file}.")
        raise EngineError(message["error"])

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
        lines = [line.rstrip() for line in _content(self._log.fileno()).splitlines()[-LOG_LINES:]]
        return ProcessEnded(f"{self._what} {how}.", lines, self._kept_log())

    def _kept_log(self) -> Path | None:
        """The file in which the log is kept from now on; None for an empty log, or where it cannot be written."""
        text = _content(self._log.fileno())
        if not text:
            return None
        try:
            if self._logs is not None:
                self._logs.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", prefix="har_llm-", suffix=".log", dir=self._logs, delete=False, encoding="utf-8"
            ) as stream:
                stream.write(text)
        except OSError:
            return None
        return Path(stream.name)


def end_group(leader: int) -> None:
    """Kill what is left of a process and of what it started.

    Python's resource tracker ends by itself after them, and removes their shared memory, which outlives processes.
    """
    import psutil

    end = time.monotonic() + KILL_S  # a process that waits for a driver does not end at once
    while (members := [pid for pid in psutil.pids() if _is_to_end(pid, leader)]) and time.monotonic() < end:
        for pid in sorted(members, key=lambda pid: pid == os.getpid()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)  # one of them may just have started another


def _is_to_end(pid: int, leader: int) -> bool:
    import psutil

    try:
        if os.getpgid(pid) != leader:
            return False
        process = psutil.Process(pid)
        tracker = any("multiprocessing.resource_tracker" in part for part in process.cmdline())
        return not tracker and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def log_so_far() -> str:
    """What this process, and those that it has started, have written to its log; empty where its output is no file."""
    return _content(2)


def _content(file: int) -> str:
    """All of an open file, from wherever other processes are writing to it; empty for one that is no plain file."""
    with contextlib.suppress(OSError):
        return os.pread(file, os.fstat(file).st_size, 0).decode("utf-8", errors="replace")
    return ""


def _environment() -> dict[str, str]:
    """The caller's environment and import path. OpenMP threads must not wait by spinning: on a busy machine that starves
    the others."""
    own_defaults = {"GOMP_SPINCOUNT": "10000", "TOKENIZERS_PARALLELISM": "false"}
    return {**own_defaults, **os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


class Caller:
    """The process's side: messages from the caller and replies to it. The process ends when the caller is gone."""

    def __init__(self) -> None:
        self._out, messages = os.fdopen(os.dup(1), "w", encoding="ascii"), os.fdopen(os.dup(0), encoding="ascii")
        os.dup2(2, 1)  # what libraries print must not mix with the replies
        # A process that is forked here (vLLM's core on a GPU) begins with closing sys.stdin: for ever, if a thread reads it.
        with Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), 0)
        # As long as it has them open, this process would not seem to have ended.
        os.register_at_fork(after_in_child=partial(_close, self._out.fileno(), messages.fileno()))
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_read, args=(messages, self._lines), daemon=True).start()

    def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._lines.get())
        return message

    def reply(self, message: Mapping[str, Any]) -> None:
        self._out.write(json.dumps(message, ensure_ascii=True) + "\n")
        self._out.flush()


def _close(*files: int) -> None:
    for file in files:
        os.close(file)


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
        logged = isinstance(error, LoggedError)
        if logged:
            traceback.print_exc()
        caller.reply({"error": str(error), "logged": logged})
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # a library in Rust that panics raises no Exception
        traceback.print_exc()
        caller.reply({"failure": failure(error)})


def failure(error: BaseException) -> str:
    """An error's kind, the library that raised it, and what it says."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    modules = (frame.f_globals.get("__name__", "").partition(".")[0] for frame in frames)  # generated code may have no name
    *_, library = ["Python", *(name for name in modules if name and name not in sys.stdlib_module_names)]
    kind, told = type(error).__name__, first_line(error).rstrip(".")
    return f"{kind} in {library}" + ("" if told == kind else f": {told}")


if __name__ == "__main__":
    main()
