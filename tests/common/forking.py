"""Functions of processes: of some that fork, as vLLM does on a GPU, and of one in which a library fails."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.shared_memory import SharedMemory

import psutil
from packaging.requirements import Requirement

from har_llm.common.process import Caller


def serve_forking(caller: Caller) -> None:
    """Reply with the exit code of a forked process, None if it does not end."""
    child = multiprocessing.get_context("fork").Process(target=print, args=("forked",))
    child.start()
    child.join(10)
    caller.reply({"exit": child.exitcode})
    if child.exitcode is None:
        child.kill()


def serve_killed(caller: Caller) -> None:
    """End, while a process that was forked here lives on."""
    multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,)).start()
    print("The last words.", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def serve_failing(caller: Caller) -> None:
    """Let a library refuse something."""
    Requirement(caller.receive()["requirement"])


def serve_sharing(caller: Caller) -> None:
    """Reply with the name of shared memory, and keep it."""
    shared = SharedMemory(create=True, size=64)
    (tracker,) = psutil.Process().children()
    while not any("resource_tracker" in part for part in tracker.cmdline()):  # until then it looks like this process
        time.sleep(0.01)
    caller.reply({"name": shared.name})
    caller.receive()
