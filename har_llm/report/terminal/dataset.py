"""Shows on a terminal what a dataset contains (task=describe) and what is wrong with its files (task=validate)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from har_llm.common.console import Laid, plain
from har_llm.common.notices import Notice, Notices
from har_llm.common.numbers import counted, duration
from har_llm.common.tables import Table
from har_llm.data.describe import Description, by_kind, in_words
from har_llm.scoring.names import activity_name

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

NOTICED = "Repaired or noticed while reading the files"
LEFT_OUT = "Left out, by the settings or because it is no event"
EXAMPLES = 2
"""Faults that are shown of many that are alike."""
MOST_QUOTED = 12
QUOTED = re.compile(r"""(?<!\w)(?:'[^']*'|"[^"]*")(?!\w)""")
OF_ONE_ROW = re.compile(rf"{QUOTED.pattern}|[0-9]+")
"""What differs between messages that say the same of different rows."""


def render(description: Description, notices: Sequence[Notice] = ()) -> RenderableType:
    """The description as tables. Text from files is shown as it is, not interpreted as markup.

    Notices are counted by kind, and stand below in words.
    """
    from rich.console import Group

    shown: list[RenderableType] = [_text(_headline(description), "bold"), _text(_summary(description))]
    shown += _titled(_parts_table(description))
    labelled = any(any(one.events.values()) for one in description.activities)
    shown += _titled(_activities_table(description)) if labelled else [_text(_choices(description))]
    if description.repairs:
        shown += [*_titled(_counts_table(NOTICED, description.repairs)), *map(_text, in_words(notices))]
    if description.dropped_events:
        shown += _titled(_counts_table(LEFT_OUT, description.dropped_events))
    return Group(*shown)


def _choices(description: Description) -> str:
    names = (activity_name(activity.number, activity.name) for activity in description.activities)
    return f"\nNo event says what was done. A model chooses among: {', '.join(names)}"


def _headline(description: Description) -> str:
    made = " (synthetic home)" if description.synthetic else ""
    return f"{description.home}{made}: {counted(description.sessions, 'session')}, {counted(description.events, 'event')}"


def _summary(description: Description) -> str:
    time, subjects = description.time, description.subjects
    lines = [f"residents in the recordings: {len(subjects)} ({', '.join(subjects)})" if subjects else "residents: not said"]
    if time.earliest is not None:
        lines.append(f"time of day: {time.earliest} to {time.latest}")
        seconds = time.shortest_session_seconds, time.longest_session_seconds, time.recorded_seconds
        shortest, longest, recorded = (duration(one / 3600) for one in seconds)
        lines.append(f"sessions of {shortest} to {longest}, {recorded} in all")
    if description.events_of_several_activities:
        lines.append(f"events with several activities: {description.events_of_several_activities:,}")
    return "\n".join(lines)


def _parts_table(description: Description) -> Table:
    rows = [
        [name, *(f"{count:,}" for count in (part.sessions, part.events, part.windows, part.excluded_events))]
        for name, part in description.parts.items()
    ]
    return Table("parts", "Parts", ("part", "sessions", "events", "windows", "events in no window"), rows)


def _activities_table(description: Description) -> Table:
    parts = list(description.parts)
    rows = []
    for activity in description.activities:
        counts = [activity.events[part] for part in parts]
        mark = " (null class)" if activity.null_class else ""
        name = activity_name(activity.number, activity.name) + mark
        rows.append([name, *(f"{count:,}" for count in (*counts, sum(counts)))])
    unlabelled = [part.unlabelled_events for part in description.parts.values()]
    if any(unlabelled):
        rows.append(["unlabelled (not scored)", *(f"{count:,}" for count in (*unlabelled, sum(unlabelled)))])
    return Table("activities", "Events by activity", ("activity", *parts, "total"), rows)


def _counts_table(title: str, counts: Mapping[str, int]) -> Table:
    return Table("counts", title, ("kind", "count"), [[kind, f"{count:,}"] for kind, count in counts.items()])


def _titled(table: Table) -> list[RenderableType]:
    return [_text(f"\n{table.title}", "bold"), Laid(table)]


def _text(words: str, style: str = "") -> Text:
    shown = plain(words)
    shown.style, shown.overflow = style, "fold"
    return shown


def show_faults(
    out: Console, faults: Notices, repairs: Sequence[Notice] = (), dropped: Mapping[str, int] = MappingProxyType({})
) -> None:
    """Print the faults with their places, each on a line of its own however long, of those that are alike the first; then
    numbers of faults, of notices and of what is left out, by kind."""
    from rich.console import Group

    for line in _fault_lines(faults):
        out.print(plain(line), soft_wrap=True)
    if faults.total > len(faults):
        out.print(f"... and {faults.total - len(faults):,} more, which are only counted")
    counts = dict(faults.counts.most_common())
    shown = _titled(_counts_table("Faults to correct", counts)) if counts else [_text("No faults.", "bold")]
    if repairs:
        shown += [*_titled(_counts_table(NOTICED, by_kind(repairs))), *map(_text, in_words(repairs))]
    if dropped:
        shown += _titled(_counts_table(LEFT_OUT, dropped))
    out.print(Group(*shown), crop=False)


def _fault_lines(faults: Sequence[Notice]) -> Iterator[str]:
    """Faults of one kind in one file whose messages differ only in numbers and in what they quote stand together."""
    alike: dict[tuple[str, str, str], list[Notice]] = {}
    for fault in faults:
        alike.setdefault((fault.path, fault.kind, OF_ONE_ROW.sub("", fault.message)), []).append(fault)
    for held in alike.values():
        shown = held if len(held) == EXAMPLES + 1 else held[:EXAMPLES]
        yield from map(str, shown)
        if more := held[len(shown) :]:
            yield f"... and {len(more):,} more like these{_quoted(more)}"


def _quoted(faults: Sequence[Notice]) -> str:
    """What the messages of these faults quote first: unknown sensors or activities, or values that are none."""
    found = list(dict.fromkeys(one[0] for fault in faults if (one := QUOTED.search(fault.message))))
    some = ", ".join(found[:MOST_QUOTED]) + (", ..." if len(found) > MOST_QUOTED else "")
    return f", with {some}" if some else ""
