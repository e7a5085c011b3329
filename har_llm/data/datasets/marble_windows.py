"""Compares the paper's number of MARBLE training windows with that of the release that is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from har_llm.common.notices import Notice
from har_llm.common.numbers import counted
from har_llm.data.records import Session
from har_llm.data.splits import PaperSplit
from har_llm.data.windows import FixedWindows


def window_difference(
    folder: Path, sessions: Sequence[Session], paper_split: Mapping[int, int], known: int
) -> Iterator[Notice]:
    """A notice where the paper's own protocol (the first sessions, windows of 10 events) gives another number of windows.

    None where `paper_split` does not say how the sessions are divided, as another split needs none.
    """
    if not paper_split.keys() >= {*Counter(session.group for session in sessions).values()}:
        return
    training = PaperSplit().divide(sessions, paper_split)["train"]
    found, others = (_count(training, least) for least in (1, 2))
    if found == known:
        return
    nearest = f"; window.min_events=2, without windows of a single event, gives {others}" if others == known else ""
    message = f"{counted(found, 'window')} of 10 come out of the {len(training)} training sessions{nearest}"
    yield Notice(str(folder), None, f"training windows differ from the paper's {known}", f"{message}; the paper has {known}")


def _count(sessions: Sequence[Session], least: int) -> int:
    window = FixedWindows(events=10, min_events=least)
    return sum(1 for session in sessions for _ in window.cut(session))
