"""Shows what a finished run says of the activities in a home, day by day, without any score."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import TYPE_CHECKING

from har_llm.common.console import console, plain, show_table
from har_llm.common.numbers import counted, duration
from har_llm.common.tables import Table
from har_llm.data.records import WEEKDAYS, Moment, clock_text
from har_llm.report.terminal.run import show_head, show_notes
from har_llm.runs.activities import PredictedSegment
from har_llm.runs.directory import EVENTS_CSV, SEGMENTS_CSV, RunResult, times_understood
from har_llm.runs.facts import described, label, other_servers
from har_llm.runs.result import Metrics
from har_llm.runs.summary import dropped
from har_llm.runs.time_spent import COLUMNS, RULE, TimeSpent, time_spent

if TYPE_CHECKING:
    from har_llm.sweep.job import Job

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
"""As the sessions are called of a recording that is cut into days or at gaps."""
DAYS = 7
"""The first days are shown; a recording may have hundreds."""
SEGMENTS = 40
"""Of each."""
NOTICES = 5
"""Most that are shown."""


def show_jobs(jobs: Sequence[Job]) -> None:
    """Show the run of each job that has one."""
    for job in jobs:
        if job.result is not None and job.experiment is not None:
            parsing, server = job.experiment.settings.metrics.parsing, job.experiment.engine.about().get("server")
            show_predictions(job.result, parsing=parsing, fresh=job.fresh, server=server)


def show_predictions(result: RunResult, *, parsing: str, fresh: bool, server: str | None = None) -> None:
    """Show the segments of the first days, how long each activity takes in all, and where the files are. `server`: the one
    that would be asked now, if any."""
    out, metrics = console(), result.metrics
    with times_understood(result.folder):
        spent = time_spent(result.predictions(), metrics.activities, parsing)
    days = [(title, list(group)) for title, group in groupby(spent.segments, key=_day)]
    shown = "day" if spent.dated else "session"
    title = f"{described(metrics)}: {counted(metrics.events, 'event')}, {counted(len(spent.days), shown)}"
    show_head(out, title, label(metrics))
    if not fresh:
        out.print("This run was finished before; nothing was generated again.", style="dim")
    for name, held in islice(days, DAYS):
        show_table(out, _day_table(name, held, metrics), most=SEGMENTS)
    if len(days) > DAYS:
        out.print(f"\n... and {counted(len(days) - DAYS, f'more {shown}')} ({SEGMENTS_CSV})")
    show_table(out, _time_table(spent, metrics))
    show_notes(
        out,
        [
            *_of_files(result),
            *dropped(result.data.description),
            *spent.missing(),
            *_notes(metrics, parsing),
            *other_servers(result, server),
            f"task=report 'runs=[{result.folder.name}]' draws the days.",
        ],
    )
    show_head(out, f"\n{title}", label(metrics))  # again, as the beginning has gone past by now
    for what, path in (("Events", result.folder / EVENTS_CSV), ("Segments", result.folder / SEGMENTS_CSV)):
        out.print(plain(f"{what}: {path}"), soft_wrap=True)


def _day(segment: PredictedSegment) -> str:
    """The day on which the segment begins, as far as it is known, and its session, unless that is called by a date."""
    session, start = segment.session, segment.start
    if not isinstance(start, datetime):
        return session
    of_a_date = session if DATE.match(session) is None else ""
    return ", ".join(filter(None, (f"{WEEKDAYS[start.weekday()]} {start.date().isoformat()}", of_a_date)))


def _day_table(title: str, segments: Sequence[PredictedSegment], metrics: Metrics) -> Table:
    rows = [
        [_clock(one.start), _clock(one.end), _lasting(one.seconds), metrics.activities[one.activity], f"{one.events:,}"]
        for one in segments
    ]
    return Table("segments", title, ["from", "to", "for", "activity", "events"], rows)


def _time_table(spent: TimeSpent, metrics: Metrics) -> Table:
    return Table("time", "Activities in all", COLUMNS, list(spent.cells(metrics.activities)), [RULE]).without_empty("a day")


def _clock(moment: Moment) -> str:
    return clock_text(moment)[-8:]


def _lasting(seconds: float) -> str:
    return duration(seconds / 3600)


def _of_files(result: RunResult) -> Iterator[str]:
    """What was noticed of a whole file while it was read, such as times in UTC; task=describe counts what is of rows."""
    for notice in [one for one in result.data.repairs if one.line is None][:NOTICES]:
        yield f"{notice.path}: {notice.message}."


def _notes(metrics: Metrics, parsing: str) -> Iterator[str]:
    if parsing != (written := metrics.shown.parsing):
        yield (
            f"{EVENTS_CSV} and {SEGMENTS_CSV} are of the {written} parsing, with which this run was made; delete its "
            f"directory and run this command again for the {parsing} one: the generations are kept."
        )
