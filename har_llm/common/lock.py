"""A file that lets one process at a time do some work, on one machine or on several that share a file system."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Iterator
from pathlib import Path

from har_llm.common.errors import MissingError, reason_of

LEASE_S = 180.0
"""Seconds without a heartbeat after which a holder counts as dead. A dead holder on the same machine is noticed at once."""
BEAT_S = 30.0
"""Seconds between two heartbeats."""
WAIT_S = 0.1
"""Seconds between two attempts to get a lock that another process holds."""


class HeldError(MissingError):
    """Another process has the lock; the message says which."""


class Lock:
    """filelock's lease, with our errors.

    Keep one object for as long as you wait: it takes a lock over only after it has itself seen the file unchanged for
    LEASE_S, since the clocks of two machines cannot be compared.
    """

    def __init__(self, path: Path):
        from filelock import SoftFileLease

        self.path = path
        self._lease = SoftFileLease(path, lease_duration=LEASE_S, heartbeat_interval=BEAT_S, blocking=False)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock. Raises HeldError if another process holds it, MissingError if the file cannot be made."""
        try:
            self._acquire()
        except OSError as error:
            raise MissingError(f"{self.path} cannot be written ({reason_of(error)}); set paths.outputs otherwise.") from None
        try:
            yield
        finally:
            self._release()

    @contextlib.contextmanager
    def waited_for(self) -> Iterator[None]:
        """Hold the lock as soon as no other process does: for work that takes moments. Raises OSError if the file cannot be
        made."""
        while True:
            try:
                self._acquire()
                break
            except HeldError:
                time.sleep(WAIT_S)
        try:
            yield
        finally:
            self._release()

    def _acquire(self) -> None:
        """Raises HeldError, OSError."""
        from filelock import LeaseSettingsMismatch, Timeout

        if self.path.is_symlink() or self.path.is_fifo():  # filelock would wait for it; of a folder it says what it is
            raise OSError(errno.EINVAL, "it is no regular file", str(self.path))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lease.acquire()
        except Timeout:
            raise HeldError(self._holder()) from None
        except LeaseSettingsMismatch:
            raise HeldError(f"{self._holder()} (it was made by another version of har_llm)") from None

    def _release(self) -> None:
        with contextlib.suppress(OSError):
            self._lease.release()

    def check(self) -> None:
        """Raise HeldError if another process has taken the lock over, MissingError if its file was deleted."""
        owner = self._lease.owner
        if owner is not None and owner.token != self._lease.token:
            raise HeldError(self._holder())
        if self._lease.compromise is not None:
            raise MissingError(
                f"{self.path}, the lock of this process, was deleted or cannot be reached. Run the same command "
                f"again; it goes on from what is kept."
            )

    def _holder(self) -> str:
        owner = self._lease.owner
        # filelock adds "?" and a container's number to the name of the machine.
        who = "another process" if owner is None else f"process {owner.pid} on {owner.hostname.partition('?')[0]!r}"
        return f"{who} holds {self.path}; delete that file if that process is gone"
