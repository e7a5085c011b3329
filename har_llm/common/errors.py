"""Errors that a user can act on: each says what was found, what the rule is, and what to do next."""

from __future__ import annotations

import errno
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from har_llm.common.text import visible

TYPE_CHECKING = False  # not typing's, whose import takes a tenth of the time of --help
if TYPE_CHECKING:
    from har_llm.common.notices import Notice


NOBODYS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE),
    *(errno.EIO, errno.ESTALE, errno.ENOLCK, errno.EFBIG),
)
"""What is only refused of files, and without their name when they are open."""
REFUSALS = {
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "give this user access to it and to the folders above it, or name another place",
    ),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room on the disk, or name another place"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "let this user open more files (ulimit -n)"),
    **dict.fromkeys(
        (errno.EIO, errno.ESTALE, errno.ENOLCK, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT),
        "a disk or network file system fails; mend it, or name another place",
    ),
    **dict.fromkeys((errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EFBIG), "name another place"),
}
"""What a system may refuse wherever a file is used, and what to do then."""


class HarError(Exception):
    """Something the user can mend; shown as one message, without a traceback."""

    def __str__(self) -> str:
        return visible(super().__str__())  # it may quote a user's file


class ConfigError(HarError):
    """A setting is wrong."""


class MissingError(HarError):
    """Data, weights or memory that a run needs are not there."""


class EngineError(HarError):
    """A model could not be loaded, or stopped while it was generating."""


class LoggedError(EngineError):
    """An EngineError of a process whose log says more about the cause; the caller keeps the log and names it."""


class ServiceError(HarError):
    """A service such as W&B or Slurm refused what it was asked to do, or did not finish it."""


class DataError(HarError):
    """A dataset breaks its format. Holds every fault found, not only those shown."""

    SHOWN = 5

    def __init__(self, summary: str, faults: Sequence[Notice], of_more: str = "task=validate lists them"):
        """`of_more`: what to do about faults that are not shown."""
        from har_llm.common.notices import Notices

        self.faults = tuple(faults)
        lines = [summary, *(f"  {fault}" for fault in self.faults[: self.SHOWN])]
        total = faults.total if isinstance(faults, Notices) else len(faults)
        if total > self.SHOWN:
            lines.append(f"  ... and {total - self.SHOWN:,} more; {of_more}.")
        super().__init__("\n".join(lines))


def reason_of(error: Exception) -> str:
    """Why a file cannot be read, without the number and the path that an OSError's own text has."""
    return getattr(error, "strerror", None) or str(error)


@contextmanager
def system_refusals_told() -> Iterator[None]:
    """An OSError inside the block that says what the system refuses (REFUSALS), such as a folder that the user may not enter
    or room on a full disk, is a MissingError. Any other stays what it is: it may be a fault of ours."""
    try:
        yield
    except OSError as error:
        code, name = error.errno, error.filename
        if code is None or code not in (REFUSALS if name is not None else NOBODYS):
            raise
        if error.strerror != os.strerror(code):  # of ssl, whose numbers mean other things
            raise
        what = "The system refuses to go on" if name is None else f"{_path(name)} cannot be used"
        raise MissingError(f"{what} ({reason_of(error)}); {REFUSALS[code]}.") from error


def _path(name: str | bytes | int) -> str:
    return os.fsdecode(name) if isinstance(name, bytes) else str(name)


def first_line(error: BaseException | str) -> str:
    """The line of an error's message that says what is wrong: the first, with the second where the first ends in a colon.

    The first line of pydantic's says only how many fields are wrong; then it is what is wrong with the first field.
    """
    lines = [line.strip() for line in str(error).strip().splitlines()] or [type(error).__name__]
    if re.match(r"\d+ validation errors? for ", lines[0]):
        told = itertools.takewhile(lambda line: not line.startswith("For further information"), lines[1:])
        first = ": ".join(told).partition(" [type=")[0]  # the field's name, if it is about one, and the fault
        return re.sub(r"^(Value|Assertion) error, ", "", first) or lines[0]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
