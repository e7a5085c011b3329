"""Which process generates for a run: so that commands started side by side share the work that they have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from har_llm.common.lock import HeldError, Lock
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import generations_folder
from har_llm.sweep.plan import Load
from har_llm.sweep.read_once import Stores


@dataclass(frozen=True)
class Share:
    """What of a load falls to this process."""

    mine: Load | None
    """None for nothing."""
    theirs: Load | None
    """What other processes are making; None for nothing."""
    holder: str | None
    """Who makes it, in words."""


class Claims:
    """The locks of runs. Keep one object for as long as you wait for other processes (see Lock)."""

    def __init__(self) -> None:
        self._locks: dict[Path, Lock] = {}

    @contextmanager
    def share(self, load: Load, stores: Stores) -> Iterator[Share]:
        """Claim the runs of a load that no other process has claimed, until the end of the block, and find what they owe.

        A baseline is not claimed: it answers in moments. Raises MissingError if a claim cannot be made.
        """
        if load.is_baseline:
            yield Share(load, None, None)
            return
        with ExitStack() as stack:
            claimed, others, holder = set[Path](), set[Path](), None
            for path in {_place(run): run for run in load.runs}:
                try:
                    stack.enter_context(self._locks.setdefault(path, Lock(path)).held())
                    claimed.add(path)
                except HeldError as error:
                    others.add(path)
                    holder = holder or str(error)
            stores.refresh()  # what others have made until now needs not be made again
            yield Share(_part(load, claimed, stores), _part(load, others, stores), holder)


def _part(load: Load, places: set[Path], stores: Stores) -> Load | None:
    """What the runs with these places still owe of a load."""
    runs = [run for run in load.runs if _place(run) in places]
    asked = {key: run for key, run in load.asked_by.items() if _place(run) in places and key not in stores.of(run)}
    return replace(load, runs=runs, asked_by=asked) if asked else None


def _place(run: PreparedRun) -> Path:
    return generations_folder(run.outputs / "store", run.model_identity) / f".{run.digest[:16]}.lock"
