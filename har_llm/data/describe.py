"""What a dataset holds (task=describe), and what is wrong with its files (task=validate)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from har_llm.common.text import visible
from har_llm.data.records import Home, Notice, Recordings, Session, Window
from har_llm.data.splits import unused

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

UNUSED = "unused"
NOTICED = "Repaired or noticed while reading"
DAY_SECONDS = 86400


class Windowing(Protocol):
    """What conf/window chooses."""

    def cut(self, session: Session) -> Iterator[Window]: ...

    def excluded(self, session: Session) -> int: ...


def describe(recordings: Recordings, parts: Mapping[str, Sequence[Session]], windowing: Windowing) -> dict[str, Any]:
    """Everything in numbers, ready for JSON."""
    sessions = recordings.sessions
    divided = {**parts, UNUSED: unused(sessions, parts)}
    if not divided[UNUSED]:
        del divided[UNUSED]
    subjects = Counter(subject for session in sessions for event in session.events for subject in event.subjects)
    return {
        "home": recordings.home.name,
        "synthetic": recordings.home.synthetic,
        "sessions": len(sessions),
        "groups": len({session.group for session in sessions}),
        "events": sum(len(session.events) for session in sessions),
        "events_of_several_activities": sum(len(event.activities) > 1 for session in sessions for event in session.events),
        "subjects": dict(sorted(subjects.items())),
        "time": _time(sessions),
        "activities": _activities(recordings.home, divided),
        "parts": {name: _part(held, windowing) for name, held in divided.items()},
        "repairs": _by_kind(recordings.repairs),
        "dropped_events": dict(recordings.dropped_events),
    }


def _time(sessions: Sequence[Session]) -> dict[str, Any]:
    times = [event.time for session in sessions for event in session.events]
    lengths = [_seconds_of(session) for session in sessions if session.events]
    return {
        "earliest": min(times, default=None),
        "latest": max(times, default=None),
        "shortest_session_seconds": min(lengths, default=0),
        "longest_session_seconds": max(lengths, default=0),
        "recorded_seconds": sum(lengths),
    }


def _seconds_of(session: Session) -> int:
    """From the first event to the last; an earlier time of day than the event before means that midnight has passed."""
    moments = [int(e.time[:2]) * 3600 + int(e.time[3:5]) * 60 + int(e.time[6:8]) for e in session.events]
    return sum((later - earlier) % DAY_SECONDS for earlier, later in pairwise(moments))


def _activities(home: Home, parts: Mapping[str, Sequence[Session]]) -> list[dict[str, Any]]:
    counts = {
        name: Counter(number for session in held for event in session.events for number in event.activities)
        for name, held in parts.items()
    }
    return [
        {
            "number": number,
            "name": name,
            "null_class": number in home.null_class,
            "events": {part: count[number] for part, count in counts.items()},
        }
        for number, name in home.activities.items()
    ]


def _part(sessions: Sequence[Session], windowing: Windowing) -> dict[str, Any]:
    return {
        "sessions": len(sessions),
        "session_ids": [session.id for session in sessions],
        "events": sum(len(session.events) for session in sessions),
        "windows": sum(1 for session in sessions for _ in windowing.cut(session)),
        "excluded_events": sum(windowing.excluded(session) for session in sessions),
    }


def _by_kind(notices: Sequence[Notice]) -> dict[str, int]:
    return dict(Counter(notice.kind for notice in notices).most_common())


def render(description: Mapping[str, Any], notices: Sequence[Notice] = ()) -> RenderableType:
    """The description as tables. Words from files are shown as they are, never read as rich's markup.

    Of the notices, those about the dataset as a whole are shown in full, below their count: they say what a number is, what
    it should be and what to do. The others are about single lines and may be thousands.
    """
    from rich.console import Group

    shown: list[RenderableType] = [_text(_headline(description), "bold"), _text(_summary(description))]
    shown += _titled("Parts", _parts_table(description))
    shown += _titled("Events by activity", _activities_table(description))
    for title, key in ((NOTICED, "repairs"), ("Left out by the settings", "dropped_events")):
        if description[key]:
            shown += _titled(title, _counts_table(description[key]))
            shown += _about_the_whole(notices) if key == "repairs" else []
    return Group(*shown)


def _about_the_whole(notices: Sequence[Notice]) -> list[RenderableType]:
    return [_text(str(notice)) for notice in notices if notice.line is None]


def _headline(description: Mapping[str, Any]) -> str:
    made = " (synthetic home)" if description["synthetic"] else ""
    return f"{description['home']}{made}: {description['sessions']:,} sessions, {description['events']:,} events"


def _summary(description: Mapping[str, Any]) -> str:
    time, subjects = description["time"], description["subjects"]
    lines = [f"residents in the recordings: {len(subjects)} ({', '.join(subjects)})" if subjects else "residents: not said"]
    if time["earliest"] is not None:
        lines.append(f"time of day: {time['earliest']} to {time['latest']}")
        shortest, longest = _duration(time["shortest_session_seconds"]), _duration(time["longest_session_seconds"])
        lines.append(f"sessions of {shortest} to {longest}, {_duration(time['recorded_seconds'])} in all")
    if description["events_of_several_activities"]:
        lines.append(f"events with several activities: {description['events_of_several_activities']:,}")
    return "\n".join(lines)


def _duration(seconds: int) -> str:
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _parts_table(description: Mapping[str, Any]) -> Table:
    table = _table("part", "sessions", "events", "windows", "events in no window")
    for name, part in description["parts"].items():
        _row(table, name, part["sessions"], part["events"], part["windows"], part["excluded_events"])
    return table


def _activities_table(description: Mapping[str, Any]) -> Table:
    names = list(description["parts"])
    table = _table("activity", *names, "all")
    for activity in description["activities"]:
        counts = [activity["events"][name] for name in names]
        mark = " (null class)" if activity["null_class"] else ""
        _row(table, f"{activity['number']}. {activity['name']}{mark}", *counts, sum(counts))
    return table


def _counts_table(counts: Mapping[str, int]) -> Table:
    table = _table("kind", "count")
    for kind, count in counts.items():
        _row(table, kind, count)
    return table


def _titled(title: str, table: Table) -> list[RenderableType]:
    """A heading of its own: rich folds a table's title to the table's width."""
    return [_text(f"\n{title}", "bold"), table]


def _text(words: str, style: str = "") -> Text:
    """Words that may come from a file: neither rich's markup nor a terminal's commands are obeyed in them."""
    from rich.text import Text

    return Text(visible(words), style=style, overflow="fold")


def _table(first: str, *numbers: str) -> Table:
    from rich.table import Table

    table = Table()
    table.add_column(first, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _row(table: Table, first: str, *numbers: int) -> None:
    table.add_row(_text(first), *(_text(f"{number:,}") for number in numbers))


def render_faults(faults: Sequence[Notice], repairs: Sequence[Notice] = ()) -> RenderableType:
    """Every fault with its place, then faults, and what was repaired or noticed, counted by kind."""
    from rich.console import Group

    shown: list[RenderableType] = [_text(str(fault)) for fault in faults]
    if faults:
        shown += _titled("Faults: mend these", _counts_table(_by_kind(faults)))
    else:
        shown.append(_text("No faults.", "bold"))
    if repairs:
        shown += [*_titled(NOTICED, _counts_table(_by_kind(repairs))), *_about_the_whole(repairs)]
    return Group(*shown)
