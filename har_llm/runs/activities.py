"""What a run says of the activities in a home, by name and over time: the sheets of its events and of its segments.

They are made of the rows of predictions.jsonl, by one way of parsing. No score is in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from itertools import chain, groupby, pairwise
from typing import NamedTuple

from har_llm.common.tables import Cell, Sheet
from har_llm.data.records import Moment, after, clock_text, elapsed, seconds_between, utc_offset
from har_llm.runs.facts import label
from har_llm.runs.result import Metrics, PredictionRow
from har_llm.scoring.names import cause_name
from har_llm.scoring.segments import LONGEST_HOLD, segments

SEVERAL = "; "
"""Between the names of an event's gold activities."""
MOMENTS = ("start", "last_event", "end")
OFFSET = ("utc_offset",)
SEGMENT_COLUMNS: Mapping[str, type] = {
    "session": str,
    **dict.fromkeys(MOMENTS, str),
    **dict.fromkeys(OFFSET, str),
    "minutes": float,
    "activity": str,
    "events": int,
}
"""What is known of a segment, and the type of each. utc_offset: of the clock at its start, if it is known."""


class PredictedSegment(NamedTuple):
    """A segment of a session's predicted activities."""

    session: str
    activity: int
    start: Moment
    """When its first event happens."""
    last_event: Moment
    end: Moment
    """When the activity of its last event ends."""
    seconds: float
    events: int


def predicted_segments(rows: Iterable[PredictionRow], parsing: str) -> Iterator[PredictedSegment]:
    """The segments of each session, by their start. `rows`: all of a run, in order. Raises ValueError for a time that is
    none.

    The last event of a session holds until the first of the next one, where that is at most LONGEST_HOLD later: a recording
    that is cut into days has no wall at midnight.
    """
    held = ((name, _held(group, parsing)) for name, group in groupby(rows, key=lambda row: row.session))
    for (session, events), following in pairwise(chain(held, [("", [])])):
        moments, activities = (list(column) for column in zip(*events, strict=True))
        later = [moment for moment, _ in following[1][:1] if holds_on(moments[-1], moment)]
        moments, seconds = [*moments, *later], elapsed([*moments, *later])
        for one in segments(seconds, [*activities, *([()] * len(later))]):
            # By the clock of the next event where that ends it: the clocks may have changed meanwhile.
            meets = one.last + 1 < len(moments) and one.end == seconds[one.last + 1]
            end = moments[one.last + 1] if meets else after(moments[one.last], one.end - seconds[one.last])
            length = one.end - one.start
            yield PredictedSegment(session, one.activity, moments[one.first], moments[one.last], end, length, one.events)


def _held(rows: Iterable[PredictionRow], parsing: str) -> list[tuple[Moment, tuple[int, ...]]]:
    said = ((row.moment, row.parsed(parsing).activity) for row in rows)
    return [(moment, () if activity is None else (activity,)) for moment, activity in said]


def holds_on(last: Moment, later: Moment) -> bool:
    """Whether another session begins soon enough after this one's last event."""
    dated = isinstance(last, datetime) and isinstance(later, datetime)
    return dated and 0 <= seconds_between(last, later) <= LONGEST_HOLD


def event_sheet(metrics: Metrics, rows: Sequence[PredictionRow], parsing: str) -> Sheet:
    """A row for each event: its activity by name, or why it has none; its gold, in a run that has any."""
    when = {"date": date, "time": time, **dict.fromkeys(_offset(rows), str)}
    columns = {"session": str, **when, "id": int, "event": str, "activity": str, "missed": str}
    gold, more = {"gold": str} if metrics.has_gold else {}, dict.fromkeys(_marked(metrics), str)
    return Sheet({**columns, **gold, **more}, _event_rows(metrics, rows, parsing))


def _event_rows(metrics: Metrics, rows: Sequence[PredictionRow], parsing: str) -> Iterator[Sequence[Cell]]:
    names, more, offset = metrics.activities, _marked(metrics).values(), _offset(rows)
    for row in rows:
        moment = row.moment
        day, clock = (moment.date(), moment.time()) if isinstance(moment, datetime) else (None, moment)
        when = (day, clock, *([clock_zone(row.utc_offset)] * len(offset)))
        gold = (SEVERAL.join(names[number] for number in row.gold),) if metrics.has_gold else ()
        yield (row.session, *when, row.id, row.event, *said_of(row, names, parsing), *gold, *more)


def clock_zone(offset: str | None) -> str | None:
    """An offset as sheets and frames have it: a spreadsheet takes "+02:00" for a formula."""
    return None if offset is None else f"UTC{offset}"


def _offset(rows: Sequence[PredictionRow]) -> Sequence[str]:
    """The column of the clock's offset, if any is known."""
    return OFFSET if any(row.utc_offset is not None for row in rows) else ()


def said_of(row: PredictionRow, names: Mapping[int, str], parsing: str) -> tuple[str | None, str | None]:
    """The name of an event's predicted activity; or else why it has none."""
    prediction = row.parsed(parsing)
    if prediction.activity is not None:
        return names[prediction.activity], None
    return None, row.excluded or cause_name(prediction.missed or "")


def segment_sheet(metrics: Metrics, rows: Sequence[PredictionRow], parsing: str) -> Sheet:
    """A row for each predicted segment; where there are no dates, its times are texts."""
    dated, more = all(row.date is not None for row in rows), _marked(metrics)
    known = {name: kind for name, kind in SEGMENT_COLUMNS.items() if name not in {*OFFSET} - {*_offset(rows)}}
    kinds = {name: datetime if name in MOMENTS and dated else kind for name, kind in known.items()}
    found = (segment_cells(one, metrics.activities, texts=not dated) for one in predicted_segments(rows, parsing))
    said = ((*(cells[name] for name in known), *more.values()) for cells in found)
    return Sheet({**kinds, **dict.fromkeys(more, str)}, said)


def segment_cells(one: PredictedSegment, names: Mapping[int, str], *, texts: bool) -> Mapping[str, Cell]:
    """Those of SEGMENT_COLUMNS. `texts`: whether its times are texts."""
    moments = (one.start, one.last_event, one.end)
    shown = [clock_text(moment) if texts else moment.replace(tzinfo=None) for moment in moments]
    cells = (one.session, *shown, clock_zone(utc_offset(one.start)), one.seconds / 60, names[one.activity], one.events)
    return dict(zip(SEGMENT_COLUMNS, cells, strict=True))


def _marked(metrics: Metrics) -> dict[str, str]:
    """A column with what is synthetic or partial about the run, because its results are read without their directory."""
    marked = label(metrics)
    return {"marked": marked} if marked else {}
