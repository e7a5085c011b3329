"""Shows what a finished run says of the activities in a home, day by day, without any score."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import TYPE_CHECKING

from har_llm.common.console import console, plain, show_table
from har_llm.common.numbers import counted, duration, percent
from har_llm.common.tables import Table
from har_llm.data.records import WEEKDAYS, Moment
from har_llm.report.terminal.run import show_head, show_notes
from har_llm.runs.activities import PredictedSegment, moment_text, predicted_segments
from har_llm.runs.directory import EVENTS_CSV, SEGMENTS_CSV, RunResult
from har_llm.runs.facts import described, label
from har_llm.runs.result import Metrics, PredictionRow
from har_llm.scoring.names import cause_name
from har_llm.scoring.segments import LONGEST_HOLD

if TYPE_CHECKING:
    from har_llm.sweep.job import Job

DAYS = 7
"""The first days are shown; a recording may have hundreds."""
SEGMENTS = 40
"""Of each."""
NOTICES = 5
"""Most that are shown."""
RULE = (
    f"An activity holds until the next event, at most {LONGEST_HOLD // 3600} hours; a longer gap, or an event with another "
    f"activity, ends its segment."
)


def show_jobs(jobs: Sequence[Job]) -> None:
    """Show the run of each job that has one."""
    for job in jobs:
        if job.result is not None and job.experiment is not None:
            show_predictions(job.result, parsing=job.experiment.settings.metrics.parsing, fresh=job.fresh)


def show_predictions(result: RunResult, *, parsing: str, fresh: bool) -> None:
    """Show the segments of the first days, how long each activity takes in all, and where the files are."""
    out, metrics = console(), result.metrics
    without: Counter[str] = Counter()
    dates: dict[str, None] = {}
    segments = list(predicted_segments(_noted(result.predictions(), parsing, without, dates), parsing))
    days = [(title, list(group)) for title, group in groupby(segments, key=_day)]
    shown = "day" if any(isinstance(one.start, datetime) for one in segments) else "session"
    counts = (metrics.events, "event"), (len(segments), "segment"), (len(dates), shown)
    title = f"{described(metrics)}: {', '.join(counted(*one) for one in counts)}"
    show_head(out, title, label(metrics))
    if not fresh:
        out.print("This run was finished before; nothing was generated again.", style="dim")
    for name, held in islice(days, DAYS):
        show_table(out, _day_table(name, held, metrics), most=SEGMENTS)
    if len(days) > DAYS:
        out.print(f"\n... and {counted(len(days) - DAYS, f'more {shown}')} ({SEGMENTS_CSV})")
    show_table(out, _time_table(segments, metrics))
    show_notes(
        out,
        [
            *_of_files(result),
            *_notes(metrics, parsing, without),
            f"task=report 'runs=[{result.folder.name}]' draws the days.",
        ],
    )
    show_head(out, f"\n{title}", label(metrics))  # again, as the beginning has gone past by now
    for what, path in (("Events", result.folder / EVENTS_CSV), ("Segments", result.folder / SEGMENTS_CSV)):
        out.print(plain(f"{what}: {path}"), soft_wrap=True)


def _noted(
    rows: Iterable[PredictionRow], parsing: str, without: Counter[str], dates: dict[str, None]
) -> Iterator[PredictionRow]:
    """The rows, while those without an activity are counted by their reason, and the days (or sessions) noted."""
    for row in rows:
        if row.excluded is None:
            dates[row.date or row.session] = None
        prediction = row.parsed(parsing)
        if prediction.activity is None:
            without[row.excluded or cause_name(str(prediction.missed))] += 1
        yield row


def _day(segment: PredictedSegment) -> str:
    """The day on which the segment begins, as far as it is known, and its session."""
    session, start = segment.session, segment.start
    if not isinstance(start, datetime):
        return session
    date = start.date().isoformat()
    return f"{WEEKDAYS[start.weekday()]} {date}" + ("" if session == date else f", {session}")


def _day_table(title: str, segments: Sequence[PredictedSegment], metrics: Metrics) -> Table:
    rows = [
        [_clock(one.start), _clock(one.end), _lasting(one.seconds), metrics.activities[one.activity], f"{one.events:,}"]
        for one in segments
    ]
    return Table("segments", title, ["from", "to", "for", "activity", "events"], rows)


def _time_table(segments: Sequence[PredictedSegment], metrics: Metrics) -> Table:
    """How long each activity takes, the longest first."""
    seconds: dict[int, float] = defaultdict(float)
    for one in segments:
        seconds[one.activity] += one.seconds
    count, total = Counter(one.activity for one in segments), sum(seconds.values())
    rows = [
        [
            metrics.activities[activity],
            _lasting(lasting),
            percent(lasting / total if total else None),
            f"{count[activity]:,}",
        ]
        for activity, lasting in sorted(seconds.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Table("time", "Activities in all", ["", "for", "% of the time", "segments"], rows, [RULE])


def _clock(moment: Moment) -> str:
    return moment_text(moment)[-8:]


def _lasting(seconds: float) -> str:
    return duration(seconds / 3600)


def _of_files(result: RunResult) -> Iterator[str]:
    """What was noticed of a whole file while it was read, such as times in UTC; task=describe counts what is of rows."""
    for notice in [one for one in result.data.repairs if one.line is None][:NOTICES]:
        yield f"{notice.path}: {notice.message}."


def _notes(metrics: Metrics, parsing: str, without: Counter[str]) -> Iterator[str]:
    for reason, count in without.most_common():
        yield f"{counted(count, 'event')} without an activity: {reason}."
    if parsing != (written := metrics.shown.parsing):
        yield (
            f"{EVENTS_CSV} and {SEGMENTS_CSV} are of the {written} parsing, with which this run was made; delete its "
            f"directory and run this command again for the {parsing} one: the generations are kept."
        )
