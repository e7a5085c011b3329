"""What the page's script reads: the content of every block, as records whose fields assets/*.js read by name.

Numbers that people read are text already, so that a page shows a score as every table does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from har_llm.scoring.metrics import Confusion

Value = TypeVar("Value")


@dataclass(frozen=True)
class Index:
    """What the page shows first, and what it needs to find the rest: the block "index"."""

    version: str
    """Of har_llm."""
    headline: str
    parsing: str
    metrics: Sequence[str]
    status: Sequence[tuple[str, int]]
    """What must be said of runs beside their results, and of how many it must."""
    everywhere: bool
    """Whether something must be said of each."""
    most_bytes: int
    """Of prompts and generations; beyond it, they are left out."""
    runs: Sequence[RunEntry]
    datasets: Sequence[DatasetEntry]
    tables: Sequence[TableEntry]
    figures: Sequence[FigureEntry]


@dataclass(frozen=True)
class RunEntry:
    name: str
    """Of its directory."""
    label: str
    """What the page calls it."""
    status: str
    """What must be said beside its results; may be empty."""
    part: str
    model_id: str
    decoding: str
    samples: int
    sessions: int
    windows: int
    events: int
    excluded_events: Mapping[str, int]
    """Counted by reason."""
    windows_left_out: int
    """Windows whose prompt and generations are not in the page."""
    no_files: Sequence[str]
    """What its directory lacks."""
    scores: Mapping[str, Mapping[str, Score]]
    """By parsing, then by metric: of all events, over sessions."""


@dataclass(frozen=True)
class Score:
    """In percent; each empty where there is none."""

    mean: str
    std: str
    interval: str
    """ "12.50 to 13.75"."""


@dataclass(frozen=True)
class DatasetEntry:
    name: str
    activities: Sequence[tuple[int, str]]
    runs: Sequence[int]
    """Their places in the index."""
    sessions: int
    events: int


@dataclass(frozen=True)
class TableEntry:
    title: str
    columns: Sequence[str]
    numeric: Sequence[bool]
    """Which of the columns are set to the right."""
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]


@dataclass(frozen=True)
class FigureEntry:
    """Its picture is a block "figure-N"."""

    title: str
    caption: str


@dataclass(frozen=True)
class RunDetails:
    """What only the view of one run needs. A block "run-N" holds it by parsing, then by which events are scored."""

    confusion: Confusion
    per_class: Sequence[ActivityScores]


@dataclass(frozen=True)
class ActivityScores:
    """An activity over all events; shares are in percent."""

    activity: int
    name: str
    precision: str
    recall: str
    f1: str
    support: int
    predicted: int


@dataclass(frozen=True)
class DatasetContent:
    """All that the page holds of a dataset, in columns over the events of all its sessions: a block "data-N"."""

    sessions: Sequence[Session]
    id: Sequence[int]
    time: Sequence[str]
    event: Column[str]
    gold: Column[Sequence[int]]
    subjects: Column[Sequence[str]]
    codes: Sequence[Meaning]
    """What the characters of the runs' predictions stand for."""
    runs: Sequence[RunContent]
    columns: Sequence[str | Sequence[int]]
    """Of the runs: many have the same."""


@dataclass(frozen=True)
class Session:
    """Sessions stand one after the other."""

    name: str
    data: int
    """1, or more where runs have other events under the same name."""
    events: int


@dataclass(frozen=True)
class Column(Generic[Value]):
    """Values, and the number of that of each event."""

    values: Sequence[Value]
    at: Sequence[int]


@dataclass(frozen=True)
class Predicted:
    activity: int | None


@dataclass(frozen=True)
class Missed:
    missed: str
    """The cause."""


@dataclass(frozen=True)
class Excluded:
    excluded: str
    """The reason."""


Meaning = Predicted | Missed | Excluded | None
"""None: the run does not have the event."""


@dataclass(frozen=True)
class RunContent:
    """What a run predicts: in each parsing a character for every event."""

    strict: str
    lenient: str
    windows: int
    """Which of the dataset's columns has the window that answers for an event, or -1."""
    shown: int
    """Which has the id that the prompt gives it, or -1."""
    scored: int
    """Which has "1" for a scored event."""
    places: Sequence[Sequence[int]]
    """[session, window, id of its first event as shown, events, chunk and place of its prompt, of each generation]"""
    votes: Mapping[str, Sequence[Mapping[str, str]]]
    """ "session/window": by parsing, what each of several generations predicts of the events that the window answers for."""


@dataclass(frozen=True)
class Generation:
    """A block "generation-N" holds some. Reasoning and answer are the whole text."""

    reasoning: str
    answer: str | None
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    key: str


@dataclass(frozen=True)
class Prompts:
    """A block "prompt-N"."""

    begins: Sequence[str]
    """What all these prompts begin with, message by message: all but the events of the window."""
    prompts: Sequence[Sequence[tuple[str, str]]]
    """Of each message, its role and the rest of it."""
