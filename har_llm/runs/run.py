"""A prepared run: everything about a run that is known without loading a model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from har_llm.common.digest import digest
from har_llm.common.paths import expanded
from har_llm.common.provenance import Provenance, recorded
from har_llm.config.experiment import Experiment
from har_llm.data.records import Home, Prompt, Recordings, Session
from har_llm.engines.base import Request
from har_llm.engines.config import EngineConfig
from har_llm.engines.decoding import PLAIN_DECODING
from har_llm.models import chat_template, hub, resolve
from har_llm.models.adapters import NO_ADAPTER, ReadyAdapter, ResolvedAdapter
from har_llm.models.baselines.base import Given
from har_llm.models.resolve import ResolvedModel
from har_llm.runs import directory
from har_llm.runs.result import FORMAT
from har_llm.runs.store import GenerationStore, ShardWriter, generations_folder
from har_llm.scoring import metrics, parsing

LONGEST_CHOICES = 200
"""Most characters of the choices in a run directory's name; the digest behind them tells runs apart."""


class Marks(NamedTuple):
    """What must be shown beside a run's scores."""

    words: tuple[str, ...] = ()
    uses_gold: bool = False
    """Whether gold activities are in its prompt, or were used for the training of its model or its adapter."""


NO_MARKS = Marks()


@dataclass(frozen=True)
class PreparedRun:
    """Everything about a run that is known without loading a model. One whose adapter is made is a `recipe.StudentRun`."""

    experiment: Experiment
    recordings: Recordings
    parts: Mapping[str, Sequence[Session]]
    prompts: Sequence[Prompt]
    model: ResolvedModel
    adapter: ResolvedAdapter | None
    engine: EngineConfig
    """The engine that will run; never engine=auto itself, but its choice."""
    engine_reason: str
    """Why engine=auto chose it."""
    requests: Sequence[Request]
    """decoding.samples for each prompt, prompt by prompt. Equal prompts may share a key."""
    given: Given | None = None
    """What a baseline is trained on; None for a language model."""
    enough: Callable[[int, str, GenerationStore], bool] | None = None
    """Whether the stored generation with this key, of the prompt at this place, makes the prompt's further samples needless;
    None if all are wanted."""
    marks: Marks = NO_MARKS

    @property
    def sessions(self) -> Sequence[Session]:
        return self.parts[self.experiment.split.part]

    @property
    def outputs(self) -> Path:
        return expanded(self.experiment.settings.paths.outputs)

    @property
    def provenance(self) -> Provenance:
        """What is synthetic about the run's results: its home, its model, its adapter."""
        return Provenance(home=self.experiment.dataset.synthetic) | self.made_of

    @property
    def notes(self) -> list[str]:
        """What to know of the files that stand for its model and its adapter."""
        lora, adapter, files = self.experiment.lora, self.adapter, self.model.known_files
        found = [hub.shadowed(self.experiment.model.id) if self.model.local else None]
        if isinstance(lora, ReadyAdapter) and adapter is not None and adapter.path is not None and files is not None:
            found += [hub.shadowed(lora.path), chat_template.of_its_own(adapter.path, files)]
        return [one for one in found if one is not None]

    @property
    def unscored(self) -> frozenset[int]:
        """The activities that may be answered and are not scored."""
        return unscored(self.experiment, self.recordings.home)

    @cached_property
    def made_of(self) -> Provenance:
        """What is synthetic about the model with its adapter, apart from the home that the run is about."""
        answers = Provenance(model=self.experiment.engine.synthetic)
        return resolve.provenance(self.model) | answers | self.adapter_provenance

    @property
    def adapter_provenance(self) -> Provenance:
        return Provenance() if self.adapter is None else recorded(self.adapter.path)

    @cached_property
    def model_identity(self) -> dict[str, Any]:
        """The properties of the model that its generations depend on: the content of a local folder, but not its path."""
        model = self.experiment.model
        own_code = model.trust_remote_code and self.engine.needs_model()
        return {
            "id": "local" if self.model.local else self.model.public_id,
            "revision": self.model.revision,
            "dtype": model.dtype,
            "adapter": None if self.adapter is None else self.adapter.identity(),
            **({"trust_remote_code": True} if own_code else {}),  # without it, another implementation runs
            **self.engine.identity(),
        }

    @cached_property
    def kind(self) -> str:
        """A digest of what shapes the length of its generations, whatever home they are about."""
        model, drawn, window, prompt = (getattr(self.experiment, name) for name in ("model", "decoding", "window", "prompt"))
        # Whether it is told gold beside the prompt, as a teacher may be.
        told = bool(self.requests) and self.requests[0].messages != self.prompts[0].messages
        parts = [
            [model.template_options(), model.sampling.identity(), drawn.identity(), drawn.structured],
            [[type(one).__name__, asdict(one)] for one in (window, prompt)],
            [prompt.text_digest(), told],
        ]
        return digest({"kind": parts})[:16]

    @property
    def parsed_by(self) -> list[Any]:
        """What the predictions of given generations depend on."""
        home = self.recordings.home
        names = [(number, name, home.described(number)) for number, name in home.activities.items()]
        model = self.experiment.model
        return [parsing.VERSION, self.experiment.prompt.form.identity(), names, model.reasoning_marks]

    @cached_property
    def digest(self) -> str:
        """A digest of everything that can change the run's results: generations, data, labels, parsing, scoring."""
        settings, home = self.experiment.settings, self.recordings.home
        return digest(
            {
                "format": FORMAT,
                "parsing": self.parsed_by,
                "metrics": metrics.VERSION,
                "keys": [request.key for request in self.requests],
                "data": data_digest(self.sessions),
                "dates": [_dates(session) for session in self.sessions],
                "null_class": [sorted(home.null_class), self.experiment.dataset.null_class],
                "seed": settings.seed,
                "limit": settings.limit,
                "part": self.experiment.split.part,
                "thinking": self.experiment.model.thinking,
                "samples": self.experiment.decoding.samples,
                "provenance": self.provenance.label,
                "marks": self.marks.words,
            }
        )

    @cached_property
    def name(self) -> str:
        """The run directory's name: the main choices, then the beginning of the digest."""
        settings = self.experiment.settings
        pieces = [self.experiment.dataset.name, self.experiment.model.name]
        if self.experiment.lora.name != NO_ADAPTER:
            pieces.append(self.experiment.lora.label())
        if self.experiment.decoding.name != PLAIN_DECODING:
            pieces.append(self.experiment.decoding.name)
        pieces.append(self.experiment.split.part)
        if settings.limit is not None:
            pieces.append(f"first{settings.limit}")
        if settings.seed:
            pieces.append(f"seed{settings.seed}")
        return f"{'-'.join(pieces)[:LONGEST_CHOICES]}-{self.digest[:10]}"

    @property
    def folder(self) -> Path:
        return self.outputs / "runs" / self.name

    @property
    def finished(self) -> bool:
        """Whether its directory is there and whole."""
        return self.folder.exists() and directory.damage(self.folder) is None

    @property
    def partial(self) -> bool:
        """Whether `limit` leaves windows of the part out."""
        return len(self.prompts) < sum(1 for session in self.sessions for _ in self.experiment.window.cut(session))

    def open_store(self) -> GenerationStore:
        return GenerationStore(self.outputs / "store", self.model_identity)

    def open_writer(self) -> ShardWriter:
        """Each generation of a language model is on disk at once; a baseline makes all of its in a moment."""
        return ShardWriter(generations_folder(self.outputs / "store", self.model_identity), at_once=self.given is None)

    def wanted(self, store: GenerationStore) -> list[Sequence[Request]]:
        """The wanted requests of each prompt: all, or those up to the first that is enough or is not stored yet."""
        samples = self.experiment.decoding.samples
        by_prompt = [self.requests[first : first + samples] for first in range(0, len(self.requests), samples)]
        return [mine[: self._last(place, mine, store)] for place, mine in enumerate(by_prompt)]

    def _last(self, place: int, mine: Sequence[Request], store: GenerationStore) -> int:
        if self.enough is None:
            return len(mine)
        ends = (request.key not in store or self.enough(place, request.key, store) for request in mine)
        return next((number for number, end in enumerate(ends, 1) if end), len(mine))

    def owed(self, store: GenerationStore) -> list[Request]:
        """The wanted requests whose generations are not stored yet, each key once."""
        wanted = (request for mine in self.wanted(store) for request in mine)
        return list({request.key: request for request in wanted if request.key not in store}.values())

    def further(self, store: GenerationStore) -> int:
        """Number of requests that may be wanted later, if no generation that is owed now is enough."""
        samples = self.experiment.decoding.samples
        return sum(samples - len(mine) for mine in self.wanted(store) if mine[-1].key not in store)


def unscored(experiment: Experiment, home: Home) -> frozenset[int]:
    """The activities that may be answered and are not scored."""
    return home.null_class if experiment.dataset.null_class == "unscored" else frozenset()


def _dates(session: Session) -> list[tuple[str, str | None, int]]:
    """Each date, the offset of its clock, and how many events in a row have both."""
    found = groupby(session.events, key=lambda event: (event.date, event.utc_offset))
    return [(str(day), offset, sum(1 for _ in events)) for (day, offset), events in found]


def home_digest(home: Home) -> str:
    """A digest of a home's rooms and activities, whatever it is called and else is said of it."""
    return digest({"rooms": home.rooms, "activities": sorted(home.activities.items())})[:16]


def recorded_digest(session: Session) -> str:
    """A digest of what happened in a session by the home's clock, whatever it is called and however it is labelled."""
    return digest({"events": [[str(one.moment.replace(tzinfo=None)), one.text] for one in session.events]})[:16]


def data_digest(sessions: Sequence[Session]) -> str:
    """A digest of the sessions, which changes with the data but not with the place of the files. Dates and offsets are not
    in it: what they change, scores by time and segments, is that of a run, whose digest has them."""
    hasher = hashlib.sha256()
    for session in sessions:
        events = [(one.id, one.time, one.text, one.activities, one.subjects) for one in session.events]
        hasher.update(repr((session.id, events)).encode("utf-8", "backslashreplace"))
    return hasher.hexdigest()
