"""What is told of users' files: faults, and repairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from har_llm.common.text import visible


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
