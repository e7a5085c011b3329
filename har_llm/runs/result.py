"""The types of the files in a run directory. `directory` reads and writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from har_llm.common.digest import canonical
from har_llm.common.notices import Notice
from har_llm.common.provenance import Provenance
from har_llm.common.typed_json import AnyText
from har_llm.config.settings import PARSINGS
from har_llm.data.describe import Description
from har_llm.data.records import Moment
from har_llm.scoring.metrics import ParsedScores, Scores, SessionMean
from har_llm.scoring.parsing import BothParsings
from har_llm.scoring.prediction import Prediction

FORMAT = 20
"""To be raised when the content of a run directory changes; a directory of another format is not read."""

UNNAMED = "adapter"
"""What conf/lora/adapter.yaml calls every adapter."""


@dataclass(frozen=True)
class Distillation:
    """What a distilled adapter was trained on."""

    method: str
    """lora.examples.method."""
    teacher: str | None
    """None for examples without a teacher."""
    dataset: AnyText
    """Whose training part the examples are about; or the file that they come from, by its name without a folder."""
    sessions: int
    """0 for a file."""
    all_sessions: bool
    """Whether the settings asked for all sessions of the training part."""
    windows: int
    """For a file: its rows."""
    uses_gold: bool | None
    """Whether gold activities were used for the examples or to choose them or their events; None if nobody knows."""
    steps: int | None = None
    """Of the training; None, like epochs, where an earlier version did not note it."""
    epochs: float | None = None


@dataclass(frozen=True)
class RunAdapter:
    """The LoRA adapter of a run."""

    name: str
    """lora.name."""
    label: str
    """Its name in the names of run directories."""
    id: str
    """Hub id, or "local", or "distilled"."""
    revision: str
    """Commit, digest of the files, or the key of its recipe."""
    distillation: Distillation | None = None
    """None for an adapter that was there before the run."""
    folder: AnyText | None = None
    """The last part of lora.path, for an adapter that was in a folder."""
    recipe: str | None = None
    """The key of its recipe, as the manifest beside its weights says; None without one."""
    origin: Distillation | None = None
    """What that manifest says that it was trained on."""

    @property
    def trained_on(self) -> Distillation | None:
        """None if nobody knows."""
        return self.distillation or self.origin

    @property
    def called(self) -> str:
        """By the name that the user gave it, or else by its folder, its id on the hub or its name on a server."""
        return self.label if self.label != UNNAMED else self.folder or self.id


@dataclass(frozen=True)
class RunBaseline:
    """What a run has in place of a language model."""

    kind: str
    mark: str
    """What its scores are marked with: "supervised", or "no labels"."""
    sessions: int
    """Sessions that it is trained on; 0 without labels."""
    events: int
    """Their events that have a gold activity."""
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Choices:
    """The other components of a run, each with its kind and settings. `prompt` has a digest of the rendered prompts, and
    `text_digest`, of a user's own text."""

    window: Mapping[str, Any]
    prompt: Mapping[str, Any]
    split: Mapping[str, Any]
    generation: Mapping[str, Any]


@dataclass(frozen=True)
class Versions:
    """The versions of the code that parsed and scored the generations."""

    parsing: int
    metrics: int


@dataclass(frozen=True)
class Shown:
    """The settings that the run's own command used to show it; a reader may choose others."""

    headline: str
    parsing: str


@dataclass(frozen=True)
class Metrics(BothParsings[ParsedScores]):
    """metrics.json: what was run, and every score in both parsing modes."""

    format: int
    provenance: Provenance
    """What is synthetic about it."""
    partial: bool
    """Whether `limit` leaves windows of the part out."""
    limit: int | None
    dataset: str
    part: str
    model: str
    model_id: str
    """Its id, or the name of its folder or file: no path of this machine."""
    parameters: int | None
    """Number of the model's weights, without the adapter."""
    adapter: RunAdapter | None
    decoding: str
    samples: int
    """Generations for each window."""
    seed: int
    generations_digest: str
    """Of the keys of all generations, in which a seed stands only where it changes anything: runs with the same ones are
    known, whatever their seeds. Texts would not do: two seeds may give the same short answers by chance."""
    choices: Choices
    sessions: int
    """Sessions, windows and events that the run shows to the model."""
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
    baseline: RunBaseline | None = None
    """None for a language model."""
    marks: Sequence[str] = ()
    """What must be shown beside its scores, each in words: gold that it has seen, sessions that it was trained on."""
    uses_gold: bool = False
    """Whether gold activities are in its prompt, or were used for the training of its model or its adapter."""

    @property
    def scored_on(self) -> str:
        """The events that are scored and the windows that show them, whatever answers: only runs with the same are held
        against each other."""
        events = (self.events, sorted(self.strict.all.sessions), self.null_class, self.strict.unscored_events)
        limit = self.limit if self.partial else None
        return canonical([self.dataset, self.part, limit, events, dict(self.choices.window), dict(self.choices.split)])

    @property
    def has_gold(self) -> bool:
        """Whether any of the events that it shows has a gold activity."""
        return self.strict.unlabelled_events < self.events

    @property
    def has_scores(self) -> bool:
        """Whether any event is scored. Without, every metric is None."""
        return self.strict.all.pooled.events > 0

    @property
    def model_name(self) -> str:
        """The model's name, with the mark of a baseline: "majority (supervised)"."""
        return self.model if self.baseline is None else f"{self.model} ({self.baseline.mark})"

    def all_scores(self) -> Iterator[tuple[str, str, Scores]]:
        """The scores of each parsing mode and each variant of the events, with their names."""
        for parsing in PARSINGS:
            for variant, scores in self.parsed(parsing).variants.items():
                yield parsing, variant, scores

    def headline(self, metric: str, parsing: str) -> SessionMean:
        """A metric of all events, over sessions."""
        return self.parsed(parsing).all.mean[metric]


@dataclass(frozen=True)
class GeneratedBy:
    """The engine, versions and hardware that made some of a run's generations."""

    engine: str
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of the engine's libraries."""
    hardware: str | None = None
    """None where the model ran elsewhere."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """As in Environment."""
    provenance: str | None = None
    adapter_weights: str | None = None
    """Digest of the weights of an adapter that har_llm trained."""
    further: Mapping[str, Any] = field(default_factory=dict)
    """What else the engine reports, such as its server."""


@dataclass(frozen=True)
class Environment:
    """environment.json: what a run was made with, and its cost."""

    provenance: Provenance
    written: str
    """When the run directory was written, in UTC, as "2026-11-29 16:20:05"."""
    har_llm: str
    code: str | None
    """Commit of a checkout."""
    python: str
    platform: str
    versions: Mapping[str, str]
    model: Mapping[str, Any]
    """What identifies the model in the generations' keys: id, revision, dtype, adapter, settings of the engine."""
    generated_by: Sequence[GeneratedBy]
    """One for each engine, version and machine."""
    engine_seconds: float
    prompt_tokens: int
    completion_tokens: int
    finish_reasons: Mapping[str, int]
    """Number of generations by finish reason; equal prompts share a generation, which counts once."""
    ran_on: int
    """Number of generations that went on with events that their window does not have, in a list without an end."""
    unclosed_reasoning: int
    """How many of these generations never end their reasoning, so that they have no answer."""
    quantisation: str | None = None
    """The number format of a GGUF file that the engine runs as it is; None for other models, and where nobody knows."""


@dataclass(frozen=True)
class Data:
    """data.json: what the dataset contains."""

    provenance: Provenance
    description: Description
    repairs: Sequence[Notice]
    """All repairs, with the file below paths.data and the line."""


@dataclass(frozen=True)
class SampleEvent:
    id: int
    """As the prompt shows it."""
    time: str
    event: AnyText


@dataclass(frozen=True)
class Sample:
    """sample.json: one event to look at, with its window, the reasoning and the answer."""

    provenance: Provenance
    session: AnyText
    event: int
    """Its place in the window."""
    window: Sequence[SampleEvent]
    reasoning: AnyText
    answer: AnyText | None
    """None where the reasoning was never closed."""
    gold: Sequence[AnyText]
    predicted: Mapping[str, AnyText]
    """By parsing mode."""
    generation: str
    """Its key."""


@dataclass(frozen=True)
class SampledPrediction(BothParsings[Prediction]):
    """The predictions of one of several generations for an event."""

    generation: str
    generation_digest: str
    strict: Prediction
    lenient: Prediction


NOTHING_SYNTHETIC = Provenance()
OFFSET = re.compile(r"[+-][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
NO_PREDICTION = Prediction()
"""For an event that no window shows."""


@dataclass(frozen=True)
class PredictionRow(BothParsings[Prediction]):
    """A line of predictions.jsonl: an event of the part, with its prediction in both parsing modes, or why it is
    excluded."""

    session: AnyText
    id: int
    """Position in its session, from 0."""
    time: str
    event: AnyText
    gold: tuple[int, ...]
    """Numbers of activities; none for an unlabelled event, which is not scored."""
    subjects: tuple[AnyText, ...]
    scored: bool
    date: str | None = None
    """YYYY-MM-DD; None where the recording says no dates."""
    utc_offset: str | None = None
    """Of the clock that showed date and time, "+02:00"; None where it is not known."""
    excluded: str | None = None
    """Why no window shows it; the following fields are then absent."""
    window: int | None = None
    """Index in the session of the window whose answer counts for it."""
    shown_id: int | None = None
    """The id that the prompt gives it."""
    strict: Prediction = NO_PREDICTION
    lenient: Prediction = NO_PREDICTION
    generation: str | None = None
    """Key of the generation, the first of several."""
    generation_digest: str | None = None
    samples: tuple[SampledPrediction, ...] = ()
    """The predictions of each generation, if there are several."""
    provenance: Provenance = NOTHING_SYNTHETIC

    @property
    def moment(self) -> Moment:
        """When it happened. Raises ValueError in a row of somebody's whose date, time or offset is none."""
        if self.date is None:
            return time.fromisoformat(self.time)
        if self.utc_offset is not None and OFFSET.fullmatch(self.utc_offset) is None:
            raise ValueError(f"utc_offset is {self.utc_offset!r}")
        return datetime.fromisoformat(f"{self.date}T{self.time}{self.utc_offset or ''}")


@dataclass(frozen=True)
class WindowGeneration:
    """A generation and its two parts."""

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
    """A line of windows.jsonl: a window's prompt and generations."""

    session: AnyText
    window: int
    messages: tuple[Mapping[str, AnyText], ...]
    ids: tuple[int, ...]
    generations: tuple[WindowGeneration, ...]
    provenance: Provenance = NOTHING_SYNTHETIC
