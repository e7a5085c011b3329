"""What a dataset holds, in numbers: shown by task=describe, and kept in data.json of every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from har_llm.common.notices import Notice
from har_llm.common.text import visible
from har_llm.data.records import Home, Recordings, Session
from har_llm.data.splits import unused
from har_llm.data.windows import FixedWindows

UNUSED = "unused"


@dataclass(frozen=True)
class TimeSpan:
    """When a dataset was recorded, as times of day, and how long its sessions are."""

    earliest: str | None
    """HH:mm:ss; None without events."""
    latest: str | None
    shortest_session_seconds: int
    longest_session_seconds: int
    recorded_seconds: int


@dataclass(frozen=True)
class ActivityCounts:
    """An activity, and how many events have it, by part."""

    number: int
    name: str
    null_class: bool
    events: dict[str, int]


@dataclass(frozen=True)
class PartCounts:
    """The size of a part of the split."""

    sessions: int
    session_ids: list[str]
    events: int
    windows: int
    excluded_events: int
    """Events that no window holds."""
    unlabelled_events: int
    """Events without a gold activity, which are not scored."""


@dataclass(frozen=True)
class Description:
    """A dataset in numbers, ready for JSON: what UTF-8 cannot hold is escaped in the names."""

    home: str
    synthetic: bool
    sessions: int
    groups: int
    events: int
    events_of_several_activities: int
    subjects: dict[str, int]
    """Events by resident."""
    time: TimeSpan
    activities: list[ActivityCounts]
    parts: dict[str, PartCounts]
    """By name: train, validation, test, and `unused` where the split leaves sessions out."""
    repairs: dict[str, int]
    """What was repaired or noticed while reading, counted by kind; the commonest first."""
    dropped_events: dict[str, int]
    """Events that the settings leave out, counted by reason."""


def describe(recordings: Recordings, parts: Mapping[str, Sequence[Session]], windowing: FixedWindows) -> Description:
    sessions = recordings.sessions
    rest = unused(sessions, parts)
    divided = {**parts, UNUSED: rest} if rest else parts
    events = [event for session in sessions for event in session.events]
    return Description(
        home=recordings.home.name,
        synthetic=recordings.home.synthetic,
        sessions=len(sessions),
        groups=len({session.group for session in sessions}),
        events=len(events),
        events_of_several_activities=sum(len(event.activities) > 1 for event in events),
        subjects=dict(sorted(Counter(visible(subject) for event in events for subject in event.subjects).items())),
        time=_time_span(sessions),
        activities=_activity_counts(recordings.home, divided),
        parts={name: _part_counts(held, windowing) for name, held in divided.items()},
        repairs=by_kind(recordings.repairs),
        dropped_events=dict(recordings.dropped_events),
    )


def by_kind(notices: Sequence[Notice]) -> dict[str, int]:
    """How many notices of each kind, the commonest first."""
    return dict(Counter(notice.kind for notice in notices).most_common())


def in_words(notices: Sequence[Notice]) -> list[str]:
    """A sentence for each notice about a whole file or dataset; of those about single lines, which may be thousands, the
    first of each kind, and how many there are."""
    whole = [str(notice) for notice in notices if notice.line is None]
    of_lines = [notice for notice in notices if notice.line is not None]
    first = {notice.kind: notice for notice in reversed(of_lines)}
    return [*whole, *(f"{count:,} x {kind}, as in {first[kind]}" for kind, count in by_kind(of_lines).items())]


def _time_span(sessions: Sequence[Session]) -> TimeSpan:
    times = [event.time for session in sessions for event in session.events]
    lengths = [_seconds_of(session) for session in sessions if session.events]
    return TimeSpan(
        earliest=min(times, default=None),
        latest=max(times, default=None),
        shortest_session_seconds=min(lengths, default=0),
        longest_session_seconds=max(lengths, default=0),
        recorded_seconds=sum(lengths),
    )


def _seconds_of(session: Session) -> int:
    """From the first event to the last; where there are no dates, an earlier time of day means that midnight has passed."""
    return round(sum(earlier.seconds_until(later) for earlier, later in pairwise(session.events)))


def _activity_counts(home: Home, parts: Mapping[str, Sequence[Session]]) -> list[ActivityCounts]:
    counts = {
        name: Counter(number for session in held for event in session.events for number in event.activities)
        for name, held in parts.items()
    }
    return [
        ActivityCounts(
            number, visible(name), number in home.null_class, {part: count[number] for part, count in counts.items()}
        )
        for number, name in home.activities.items()
    ]


def _part_counts(sessions: Sequence[Session], windowing: FixedWindows) -> PartCounts:
    return PartCounts(
        sessions=len(sessions),
        session_ids=[session.id for session in sessions],
        events=sum(len(session.events) for session in sessions),
        windows=sum(1 for session in sessions for _ in windowing.cut(session)),
        excluded_events=sum(windowing.excluded(session) for session in sessions),
        unlabelled_events=sum(not event.activities for session in sessions for event in session.events),
    )
