"""How the time in a home was spent, as a run says it: how long each activity, and how much nobody knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from har_llm.common.numbers import counted, duration, percent
from har_llm.data.records import seconds_between
from har_llm.runs.activities import PredictedSegment, holds_on, predicted_segments, said_of
from har_llm.runs.result import PredictionRow
from har_llm.scoring.segments import LONGEST_HOLD

RULE = (
    f"An activity holds until the next event, at most {LONGEST_HOLD // 3600} hours; a longer gap, or an event with another "
    f"activity, ends it."
)
NOT_KNOWN = "(not known)"
COLUMNS = ("activity", "in all", "a day", "% of the time", "times")


@dataclass
class TimeSpent:
    """What a run says of a home in all."""

    segments: Sequence[PredictedSegment] = ()
    events: int = 0
    without: Counter[str] = field(default_factory=Counter)
    """Events without an activity, by reason."""
    days: dict[str, None] = field(default_factory=dict)
    """The dates of the events that a model was shown; where there are none, their sessions."""
    dated: bool = False
    seconds: float = 0.0
    """How long the home was recorded: from each event until the next, at most LONGEST_HOLD."""

    def cells(self, names: Mapping[int, str]) -> Iterator[list[str]]:
        """A row of COLUMNS for each activity, the longest first; then what nobody knows."""
        seconds: dict[int, float] = defaultdict(float)
        for one in self.segments:
            seconds[one.activity] += one.seconds
        times = Counter(one.activity for one in self.segments)
        for activity, lasting in sorted(seconds.items(), key=lambda item: (-item[1], item[0])):
            yield self._row(names[activity], lasting, f"{times[activity]:,}")
        if (rest := self.seconds - sum(seconds.values())) >= 0.5:
            yield self._row(NOT_KNOWN, rest, "")

    def _row(self, name: str, seconds: float, times: str) -> list[str]:
        daily = duration(seconds / 3600 / len(self.days)) if self.dated and self.days else ""
        return [name, duration(seconds / 3600), daily, percent(seconds / self.seconds if self.seconds else None), times]

    def missing(self) -> Iterator[str]:
        """A sentence, if events have no activity."""
        if count := self.without.total():
            reasons = ", ".join(f"{number:,} {reason}" for reason, number in self.without.most_common())
            share = percent(count / self.events)
            yield f"{count:,} of {counted(self.events, 'event')} ({share} %) without an activity: {reasons}."


def time_spent(rows: Iterable[PredictionRow], names: Mapping[int, str], parsing: str) -> TimeSpent:
    """`rows`: all of a run, in order. Raises ValueError for a time that is none."""
    found = TimeSpent()
    found.segments = list(predicted_segments(_noted(rows, names, parsing, found), parsing))
    return found


def _noted(
    rows: Iterable[PredictionRow], names: Mapping[int, str], parsing: str, found: TimeSpent
) -> Iterator[PredictionRow]:
    """The rows, while what they say is counted."""
    before: PredictionRow | None = None
    for row in rows:
        found.events += 1
        found.dated |= row.date is not None
        if row.excluded is None:
            found.days[row.date or row.session] = None
        if (reason := said_of(row, names, parsing)[1]) is not None:
            found.without[reason] += 1
        if before is not None and (before.session == row.session or holds_on(before.moment, row.moment)):
            found.seconds += min(max(0.0, seconds_between(before.moment, row.moment)), LONGEST_HOLD)
        before = row
        yield row
