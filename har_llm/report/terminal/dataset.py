"""What a dataset holds (task=describe), and what is wrong with its files (task=validate), on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from har_llm.common.errors import Notice
from har_llm.common.text import visible
from har_llm.data.describe import _by_kind

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

NOTICED = "Repaired or noticed while reading"


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
