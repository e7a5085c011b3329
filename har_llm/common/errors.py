"""Errors that a user can act on: each says what was found, what the rule is, and what to do next."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from har_llm.common.text import visible


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
        self.faults = tuple(faults)
        lines = [summary, *(f"  {fault}" for fault in self.faults[: self.SHOWN])]
        total = faults.total if isinstance(faults, Notices) else len(faults)
        if total > self.SHOWN:
            lines.append(f"  ... and {total - self.SHOWN:,} more; {of_more}.")
        super().__init__("\n".join(lines))


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


class Notice(NamedTuple):
    """A fault or a repair, at a place in a user's file."""

    path: str
    line: int | None
    """1-based line in the file; None when the whole file or folder is meant."""
    kind: str
    """A short stable name, counted in summaries: "unknown sensor"."""
    message: str

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return visible(f"{place}: {self.message}")


class Notices(list[Notice]):
    """The first KEPT of some notices: whoever reads them mends those first. The others are only counted."""

    KEPT = 1000

    def __init__(self, notices: Iterable[Notice] = ()) -> None:
        super().__init__()
        self.counts = Counter[str]()
        """How many there are of each kind."""
        for notice in notices:
            self.append(notice)

    def append(self, notice: Notice) -> None:
        self.counts[notice.kind] += 1
        if len(self) < self.KEPT:
            super().append(notice)

    @property
    def total(self) -> int:
        return self.counts.total()
