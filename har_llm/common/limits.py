"""Limits on a Python program that somebody else has written, such as a chat template."""

from __future__ import annotations

import contextlib
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

AGAIN_S = 0.5
"""Python drops an exception where an object is being deleted, so that the first may be lost."""
TAKEN = Path("/proc/self/statm")
"""Where Linux says how many pages of addresses a process has taken."""


@contextlib.contextmanager
def limits(seconds: float, memory: int) -> Iterator[None]:
    """Raise TimeoutError inside the block if it takes longer, MemoryError if it takes more than so many bytes beside what
    the process has.

    Only in the main thread, where Python gets signals. Memory is limited for all threads of the process, on Linux only.
    """
    with _time_limit(seconds), _memory_limit(memory):
        try:
            yield
        except MemoryError:
            raise MemoryError(f"it takes more than {memory / 2**20:,.0f} MiB of memory") from None


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"it takes longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _memory_limit(more: int) -> Iterator[None]:
    own = _, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        pages = int(TAKEN.read_text().split()[0])
    except OSError:  # another system
        yield
        return
    given = [one for one in own if one != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([pages * resource.getpagesize() + more, *given]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, own)
