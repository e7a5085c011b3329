"""One experiment, from its dataset to its run directory.

`prepare` finds out all that the run needs without loading a model; `generate` makes what the store does not hold yet;
`finish` reads the answers, scores them and puts the run directory in place. Killed in between, nothing finished is lost.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from har_llm import answers, metrics, weights
from har_llm.config import Experiment
from har_llm.engines.base import Generation, LoadedModel, Request
from har_llm.errors import ConfigError, MissingError
from har_llm.paths import expanded
from har_llm.records import Prompt, Recordings, Session, Window
from har_llm.results import write_run
from har_llm.store import GenerationStore, Record, digest
from har_llm.weights import ResolvedModel

FORMAT = 1
"""Bump when the content of a run directory changes."""
OnGeneration = Callable[[Generation], None]


@dataclass(frozen=True)
class PreparedRun:
    """Everything about a run that can be known without a model."""

    experiment: Experiment
    recordings: Recordings
    parts: Mapping[str, Sequence[Session]]
    prompts: Sequence[Prompt]
    model: ResolvedModel
    requests: Sequence[Request]
    """One for each prompt, in order. Equal prompts may share a key."""

    @property
    def sessions(self) -> Sequence[Session]:
        return self.parts[self.experiment.split.part]

    @property
    def outputs(self) -> Path:
        return expanded(self.experiment.settings.paths.outputs)

    @property
    def provenance(self) -> str | None:
        """What is synthetic about the run's results; None for real data and a real model."""
        model = self.experiment.model
        return provenance(self.experiment.dataset.synthetic, model.synthetic or weights.is_embedded(self.model))

    @cached_property
    def model_identity(self) -> dict[str, Any]:
        """The model as far as its texts depend on it; a folder's name does not matter, what lies in it does."""
        model = self.experiment.model
        return {
            "id": "local" if self.model.local else model.id,
            "revision": self.model.revision,
            "dtype": model.dtype,
            "adapter": None,
            **self.experiment.engine.identity(),
        }

    @cached_property
    def digest(self) -> str:
        """Changes with whatever can change the run's results: texts, data, labels, reading, scores."""
        settings, home = self.experiment.settings, self.recordings.home
        return digest(
            {
                "format": FORMAT,
                "answers": answers.VERSION,
                "metrics": metrics.VERSION,
                "keys": [request.key for request in self.requests],
                "data": data_digest(self.sessions),
                "activities": list(home.activities.items()),
                "null_class": [sorted(home.null_class), self.experiment.dataset.null_class],
                "seed": settings.seed,
                "limit": settings.limit,
                "part": self.experiment.split.part,
                "thinking": self.experiment.model.thinking,
                "provenance": self.provenance,
            }
        )

    @cached_property
    def name(self) -> str:
        """The run directory's name: the choices, then a digest of everything."""
        settings = self.experiment.settings
        pieces = [self.experiment.dataset.name, self.experiment.model.name, self.experiment.split.part]
        if settings.limit is not None:
            pieces.append(f"first{settings.limit}")
        if settings.seed:
            pieces.append(f"seed{settings.seed}")
        return "-".join([*pieces, self.digest[:10]])

    @property
    def folder(self) -> Path:
        return self.outputs / "runs" / self.name

    @property
    def finished(self) -> bool:
        return self.folder.exists()

    @property
    def partial(self) -> bool:
        """Whether `limit` leaves windows of the part out."""
        return len(self.prompts) < sum(1 for session in self.sessions for _ in self.experiment.window.cut(session))

    def open_store(self) -> GenerationStore:
        return GenerationStore(self.outputs / "store", self.model_identity)

    def owed(self, store: GenerationStore) -> list[Request]:
        """What has yet to be generated, each key once."""
        return list({request.key: request for request in self.requests if request.key not in store}.values())


def provenance(synthetic_home: bool, synthetic_model: bool) -> str | None:
    parts = [
        name for name, synthetic in (("synthetic home", synthetic_home), ("synthetic model", synthetic_model)) if synthetic
    ]
    return ", ".join(parts) or None


def prepare(experiment: Experiment) -> PreparedRun:
    """Read the data, render the prompts, find the model's version. Raises DataError, MissingError or ConfigError."""
    recordings = read_recordings(experiment)
    parts = divide(experiment, recordings)
    prompts = render(experiment, recordings, parts[experiment.split.part])
    # An engine that needs no model is asked for none: nothing is looked up, fetched or measured.
    model = weights.resolve(experiment.model) if experiment.engine.needs_model() else weights.unresolved(experiment.model)
    run = PreparedRun(experiment, recordings, parts, prompts, model, ())
    return replace(run, requests=_requests(run))


def read_recordings(experiment: Experiment) -> Recordings:
    return experiment.dataset.read(expanded(experiment.settings.paths.data))


def divide(experiment: Experiment, recordings: Recordings) -> Mapping[str, Sequence[Session]]:
    return experiment.split.divide(recordings.sessions, experiment.dataset.paper_split)


def render(experiment: Experiment, recordings: Recordings, sessions: Sequence[Session]) -> list[Prompt]:
    """The prompts of the windows of these sessions, or of the first `limit` of them; never none."""
    renderer = experiment.prompt.renderer(recordings.home)
    if not sessions:
        raise ConfigError(f"split.part is {experiment.split.part!r}, which holds no session; choose another part or split.")
    windows = (window for session in sessions for window in experiment.window.cut(session))
    prompts = [renderer.render(window) for window in islice(windows, experiment.settings.limit)]
    if not prompts:
        raise ConfigError(
            f"No window is left of {len(sessions)} sessions: window.min_events is {experiment.window.min_events}; lower it."
        )
    return prompts


def _requests(run: PreparedRun) -> list[Request]:
    model, seed = run.experiment.model, run.experiment.settings.seed
    made_by = {
        "model": run.model_identity,
        "template": model.template_options(),
        "sampling": model.sampling.identity(),
        "context": model.context,
    }
    requests = []
    for prompt in run.prompts:
        own_seed = 0 if model.sampling.greedy else request_seed(seed, prompt.window)
        key = digest({**made_by, "messages": [dict(message) for message in prompt.messages], "seed": own_seed})
        requests.append(Request(key, prompt.messages, own_seed))
    return requests


def request_seed(seed: int, window: Window) -> int:
    """A window's own seed, so that its text depends on neither its neighbours nor their order."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{window.id}".encode()).digest()[:8], "big") >> 1


def data_digest(sessions: Sequence[Session]) -> str:
    """A digest of the parsed sessions: it notices changed data wherever the files lie."""
    hasher = hashlib.sha256()
    for session in sessions:
        hasher.update(repr((session.id, [tuple(event) for event in session.events])).encode("utf-8", "backslashreplace"))
    return hasher.hexdigest()


def generate(run: PreparedRun, store: GenerationStore, owed: Sequence[Request], on_generation: OnGeneration) -> None:
    """Make the generations that are owed, in a process of their own; each is kept before the next is waited for."""
    from har_llm.engines.worker import WorkerEngine

    engine_config = run.experiment.engine
    model, path = run.experiment.model, ""
    if engine_config.needs_model():
        weights.check_memory(run.model, getattr(engine_config, "device", "auto"))
        path = str(weights.obtain(run.model))
    spec = LoadedModel(
        path=path,
        dtype=model.dtype,
        sampling=model.sampling,
        template_options=model.template_options(),
        context=model.context,
        trust_remote_code=model.trust_remote_code,
    )
    engine = WorkerEngine(engine_config, spec)
    try:
        _import_scoring()
        about = {**engine.about, "model": run.model_identity, "provenance": run.provenance}
        with store.writer() as writer:
            for generation in engine.generate(owed):
                writer.add(Record(**generation._asdict(), about=about))
                on_generation(generation)
    finally:
        engine.close()


def _import_scoring() -> None:
    """Import what scoring will need; a second or two that pass while the model loads in its own process."""
    import sklearn.metrics  # noqa: F401


def finish(run: PreparedRun, started: float) -> Path:
    """Read and score the kept generations and write the run directory. `started` is a time.monotonic()."""
    store = run.open_store()  # anew: where another process wrote the same keys, every reader must take the same texts
    missing = run.owed(store)
    if missing:
        raise MissingError(f"{len(missing)} of {len(run.requests)} generations are missing; run the same command again.")
    records = list(store.get_many(request.key for request in run.requests))
    model = run.experiment.model
    read = [
        answers.read(record.text, record.finish_reason, prompt.ids, run.recordings.home.activities, thinking=model.thinking)
        for record, prompt in zip(records, run.prompts, strict=True)
    ]
    return write_run(run, records, read, wall_seconds=time.monotonic() - started)
