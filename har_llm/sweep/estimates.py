"""What a plan would cost, in figures: tokens, memory, downloads; hours where a rate was measured on this machine before."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from har_llm.common.errors import HarError
from har_llm.common.hardware import check_dtype, has_gpu
from har_llm.distill.trainer_choice import check_tools
from har_llm.engines.base import Request
from har_llm.engines.layout import Layout
from har_llm.models.config import DTYPES
from har_llm.models.footprint import Footprint
from har_llm.models.resolve import OVERHEAD, parameter_count
from har_llm.models.room import download_place
from har_llm.runs.recipe import AdapterRecipe
from har_llm.runs.run import PreparedRun
from har_llm.sweep.plan import CHARACTERS_PER_TOKEN, Load, Plan, characters
from har_llm.sweep.read_once import Stores
from har_llm.sweep.throughput import STEPS, known_rate

COUNTED = 20
"""Prompts whose tokens are counted; the others are taken to be like them."""
LOOKED_AT = 500
"""Stored generations from which the length of the next ones is expected."""
FOUR_BIT_SHARE = 0.28
"""What 4-bit weights take of 16-bit ones, their scales included. The embeddings and the head stay as they are."""


@dataclass(frozen=True)
class Place:
    """Where a model would be loaded."""

    name: str
    free: float
    """Bytes."""


@dataclass(frozen=True)
class LoadEstimate:
    """Of one load. Tokens and hours are those of all generations that it may come to ask for."""

    load: Load
    prompt_tokens: float
    prompts_counted: bool
    """By the model's own tokenizer; where it is not at hand, the tokens are estimated from the characters."""
    answer_tokens: float
    answers_known: bool
    """From stored generations of the same kind (PreparedRun.kind); where there are none, the tokens are the most that
    model.sampling.max_new_tokens allows."""
    memory: float | None
    """Bytes of the weights, and a tenth for the first work, on a CPU also of the libraries and the cache; None where that is
    unknown or no weights are loaded."""
    least_memory: float | None
    """The same with room for one generation at a time, which every engine does with if there is no more."""
    on_cpu: bool
    """Whether the model would be loaded, and not on a GPU."""
    place: Place | None
    """None where no weights are loaded, or the engine cannot run here."""
    layout: Layout | None
    """How the model is spread over GPUs; None where it is not, or its size is unknown."""
    refusal: str | None
    """Why the engine cannot run here."""
    download: float | None
    """Bytes to be fetched, 0 where the files are here or are not needed; None where their size is unknown."""
    hours: float | None
    """None where no such load was measured on this machine, or the tokens are not known."""
    speed: float | None
    """Tokens a second of the last such load on this machine; None where none was measured."""
    chosen_without_gpu: bool
    """Whether engine=auto has chosen for a machine that has no GPU, and the model's files are not here."""
    version_unknown: bool
    """Whether the hub does not say which version it has, so that stored generations cannot be found."""


@dataclass(frozen=True)
class TrainingEstimate:
    """Of one adapter."""

    recipe: AdapterRecipe
    examples: int
    """At most: some may be left out."""
    weights: float | None
    """Bytes of the student's own weights while it is trained; None where that is unknown."""
    embeddings_known: bool
    """Whether the embeddings, which stay as they are in 4 bits, are counted apart; if not, `weights` is the least."""
    refusal: str | None
    """Why the adapter cannot be trained here."""
    hours: float | None
    """None where no such training was measured on this machine."""


@dataclass(frozen=True)
class Downloads:
    """All that has to be fetched, each model once."""

    known: float
    """Bytes of those models whose size is known."""
    complete: bool
    """Whether that is all of them."""
    folder: Path
    free: float
    """Bytes that the folder has room for."""


@dataclass(frozen=True)
class Estimates:
    loads: Sequence[LoadEstimate]
    """Of each load of the plan, in order; a baseline costs nothing."""
    trainings: Sequence[TrainingEstimate]
    """Of each adapter of the plan, in order."""
    downloads: Downloads | None
    """None where nothing has to be fetched."""


def estimate(plan: Plan, stores: Stores) -> Estimates:
    """What the plan would cost on this machine; no model is loaded."""
    loads = [_load(load, stores) for load in plan.loads if not load.is_baseline]
    return Estimates(loads, [_training(recipe) for recipe in plan.recipes], _downloads(loads))


def _load(load: Load, stores: Stores) -> LoadEstimate:
    loaded = load.engine.needs_model()
    absent = loaded and load.model.absent
    size = load.model.footprint if loaded else None
    place, layout, refusal = _place(load) if loaded else (None, None, None)
    counted = _counted_tokens(load.model.path, load.requests)
    length = sum(map(characters, load.requests))
    most = len(load.requests) + load.further
    times = most / len(load.requests)
    answer, known = _expected_answers(load, stores)
    rate = known_rate(load.runs[0].outputs / "store", load.identity)
    prompt_tokens = times * (length / CHARACTERS_PER_TOKEN if counted is None else counted)
    cache = (prompt_tokens / most + answer) * ((size and size.cache) or 0)
    return LoadEstimate(
        load,
        prompt_tokens=prompt_tokens,
        prompts_counted=counted is not None,
        answer_tokens=answer * most,
        answers_known=known,
        memory=None if size is None else _memory(load, size, len(load.requests), cache),
        least_memory=None if size is None else _memory(load, size, 1, cache),
        on_cpu=loaded and not load.engine.devices(),
        place=place,
        layout=layout,
        refusal=refusal,
        download=(size and size.weights) if absent else 0,
        hours=rate.hours(answer * most) if rate is not None and known else None,
        speed=rate and rate.speed,
        chosen_without_gpu=absent and bool(load.runs[0].engine_reason) and not has_gpu(),
        version_unknown=absent and load.model.revision == load.model.config.revision,
    )


def _memory(load: Load, size: Footprint, at_once: int, cache: float) -> float:
    """Bytes that the loaded model takes. `at_once`: generations. `cache`: for one of them and its prompt."""
    weights = OVERHEAD * load.engine.loaded_bytes(size)
    return weights if load.engine.devices() else weights + load.engine.beside_weights(at_once, cache)


def _place(load: Load) -> tuple[Place | None, Layout | None, str | None]:
    """Where the load's model would go, and how it is spread there, or why its engine cannot run here."""
    size = load.model.footprint
    try:
        load.engine.check_model(load.model)
        place = Place(*load.engine.memory())
        check_dtype(load.model.config.dtype, load.engine.devices())
        load.engine.replicas(size, load.longest)
        layout = load.engine.layout(size, load.longest)
    except HarError as error:
        return None, None, str(error)
    return place, layout, None


def _training(recipe: AdapterRecipe) -> TrainingEstimate:
    training = recipe.lora.training
    refusal = None
    try:
        check_tools(recipe.lora, recipe.student.config.dtype)
    except HarError as error:
        refusal = str(error)
    rate = known_rate(recipe.outputs / "store", recipe.work, STEPS)
    size = recipe.student.footprint
    embedded = None if size is None or not size.embeddings else size.embeddings / DTYPES[recipe.student.config.dtype]
    return TrainingEstimate(
        recipe,
        examples=recipe.most_examples,
        weights=_trained_weights(recipe, embedded or 0),
        embeddings_known=embedded is not None or not training.load_in_4bit,
        refusal=refusal,
        hours=None if rate is None else rate.hours(training.max_steps),
    )


def _trained_weights(recipe: AdapterRecipe, embedded: float) -> float | None:
    """Bytes of the student's own weights while it is trained. `embedded`: how many of them stay as they are in 4 bits."""
    size, parameters = recipe.student.footprint, parameter_count(recipe.student)
    if size is None or parameters is None or not recipe.lora.training.load_in_4bit:
        return size and size.weights
    kept = min(embedded, parameters)
    return 2 * (kept + FOUR_BIT_SHARE * (parameters - kept))


def _downloads(loads: Sequence[LoadEstimate]) -> Downloads | None:
    missing = {(one.load.model.config.id, one.load.model.revision): one.download for one in loads if one.download != 0}
    if not missing:
        return None
    sizes = missing.values()
    folder, free = download_place()
    return Downloads(sum(size for size in sizes if size is not None), None not in sizes, folder, free)


def _counted_tokens(folder: Path | None, requests: Sequence[Request]) -> float | None:
    """The prompts' tokens by the model's own tokenizer; None where it is not at hand. Loads no model."""
    if folder is None or not (folder / "tokenizer.json").is_file():
        return None
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception:  # the library raises nothing narrower for a file that is no tokenizer
        return None
    looked_at = requests[:: max(1, len(requests) // COUNTED)]
    tokens = sum(len(tokenizer.encode(message["content"])) for request in looked_at for message in request.messages)
    return tokens / sum(map(characters, looked_at)) * sum(map(characters, requests))


def _expected_answers(load: Load, stores: Stores) -> tuple[float, bool]:
    """Tokens of an answer, as the mean over the load, and whether all are known; those that are not count as the most that
    is allowed."""
    asked = Counter(run.kind for run in load.asked_by.values())
    runs = {run.kind: run for run in reversed(load.runs)}
    stored = {kind: _mean_length([run for run in load.runs if run.kind == kind], stores) for kind in asked}
    most = {kind: runs[kind].experiment.model.sampling.max_new_tokens for kind in asked}
    total = sum(count * (most[kind] if (mean := stored[kind]) is None else mean) for kind, count in asked.items())
    return total / asked.total(), None not in stored.values()


def _mean_length(runs: Sequence[PreparedRun], stores: Stores) -> float | None:
    """Mean tokens of the stored generations of these runs, which are of one kind, and of others of that kind; None without
    any."""
    tokens: list[int] = []
    for run in runs:
        store, own = stores.of(run), {request.key for request in run.requests}
        alike = (one for one in store.get_many(store.keys()) if one.kind == run.kind or one.key in own)
        tokens += [record.completion_tokens for record in itertools.islice(alike, LOOKED_AT)]
    return sum(tokens) / len(tokens) if tokens else None
