"""What somebody else has written ends in time, and within the memory that it may take."""

from __future__ import annotations

import resource
import signal
import sys
import time
from collections.abc import Callable

import pytest

from har_llm.common.limits import limits

MUCH = 2**30


class Swallowing:
    """Python drops an exception that is raised while an object is deleted."""

    def __del__(self) -> None:
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_takes_too_long_is_stopped_also_if_the_first_signal_is_lost() -> None:
    with pytest.raises(TimeoutError, match=r"it takes longer than 0\.1 s"), limits(0.1, MUCH):
        Swallowing()
        while True:
            pass


def test_what_is_quick_is_left_alone_and_nothing_stays_set() -> None:
    before = signal.getsignal(signal.SIGALRM), resource.getrlimit(resource.RLIMIT_AS)
    with limits(60, MUCH):
        pass
    assert (signal.getsignal(signal.SIGALRM), resource.getrlimit(resource.RLIMIT_AS)) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory a process may take")
@pytest.mark.parametrize("grow", [lambda: "x" * 2**40, lambda: ["x" * 2**20 + str(number) for number in range(2**20)]])
def test_what_takes_too_much_memory_at_once_or_little_by_little_is_stopped(grow: Callable[[], object]) -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError, match=r"it takes more than 64 MiB of memory"), limits(60, 2**26):
        grow()
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert len("x" * 2**27) == 2**27
