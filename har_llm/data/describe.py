"""What a dataset holds (task=describe), and what is wrong with its files (task=validate)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

from har_llm.common.errors import Notice
from har_llm.data.records import Home, Recordings, Session, Window
from har_llm.data.splits import unused

UNUSED = "unused"
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
