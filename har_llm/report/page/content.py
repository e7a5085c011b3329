"""Defines what the page's script reads: the content of every block, as records whose fields assets/*.js read by name.

Scores are texts here, so that the page shows them exactly as the tables do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from har_llm.scoring.metrics import Confusion

Value = TypeVar("Value")


@dataclass(frozen=True)
class Index:
    """The block "index": what the page shows first, and what it needs to find the other blocks."""

    version: str
    """Version of har_llm."""
    headline: str
    parsing: str
    metrics: Sequence[str]
    status: Sequence[tuple[str, int]]
    """What is synthetic or partial about runs, and the number of runs to which it applies."""
    most_bytes: int
    """Most bytes of prompts and generations; further ones are left out."""
    standing: Sequence[StandingEntry]
    runs: Sequence[RunEntry]
    datasets: Sequence[DatasetEntry]
    tables: Sequence[TableEntry]
    figures: Sequence[FigureEntry]


@dataclass(frozen=True)
class StandingEntry:
    """What is asked first of the runs on the same events."""

    title: str
    label: str
    """What is synthetic or partial about all runs that are named; may be empty."""
    answers: Sequence[tuple[str, str]]
    """Pairs of question and answer."""
    best: int
    """Position of the best run in the index."""


@dataclass(frozen=True)
class RunEntry:
    name: str
    """Name of the run's directory."""
    label: str
    """The run's name in the page."""
    status: str
    """What is synthetic or partial about the run; may be empty."""
    written: str
    """When its directory was written, in UTC."""
    part: str
    model_id: str
    decoding: str
    samples: int
    sessions: int
    windows: int
    events: int
    excluded_events: Mapping[str, int]
    """Number of excluded events by reason."""
    repairs: Sequence[str]
    """What was repaired or noticed in the whole dataset, in words."""
    windows_left_out: int
    """Number of windows whose prompt and generations are not in the page."""
    no_files: Sequence[str]
    """Names of files that are missing in its directory."""
    scores: Mapping[str, Mapping[str, Score]]
    """Scores over sessions, by parsing, then by metric."""


@dataclass(frozen=True)
class Score:
    """A metric over sessions, in percent. Texts are empty if there is no value."""

    mean: str
    std: str
    interval: str
    """ "12.50 to 13.75"."""


@dataclass(frozen=True)
class DatasetEntry:
    name: str
    activities: Sequence[tuple[int, str]]
    runs: Sequence[int]
    """Positions of its runs in the index."""
    together: Sequence[PooledEntry]
    """Those of its runs that are folds of a cross-validation."""
    sessions: int
    events: int


@dataclass(frozen=True)
class PooledEntry:
    """The folds of a cross-validation, which say together what is done on all days."""

    label: str
    runs: Sequence[int]
    """Positions in the index."""


@dataclass(frozen=True)
class TableEntry:
    title: str
    columns: Sequence[str]
    numeric: Sequence[bool]
    """For each column, whether it holds numbers and is aligned right."""
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    folded: bool
    """Whether its rows are shown only when asked."""


@dataclass(frozen=True)
class FigureEntry:
    """A figure; its picture is a block "figure-N"."""

    title: str
    caption: str


@dataclass(frozen=True)
class RunDetails:
    """What only the view of a single run needs. A block "run-N" holds it by parsing, then by variant of the scores."""

    confusion: Confusion
    per_class: Sequence[ActivityScores]


@dataclass(frozen=True)
class ActivityScores:
    """Scores of an activity over all events, in percent, and its numbers of events."""

    activity: int
    name: str
    precision: str
    recall: str
    f1: str
    support: int
    predicted: int


@dataclass(frozen=True)
class DatasetContent:
    """A block "data-N": the events of all sessions of a dataset, as columns, and the predictions of all runs."""

    sessions: Sequence[Session]
    id: Sequence[int]
    date: Column[Sequence[str | None]]
    """YYYY-MM-DD and the clock's offset from UTC, "+02:00"; None where the recording says no dates, or no offsets."""
    time: Sequence[str]
    event: Column[str]
    gold: Column[Sequence[int]]
    subjects: Column[Sequence[str]]
    codes: Sequence[Meaning]
    """Meanings of the characters in the runs' predictions."""
    runs: Sequence[RunContent]
    columns: Sequence[str | Sequence[int]]
    """Columns of the runs. Runs with equal columns share them."""


@dataclass(frozen=True)
class Session:
    """A session. The events of sessions follow one another in the columns."""

    name: str
    data: int
    """1; 2 and more for sessions of the same name with other events."""
    events: int


@dataclass(frozen=True)
class Column(Generic[Value]):
    """Different values, and for each event the position of its value."""

    values: Sequence[Value]
    at: Sequence[int]


@dataclass(frozen=True)
class Predicted:
    activity: int | None
    resident: int | None = None
    """Who caused the event, as a number that counts within its window; None where nothing is said of it."""


@dataclass(frozen=True)
class Missed:
    missed: str
    """The cause why the event is missed."""


@dataclass(frozen=True)
class Excluded:
    excluded: str
    """The reason why the event is excluded."""


Meaning = Predicted | Missed | Excluded | None
"""None if the run does not have the event."""


@dataclass(frozen=True)
class RunContent:
    """A run's predictions: a character for every event, for both ways of parsing."""

    strict: str
    lenient: str
    windows: int
    """Position of the column with the window that answers for each event, or -1."""
    shown: int
    """Position of the column with the id of each event in its prompt, or -1."""
    scored: int
    """Position of the column with "1" for each scored event."""
    places: Sequence[Sequence[int]]
    """For each window: session, window, id of its first event in the prompt, number of events, and then chunk and
    position of the prompt and of each generation."""
    votes: Mapping[str, Sequence[Mapping[str, str]]]
    """Predictions of each generation, if there are several: by "session/window", then by parsing, a character for each event
    that the window answers for."""


@dataclass(frozen=True)
class Generation:
    """A generation of a block "generation-N"."""

    reasoning: str
    answer: str | None
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    key: str


@dataclass(frozen=True)
class Prompts:
    """A block "prompt-N" with several prompts."""

    begins: Sequence[str]
    """For each message, the beginning that all prompts share; only the window's events differ."""
    prompts: Sequence[Sequence[tuple[str, str]]]
    """For each message of each prompt, its role and the rest of its content."""
