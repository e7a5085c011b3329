"""What a finished run says: the types of the files in its directory. `directory` reads and writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from har_llm.common.errors import Notice
from har_llm.data.describe import Description
from har_llm.scoring.metrics import ParsedScores, SessionMean
from har_llm.scoring.parsing import Prediction

if TYPE_CHECKING:
    AnyText = str
else:
    from annotated_types import Predicate

    AnyText = Annotated[Any, Predicate(lambda value: isinstance(value, str))]
"""A text of a model or of a user's files, as pydantic is to check it: any string, also one with the lone surrogates that its
own `str` refuses, because UTF-8 has no form for them."""

FORMAT = 3
"""Raised when the content of a run directory changes; a directory of another format is not read."""


@dataclass(frozen=True)
class Distillation:
    """What a distilled adapter was trained on."""

    teacher: str
    dataset: str
    sessions: int
    all_sessions: bool
    """Whether all sessions of the training part were asked for."""
    windows: int
    uses_gold: bool
    """Whether gold activities chose the examples, or the events that these show."""


@dataclass(frozen=True)
class RunAdapter:
    """The LoRA adapter of a run."""

    name: str
    """lora.name."""
    label: str
    """What run directories call it."""
    id: str
    """Hub id, or "local", or "distilled"."""
    revision: str
    """Commit, digest of the files, or the key of its recipe."""
    distillation: Distillation | None = None
    """None for one that was not made here."""


@dataclass(frozen=True)
class Choices:
    """What else was chosen, each as its kind and settings. Equal prompts have equal digests."""

    window: Mapping[str, Any]
    prompt: Mapping[str, Any]
    split: Mapping[str, Any]
    generation: Mapping[str, Any]


@dataclass(frozen=True)
class Versions:
    """Of the code that made predictions and scores of the generations."""

    parsing: int
    metrics: int


@dataclass(frozen=True)
class Shown:
    """What the run's command showed first; whoever reads the run may choose otherwise."""

    headline: str
    parsing: str


@dataclass(frozen=True)
class Metrics:
    """metrics.json: what was run, and every score in both ways of parsing."""

    format: int
    provenance: str | None
    """What is synthetic about it."""
    partial: bool
    """Whether `limit` leaves windows of the part out."""
    limit: int | None
    dataset: str
    part: str
    model: str
    model_id: str
    parameters: int | None
    """Number of the model's weights, without an adapter's."""
    adapter: RunAdapter | None
    decoding: str
    samples: int
    """Generations of each window."""
    seed: int
    choices: Choices
    sessions: int
    """Scored and shown ones, as are windows and events."""
    windows: int
    events: int
    activities: Mapping[int, str]
    """Names by number."""
    null_class: Sequence[int]
    excluded_events: Mapping[str, int]
    """Events that no window shows, counted by reason."""
    versions: Versions
    shown: Shown
    strict: ParsedScores
    lenient: ParsedScores

    def parsed(self, parsing: str) -> ParsedScores:
        """The scores of one of PARSINGS."""
        scores: ParsedScores = getattr(self, parsing)
        return scores

    def headline(self, metric: str, parsing: str) -> SessionMean:
        """A metric of all events, over sessions."""
        return self.parsed(parsing).all.mean[metric]


@dataclass(frozen=True)
class GeneratedBy:
    """What wrote some of a run's generations."""

    engine: str
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the libraries that matter."""
    hardware: str | None = None
    """None where the model ran elsewhere."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """As in Environment."""
    provenance: str | None = None
    server: str | None = None
    adapter_weights: str | None = None
    """Digest of the weights of an adapter that was made here."""


@dataclass(frozen=True)
class Environment:
    """environment.json: what a run was made with, and what it took."""

    provenance: str | None
    har_llm: str
    code: str | None
    """Commit of a checkout."""
    python: str
    platform: str
    versions: Mapping[str, str]
    model: Mapping[str, Any]
    """What decides what the model writes: id, revision, dtype, adapter, and what the engine changes."""
    generated_by: Sequence[GeneratedBy]
    """One for each engine, version and machine."""
    engine_seconds: float
    prompt_tokens: int
    completion_tokens: int
    finish_reasons: Mapping[str, int]
    """Generations by how they ended; equal prompts share one."""


@dataclass(frozen=True)
class Data:
    """data.json: what the dataset held."""

    provenance: str | None
    description: Description
    repairs: Sequence[Notice]
    """Every one, by file below paths.data and line."""


@dataclass(frozen=True)
class SampleEvent:
    id: int
    """As the prompt shows it."""
    time: str
    event: AnyText


@dataclass(frozen=True)
class Sample:
    """sample.json: one event to look at, with its window and what the model wrote."""

    provenance: str | None
    session: AnyText
    event: int
    """Its place in the window."""
    window: Sequence[SampleEvent]
    reasoning: AnyText
    answer: AnyText | None
    """None where the reasoning was never closed."""
    gold: Sequence[AnyText]
    predicted: Mapping[str, AnyText]
    """By way of parsing."""
    generation: str
    """Its key."""


@dataclass(frozen=True)
class SampledPrediction:
    """What one of several generations says of an event."""

    generation: str
    generation_digest: str
    strict: Prediction
    lenient: Prediction

    def parsed(self, parsing: str) -> Prediction:
        """The prediction of one of PARSINGS."""
        prediction: Prediction = getattr(self, parsing)
        return prediction


NO_PREDICTION = Prediction()
"""Of an event that no window shows."""


@dataclass(frozen=True)
class PredictionRow:
    """A line of predictions.jsonl: an event of the part, with both ways of parsing, or why no window shows it."""

    session: AnyText
    id: int
    """Position in its session, from 0."""
    time: str
    event: AnyText
    gold: tuple[int, ...]
    subjects: tuple[AnyText, ...]
    scored: bool
    excluded: str | None = None
    """Why no window shows it; then all of the following is absent."""
    window: int | None = None
    """The window that answers for it, by its index in the session."""
    shown_id: int | None = None
    """The id that the prompt gives it."""
    strict: Prediction = NO_PREDICTION
    lenient: Prediction = NO_PREDICTION
    generation: str | None = None
    """Key of the generation, the first of several."""
    generation_digest: str | None = None
    samples: tuple[SampledPrediction, ...] = ()
    """Where there are several generations, what each of them says."""
    provenance: str | None = None

    def parsed(self, parsing: str) -> Prediction:
        """The prediction of one of PARSINGS."""
        prediction: Prediction = getattr(self, parsing)
        return prediction


@dataclass(frozen=True)
class WindowGeneration:
    """A generation, with its two parts."""

    key: str
    text: AnyText
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    reasoning: AnyText
    answer: AnyText | None


@dataclass(frozen=True)
class WindowRow:
    """A line of windows.jsonl: what the model was sent for a window, and what it wrote."""

    session: AnyText
    window: int
    messages: tuple[Mapping[str, AnyText], ...]
    ids: tuple[int, ...]
    generations: tuple[WindowGeneration, ...]
    provenance: str | None = None
