"""What several runs say of one event, as in table 3 of the paper. Texts of models and data are untrusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from har_llm.common.errors import ConfigError
from har_llm.common.tables import Table
from har_llm.common.text import suggestion
from har_llm.report.compare.extract import extract
from har_llm.report.scored_run import ScoredRun
from har_llm.runs.directory import RunResult
from har_llm.runs.facts import label
from har_llm.runs.result import PredictionRow, WindowRow
from har_llm.scoring.names import gold_names, prediction_name

NO_MENTION = "(its reasoning does not mention the event)"
NO_REASONING = "(no reasoning)"


def event_table(runs: Sequence[RunResult], event: str, parsing: str) -> Table:
    """A row for each run: its answer for the event, and what its reasoning says of it. `event`: SESSION/ID.

    Raises ConfigError if a run does not have the event, or has another one in its place, and MissingError for a damaged run.
    """
    session, _, number = event.rpartition("/")
    found = [_read(run, session, int(number), parsing) for run in runs]
    _check_same(event, found)
    names = Counter(one.name for one in found)
    rows = [[one.name if names[one.name] == 1 else f"{one.name} [{one.run.digest}]", one.answer, one.said] for one in found]
    notes = []
    if any(one.row.samples for one in found):
        notes.append("Of several generations, the first whose answer is the vote's is quoted.")
    return Table("event", f"Event {event}: {found[0].told}", ["run", "answer", "reasoning (extract)"], rows, notes)


@dataclass(frozen=True)
class _Found:
    """A run, and the event in it."""

    run: RunResult
    session: Sequence[PredictionRow]
    at: int
    """The event's place in its session."""
    window: WindowRow | None
    """None for an event that no window shows."""
    parsing: str

    @property
    def row(self) -> PredictionRow:
        return self.session[self.at]

    @property
    def told(self) -> str:
        """The event and its gold, in words."""
        gold = " or ".join(gold_names(self.row.gold, self.run.metrics.activities))
        return f'{self.row.time} "{self.row.event}", gold {gold}'

    @property
    def name(self) -> str:
        scored, synthetic = ScoredRun(self.run, self.parsing), label(self.run.metrics)
        return " ".join(filter(None, [scored.model_name, scored.adapter_name, synthetic and f"({synthetic})"]))

    @property
    def answer(self) -> str:
        if self.row.excluded is not None:
            return f"excluded: {self.row.excluded}"
        said = self.row.parsed(self.parsing)
        return prediction_name(said.activity, said.missed, self.run.metrics.activities)

    @property
    def said(self) -> str:
        """What the reasoning says of the event."""
        if self.window is None or self.row.shown_id is None:
            return ""
        voted = self.row.parsed(self.parsing)
        samples = [one.parsed(self.parsing) for one in self.row.samples]
        chosen = self.window.generations[samples.index(voted) if voted in samples else 0]
        if not chosen.reasoning:
            return NO_REASONING
        ids = self.window.ids
        place = ids.index(self.row.shown_id)
        shown = self.session[self.at - place : self.at - place + len(ids)]  # a window is a piece of its session
        events = [(one.time, one.event) for one in shown]
        return extract(chosen.reasoning, ids, events, place) or NO_MENTION


def _read(run: RunResult, session: str, number: int, parsing: str) -> _Found:
    rows = _session(run, session)
    at = next((at for at, row in enumerate(rows) if row.id == number), None)
    if at is None:
        raise ConfigError(
            f"{run.folder.name} has no event {number} in session {session}; its ids are {rows[0].id} to {rows[-1].id}."
        )
    window = next((one for one in run.windows() if (one.session, one.window) == (session, rows[at].window)), None)
    return _Found(run, rows, at, window, parsing)


def _session(run: RunResult, session: str) -> list[PredictionRow]:
    """The session's events, in order. Raises ConfigError if there are none."""
    rows = list(run.predictions())
    found = [row for row in rows if row.session == session]
    if not found:
        names = list(dict.fromkeys(row.session for row in rows))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        near = suggestion(session, names) or f" Its sessions are {', '.join(names[:3])}{more}."
        raise ConfigError(f"{run.folder.name} has no session {session!r}, which compare.event names.{near}")
    return found


def _check_same(event: str, found: Sequence[_Found]) -> None:
    first = found[0]
    for other in found[1:]:
        if other.told != first.told:
            raise ConfigError(
                f"Event {event} is {first.told} in {first.run.folder.name} and {other.told} in {other.run.folder.name}; "
                f"compare runs on the same data and dataset settings."
            )
