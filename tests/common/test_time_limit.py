"""What somebody else has written ends in time."""

from __future__ import annotations

import signal
import time

import pytest

from har_llm.common.time_limit import time_limit


class Swallowing:
    """Python drops an exception that is raised while an object is deleted."""

    def __del__(self) -> None:
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_takes_too_long_is_stopped_also_if_the_first_signal_is_lost() -> None:
    with pytest.raises(TimeoutError, match=r"it takes longer than 0\.1 s"), time_limit(0.1):
        Swallowing()
        while True:
            pass


def test_what_is_quick_is_left_alone_and_nothing_stays_set() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(60):
        pass
    assert signal.getsignal(signal.SIGALRM) == before and signal.getitimer(signal.ITIMER_REAL) == (0, 0)
