"""Which process trains an adapter: a file in the folder where it is made, so that no two do, wherever they run."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from har_llm.common.digest import digest
from har_llm.common.errors import MissingError

BEAT_S = 60.0
"""A training that has given no sign of life for ten times as long is taken for dead by other machines."""
SAME_START_S = 2.0
"""By how much the system may differ from itself about when a process was started."""


class HeldError(MissingError):
    """Another process trains the adapter; the message says which."""


@contextlib.contextmanager
def claimed(staging: Path) -> Iterator[Callable[[], None]]:
    """The training for this process alone; one whose process is dead is taken over. Raises HeldError.

    Yields what raises once the claim is lost: HeldError if it was taken over while this process seemed dead, MissingError if
    it was deleted.
    """
    claim, mine = _claim(staging)
    lost, done = threading.Event(), threading.Event()

    def check() -> None:
        if not lost.is_set():
            return
        if (held := _read(_next(staging, mine))) is not None:
            raise HeldError(_holder(_next(staging, mine), held))
        raise MissingError(
            f"{claim}, by which this process trained the adapter, was deleted. Run the same command again; it goes on from "
            f"the last checkpoint."
        )

    def beat() -> None:
        while not done.wait(BEAT_S):
            with contextlib.suppress(OSError, MissingError):  # a file system that is away for a while
                if _read(claim) != mine or _read(_next(staging, mine)) is not None:
                    lost.set()
                    return
                os.utime(claim)

    beating = threading.Thread(target=beat, daemon=True)
    beating.start()
    try:
        yield check
    finally:
        done.set()
        beating.join()
        with contextlib.suppress(OSError, MissingError):
            if _read(claim) == mine:
                claim.unlink()


def last_claim(staging: Path) -> Path:
    """Where the claim of this process may be put. Raises HeldError while another holds the training, MissingError.

    The claim of a dead process is left there. Whoever takes over makes the one claim that is named after it, and only one
    can, however many try at once.
    """
    claim = staging / "claim.json"
    while (held := _read(claim)) is not None:
        if not _abandoned(claim, held):
            raise HeldError(_holder(claim, held))
        claim = _next(staging, held)
    return claim


def _claim(staging: Path) -> tuple[Path, str]:
    """Put a claim of this process in place, whole or not at all: where, and what it says. Raises HeldError, MissingError."""
    claim = last_claim(staging)
    token = secrets.token_hex(8)
    mine = json.dumps({"host": platform.node(), "pid": os.getpid(), "started": _started(), "token": token})
    written = staging / f".claim-{token}"
    try:
        staging.mkdir(parents=True, exist_ok=True)
        written.write_text(mine, encoding="utf-8")
        os.link(written, claim)
    except FileExistsError:
        raise HeldError(f"Another process has just claimed it ({claim}).") from None
    except FileNotFoundError:
        raise HeldError(f"Another process has just finished it and taken {staging} away.") from None
    except OSError as error:
        raise MissingError(f"{claim} cannot be written ({error.strerror or error}); set paths.outputs otherwise.") from None
    finally:
        with contextlib.suppress(OSError):
            written.unlink()
    return claim, mine


def _holder(claim: Path, content: str) -> str:
    try:
        held = json.loads(content)
        who = f"process {int(held['pid'])} on {str(held['host'])!r}"
    except (ValueError, TypeError, LookupError):
        who = "another process"
    return f"{who} trains it, says {claim}; delete that file if it does not"


def _next(staging: Path, claim: str) -> Path:
    """Where the claim is that takes over from one that says this."""
    return staging / f"claim-{digest(claim)[:16]}.json"


def _read(claim: Path) -> str | None:
    """What the claim says; None where there is none. Raises MissingError for one that cannot be read."""
    try:
        return claim.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MissingError(
            f"{claim} cannot be read ({error.strerror or error}), so nobody knows who trains the adapter; mend or delete it."
        ) from None


def _abandoned(claim: Path, content: str) -> bool:
    """Whether nobody holds the claim any more: its process is gone, or, elsewhere, has been silent for long."""
    try:
        holder = json.loads(content)
        if holder["host"] != platform.node():
            return time.time() - claim.stat().st_mtime > 10 * BEAT_S
        pid, started = int(holder["pid"]), float(holder.get("started") or 0.0)
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return True
    alive = _started(pid)
    # A number may be given again: to this very process, in a container that was started anew, or to any other.
    return alive is None or pid == os.getpid() or (started > 0.0 and abs(alive - started) > SAME_START_S)


def _started(pid: int | None = None) -> float | None:
    """When a process, or this one, was started; None when there is none, or one that is dead and was not told goodbye."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None
