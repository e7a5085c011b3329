"""What a home that is watched shows on a terminal."""

from __future__ import annotations

import pytest

from har_llm.report.terminal.watch import ShownOnTerminal, window_line
from har_llm.sweep.live.results import WatchedEvent, WatchedWindow


def event(time: str, activity: str | None, missed: str | None = None) -> WatchedEvent:
    return WatchedEvent("2026-03-02", 0, 0, time, None, "hall door OPENED", activity, missed, None, 3.21)


def test_a_window_is_a_line_of_its_activities_in_order() -> None:
    said = [("eating", None), ("eating", None), (None, "unknown_label"), (None, "unknown_label"), ("eating", None)]
    window = WatchedWindow([event(f"2026-03-02 07:10:0{place}", *one) for place, one in enumerate(said)])
    line = "2026-03-02 07:10:00 to 07:10:04, 5 events: eating, 2 missed (unknown label), eating [3.2 s after it closed]"
    assert window_line(window) == line


def test_a_window_over_midnight_has_both_dates() -> None:
    window = WatchedWindow([event("2026-03-02 23:59:00", "sleeping"), event("2026-03-03 00:01:00", "sleeping")])
    assert window_line(window) == "2026-03-02 23:59:00 to 2026-03-03 00:01:00, 2 events: sleeping [3.2 s after it closed]"


def test_what_moves_the_cursor_is_shown_as_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    shown = ShownOnTerminal()
    shown.said("the sensor \x1b[2J")
    shown.written(WatchedWindow([event("2026-03-02 07:10:00", "eat\x1b[2J")]))
    out, errors = capsys.readouterr()
    assert "\x1b" not in out + errors and "eat\\x1b[2J" in out and errors == "the sensor \\x1b[2J\n"
