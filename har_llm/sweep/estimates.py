"""What a plan would cost: tokens, downloads, and hours where a rate was measured on this machine before."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from har_llm.common.errors import HarError
from har_llm.common.hardware import GB, has_gpu
from har_llm.distill.trainer_choice import check_tools
from har_llm.engines.base import Request
from har_llm.models.resolve import download_place, embedding_count, needed_memory, parameter_count, weight_bytes
from har_llm.runs.run import AdapterRecipe
from har_llm.sweep.plan import Load, Plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.throughput import known_rate

CHARACTERS_PER_TOKEN = 3.5
"""Of English text and JSON in the vocabularies of current models; used only where the tokenizer is not at hand."""
COUNTED = 20
"""Prompts whose tokens are counted; the others are taken to be like them."""
LOOKED_AT = 500
"""Stored generations from which the length of the next ones is expected."""


FOUR_BIT_SHARE = 0.28
"""What 4-bit weights take of 16-bit ones, their scales included. The embeddings and the head stay as they are."""
NAMED_RATE = 1000
"""Answer tokens a second at which hours are given where no rate is known: to reckon with, and of no GPU in particular."""
Note = tuple[str, str]
"""The model that it is about, and what is to be said."""


@dataclass(frozen=True)
class Estimate:
    """Of one load, in words."""

    prompt_tokens: str
    answer_tokens: str
    memory: str
    """For the weights, and a tenth for the first work."""
    download: str
    time: str
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class TrainingEstimate:
    """Of one adapter, in words."""

    examples: int
    """At most: all that the teacher writes, of which some may be left out."""
    epochs: str
    weights: str
    """Size of the student's own weights while it is trained."""
    time: str
    notes: tuple[Note, ...] = ()


def estimate(plan: Plan, stores: Stores | None = None) -> list[Estimate]:
    """An estimate for each load of the plan, in order."""
    stores = stores or Stores()
    return [_estimate(load, stores) for load in plan.loads]


def estimate_trainings(plan: Plan) -> list[TrainingEstimate]:
    """An estimate for each adapter of the plan, in order."""
    return [_training(recipe) for recipe in plan.recipes]


def downloads(plan: Plan) -> str | None:
    """All that has to be fetched, and whether there is room for it; None where nothing has to be."""
    missing = {(load.model.config.id, load.model.revision): load for load in plan.loads if _is_fetched(load)}
    if not missing:
        return None
    sizes = [weight_bytes(load.model) for load in missing.values()]
    folder, free = download_place()
    total = sum(size for size in sizes if size is not None)
    more = " and what is unknown" if None in sizes else ""
    verdict = "" if total < free else ": too little"
    return f"downloads: {_gigabytes(total)}{more} in all, into {folder}, where {_gigabytes(free)} are free{verdict}"


def all_notes(estimates: Sequence[Estimate | TrainingEstimate]) -> list[str]:
    """Each note once, after the models that it is about."""
    models: dict[str, dict[str, None]] = {}
    for one in estimates:
        for model, text in one.notes:
            models.setdefault(text, {})[model] = None
    return [f"{', '.join(about)}: {text}" for text, about in models.items()]


def _estimate(load: Load, stores: Stores) -> Estimate:
    model = load.model.config
    lacking, notes = _lacking(load), []
    counted = _counted_tokens(load.model.path, load.requests)
    characters = sum(_characters(request) for request in load.requests)
    prompt = characters / CHARACTERS_PER_TOKEN if counted is None else counted
    if counted is None:
        notes.append("prompt tokens are estimated from the characters.")
    answer, known = _expected_answer(load, stores)
    if known == 0:
        notes.append(
            "no stored generations here to expect the length of answers from; the number is the most that "
            "model.sampling.max_new_tokens allows."
        )
    rate = known_rate(load.runs[0].outputs / "store", load.identity)
    most = "at most " if known == 0 else ""
    tokens = answer * len(load.requests)
    time = f"unknown; {most}{_duration(tokens / NAMED_RATE / 3600)} at {NAMED_RATE:,} tokens/s"
    if rate is None:
        notes.append(
            "hours are known once the model has run on the machine that is to do the work: try limit=20 there, which shows "
            "its tokens a second, and plan again."
        )
    needed = needed_memory(model, weight_bytes(load.model)) if load.engine.needs_model() else None
    return Estimate(
        prompt_tokens=f"{_approximately(prompt)}",
        answer_tokens=f"{most}{_approximately(tokens)}",
        memory="-" if needed is None else _gigabytes(needed * load.engine.weights_share()),
        download=_download(load),
        time=time if rate is None else _duration(rate.hours(len(load.requests))),
        notes=tuple((model.name, note) for note in [*lacking, *notes]),
    )


def _training(recipe: AdapterRecipe) -> TrainingEstimate:
    training, teacher = recipe.lora.training, recipe.teacher
    rows = len(teacher.requests if recipe.lora.examples.pick == "all" else teacher.prompts)
    notes = []
    try:
        check_tools(recipe.lora)
    except HarError as error:
        notes.append(str(error))
    rate = known_rate(teacher.outputs / "store", recipe.work)
    if rate is None:
        notes.append(
            "hours of training are known once an adapter has been trained on such examples on the machine that is to do the "
            "work: try lora.training.max_steps=10 there, and plan again."
        )
    notes.append(
        f"training needs memory for the weights and for {training.per_device_train_batch_size} examples at once, which "
        f"grows with their length and is not estimated."
    )
    return TrainingEstimate(
        examples=rows,
        epochs=training.epochs_in_words(rows),
        weights=_trained_weights(recipe),
        time="unknown" if rate is None else _duration(rate.hours(training.max_steps)),
        notes=tuple((recipe.experiment.model.name, note) for note in notes),
    )


def _trained_weights(recipe: AdapterRecipe) -> str:
    """Size of the student's own weights while it is trained."""
    size, embedded = weight_bytes(recipe.student), embedding_count(recipe.student)
    if size is None or not recipe.lora.training.load_in_4bit:
        return "unknown" if size is None else _gigabytes(size)
    parameters = parameter_count(recipe.student)
    assert parameters is not None  # as the size is known
    kept = min(embedded or 0, parameters)
    least = "at least " if embedded is None else ""  # the files, which say how many are kept, are not here
    return least + _gigabytes(2 * (kept + FOUR_BIT_SHARE * (parameters - kept)))


def _lacking(load: Load) -> list[str]:
    """What stands in the way of the load, here and now."""
    if not load.engine.needs_model():
        return []
    size, notes = weight_bytes(load.model), []
    try:
        place = load.engine.memory()
        load.engine.replicas(size)
    except HarError as error:
        return [str(error)]
    needed = needed_memory(load.model.config, size)
    if needed is not None and (needed := needed * load.engine.weights_share()) > place[1]:
        notes.append(f"needs about {needed / GB:.1f} GB, but {place[0]} here has {place[1] / GB:.1f} GB free.")
    if load.runs[0].engine_reason and not load.model.path and not has_gpu():
        notes.append("planned for this machine, which has no GPU; engine=vllm_a100 plans for a machine that has some.")
    if load.model.path is None and load.model.revision == load.model.config.revision:
        notes.append("the hub does not say which version it has; stored generations are not counted.")
    return notes


def _characters(request: Request) -> int:
    return sum(len(message["content"]) for message in request.messages)


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
    return tokens / sum(map(_characters, looked_at)) * sum(map(_characters, requests))


def _expected_answer(load: Load, stores: Stores) -> tuple[float, int]:
    """Tokens of an answer, and of how many stored generations they are the mean; the most that is allowed for none."""
    tokens: list[int] = []
    for run in load.runs:
        store = stores.of(run)
        tokens += [record.completion_tokens for record in store.get_many(itertools.islice(store.keys(), LOOKED_AT))]
    if tokens:
        return sum(tokens) / len(tokens), len(tokens)
    return max(request.decoding.sampling.max_new_tokens for request in load.requests), 0


def _download(load: Load) -> str:
    if not _is_fetched(load):
        return "-"
    size = weight_bytes(load.model)
    return "unknown" if size is None else _gigabytes(size)


def _is_fetched(load: Load) -> bool:
    return load.engine.needs_model() and load.model.path is None


def _gigabytes(size: float) -> str:
    return f"{size / GB:.1f} GB" if size >= GB / 10 else f"{size / 1e6:.0f} MB"


def _approximately(number: float) -> str:
    if number < 10_000:
        return f"{number:,.0f}"
    return f"{number / 1e6:,.1f} M" if number >= 1e6 else f"{number / 1e3:,.0f} k"


def _duration(hours: float) -> str:
    minutes = hours * 60
    if minutes < 1:
        return f"{minutes * 60:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{hours:.1f} h"
