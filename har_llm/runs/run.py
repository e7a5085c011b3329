"""One experiment, from its dataset to its run directory.

`prepare` finds out all that the run needs without loading a model; `sweep` makes what the store does not hold yet, for
any number of runs together; `finish` reads the answers, scores them and puts the run directory in place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from har_llm.common.digest import digest
from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.paths import expanded
from har_llm.common.provenance import Provenance, recorded
from har_llm.config import Experiment
from har_llm.data.records import Prompt, Recordings, Session, Window
from har_llm.distill import NO_ADAPTER
from har_llm.engines.base import Adapter, Decoding, EngineConfig, Request
from har_llm.engines.decoding import PLAIN_DECODING
from har_llm.models import adapters, resolve
from har_llm.models.adapters import ResolvedAdapter
from har_llm.models.checkpoint import check_fit
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.store import GenerationStore, Record, ShardWriter, generations_folder
from har_llm.runs.write import write_run
from har_llm.scoring import metrics, parsing
from har_llm.scoring.answer_format import answer_pattern, answer_schema
from har_llm.scoring.voting import WindowTexts

if TYPE_CHECKING:
    from har_llm.runs.manifest import AdapterRecipe

FORMAT = 2
"""Bump when the content of a run directory changes."""
ADAPTER_WEIGHTS = "adapter_weights"
"""What a record says of an adapter that was made here, besides its recipe: the digest of its weights. Older ones do not."""


@dataclass(frozen=True)
class PreparedRun:
    """Everything about a run that can be known without a model."""

    experiment: Experiment
    recordings: Recordings
    parts: Mapping[str, Sequence[Session]]
    prompts: Sequence[Prompt]
    model: ResolvedModel
    adapter: ResolvedAdapter | None
    engine: EngineConfig
    """The one that will run; engine=auto has chosen."""
    engine_reason: str
    """Why engine=auto chose it."""
    recipe: AdapterRecipe | None
    """What the adapter is made from, where it is not there already."""
    requests: Sequence[Request]
    """decoding.samples for each prompt, prompt by prompt. Equal prompts may share a key."""

    @property
    def sessions(self) -> Sequence[Session]:
        return self.parts[self.experiment.split.part]

    @property
    def outputs(self) -> Path:
        return expanded(self.experiment.settings.paths.outputs)

    @property
    def provenance(self) -> Provenance:
        """What is synthetic about the run's results: its home, and what its model and adapter are made of."""
        return Provenance(home=self.experiment.dataset.synthetic) | self.made_of

    @cached_property
    def made_of(self) -> Provenance:
        """What is synthetic about the model with its adapter, whatever they are asked."""
        made = resolve.provenance(self.model)
        if self.recipe is not None:
            return made | self.recipe.provenance
        return made if self.adapter is None else made | recorded(self.adapter.path)

    @cached_property
    def model_identity(self) -> dict[str, Any]:
        """The model as far as its texts depend on it; a folder's name does not matter, what lies in it does."""
        model = self.experiment.model
        return {
            "id": "local" if self.model.local else model.id,
            "revision": self.model.revision,
            "dtype": model.dtype,
            "adapter": None if self.adapter is None else self.adapter.identity(),
            **self.engine.identity(),
        }

    @cached_property
    def digest(self) -> str:
        """Changes with whatever can change the run's results: texts, data, labels, reading, scores."""
        settings, home = self.experiment.settings, self.recordings.home
        return digest(
            {
                "format": FORMAT,
                "answers": parsing.VERSION,
                "metrics": metrics.VERSION,
                "keys": [request.key for request in self.requests],
                "data": data_digest(self.sessions),
                "activities": list(home.activities.items()),
                "null_class": [sorted(home.null_class), self.experiment.dataset.null_class],
                "seed": settings.seed,
                "limit": settings.limit,
                "part": self.experiment.split.part,
                "thinking": self.experiment.model.thinking,
                "samples": self.experiment.decoding.samples,
                "provenance": self.provenance.label,
            }
        )

    @cached_property
    def name(self) -> str:
        """The run directory's name: the choices, then a digest of everything."""
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

    def open_writer(self) -> ShardWriter:
        return ShardWriter(generations_folder(self.outputs / "store", self.model_identity))

    def owed(self, store: GenerationStore) -> list[Request]:
        """What has yet to be generated, each key once."""
        return list({request.key: request for request in self.requests if request.key not in store}.values())

    def complete(self) -> bool:
        """Whether all its texts are stored."""
        return not self.owed(self.open_store())


def prepare(
    experiment: Experiment, *, planning: bool = False, choose: Callable[[Sequence[Session]], list[Session]] = list
) -> PreparedRun:
    """Read the data, render the prompts, find the model's version. Raises DataError, MissingError or ConfigError.

    `planning`: the run is only asked what it needs, so its model may be out of reach. `choose`: which sessions of its part.
    """
    recordings = read_recordings(experiment)
    parts = dict(divide(experiment, recordings))
    parts[experiment.split.part] = choose(parts[experiment.split.part])
    prompts = render(experiment, recordings, parts[experiment.split.part])
    engine, reason = experiment.engine.chosen()
    here = engine.needs_model()
    # An engine that needs no model is asked for none: nothing is looked up, fetched or measured.
    model = resolve.resolve(experiment.model, planning=planning) if here else resolve.unresolved(experiment.model)
    adapter, ready = None, experiment.lora.ready
    if ready is not None:
        adapter = adapters.resolve_adapter(ready) if here else adapters.served_adapter(ready)
        if adapter.path is not None and model.path is not None:
            check_fit(adapter.path, model.public_name, model.path)
    recipe = None
    if experiment.lora.taught is not None:
        from har_llm.runs.manifest import make_recipe  # which prepares the teacher's run

        recipe = make_recipe(experiment, model, planning=planning)
        adapter = recipe.adapter
    run = PreparedRun(experiment, recordings, parts, prompts, model, adapter, engine, reason, recipe, ())
    return replace(run, requests=list(_requests(run)))


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


def _requests(run: PreparedRun) -> Iterator[Request]:
    model, drawn, seed = run.experiment.model, run.experiment.decoding, run.experiment.settings.seed
    made_by = {
        "model": run.model_identity,
        "template": model.template_options(),
        "sampling": model.sampling.identity(),
        "context": model.context,
        **drawn.identity(),
    }
    repetitions = None if drawn.repetitions is None else (drawn.repetitions, drawn.longest_repeated)
    decoding = Decoding(model.sampling, model.template_options(), drawn.thinking_budget, repetitions)
    adapter = _engine_adapter(run.adapter)
    labels = run.recordings.home.activities
    for prompt in run.prompts:
        schema = answer_schema(prompt.ids, labels) if drawn.structured else None
        pattern = answer_pattern(prompt.ids, labels) if drawn.structured else None
        form = {} if pattern is None else {"pattern": pattern}
        for sample in range(drawn.samples):
            own_seed = 0 if model.sampling.greedy else request_seed(seed, prompt.window, sample)
            messages = [dict(message) for message in prompt.messages]
            key = digest({**made_by, **form, "messages": messages, "seed": own_seed})
            yield Request(key, prompt.messages, own_seed, decoding, adapter, schema, pattern)


def _engine_adapter(adapter: ResolvedAdapter | None) -> Adapter | None:
    if adapter is None:
        return None
    if adapter.path is None:
        return Adapter(adapter.id, "")
    return Adapter(f"lora_{digest(adapter.identity())[:12]}", str(adapter.path))


def request_seed(seed: int, window: Window, sample: int) -> int:
    """A window's own seed for each of its texts, so that no text depends on its neighbours or their order."""
    name = f"{seed}/{window.id}" + (f"/{sample}" if sample else "")
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def data_digest(sessions: Sequence[Session]) -> str:
    """A digest of the parsed sessions: it notices changed data wherever the files lie."""
    hasher = hashlib.sha256()
    for session in sessions:
        hasher.update(repr((session.id, [tuple(event) for event in session.events])).encode("utf-8", "backslashreplace"))
    return hasher.hexdigest()


def finish(run: PreparedRun) -> Path:
    """Read and score the kept generations and write the run directory. Raises MissingError where some are not made."""
    return write_run(run, read_windows(run))


def read_windows(run: PreparedRun) -> list[WindowTexts]:
    """The kept generations of every window, read. Raises MissingError where some are not made."""
    store = run.open_store()  # anew: where another process wrote the same keys, every reader must take the same texts
    missing = run.owed(store)
    if missing:
        raise MissingError(f"{len(missing)} of {len(run.requests)} generations are missing; run the same command again.")
    records = list(store.get_many(request.key for request in run.requests))
    check_adapter(run, records)
    model, activities, samples = run.experiment.model, run.recordings.home.activities, run.experiment.decoding.samples
    windows = []
    for place, prompt in enumerate(run.prompts):
        texts = records[place * samples : (place + 1) * samples]
        read = [
            parsing.read(text.text, text.finish_reason, prompt.ids, activities, thinking=model.thinking) for text in texts
        ]
        windows.append(WindowTexts(texts, read))
    return windows


def check_adapter(run: PreparedRun, records: Iterable[Record], weights: str | None = None) -> None:
    """Refuse texts of two adapters of one recipe, which are two trainings. Raises MissingError.

    `weights`: of the adapter that is to add to them.
    """
    found = {record.about.get(ADAPTER_WEIGHTS) for record in records} | {weights}
    if len(found - {None}) > 1:
        raise MissingError(
            f"Some texts of this run were made with an adapter that has been trained anew since, and no two trainings are "
            f"quite the same. Delete {generations_folder(run.outputs / 'store', run.model_identity)} and run the same "
            f"command again: the texts are then made with the adapter that is there."
        )
