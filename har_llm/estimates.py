"""What a plan would cost: tokens, downloads, and hours where a rate was measured on this machine before."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from har_llm.engines.base import Request
from har_llm.errors import HarError
from har_llm.memory import GB, needed_memory
from har_llm.plan import Load, Plan
from har_llm.rates import known_rate
from har_llm.store import GenerationStore
from har_llm.weights import weight_bytes

CHARACTERS_PER_TOKEN = 3.5
"""Of English text and JSON in the vocabularies of current models; used only where the tokenizer is not at hand."""
COUNTED = 20
"""Prompts whose tokens are counted; the others are taken to be like them."""
LOOKED_AT = 500
"""Stored texts from which the length of the next ones is expected."""


@dataclass(frozen=True)
class Estimate:
    """Of one load, in words."""

    prompt_tokens: str
    answer_tokens: str
    download: str
    time: str
    notes: tuple[str, ...] = ()


def estimate(plan: Plan) -> list[Estimate]:
    """An estimate for each load of the plan, in order."""
    return [_estimate(load) for load in plan.loads]


def _estimate(load: Load) -> Estimate:
    notes = _lacking(load)
    counted = _counted_tokens(load.model.path, load.requests)
    characters = sum(_characters(request) for request in load.requests)
    prompt = characters / CHARACTERS_PER_TOKEN if counted is None else counted
    if counted is None:
        notes.append(f"Prompt tokens of {load.model.config.name} are estimated from the characters.")
    answer, known = _expected_answer(load)
    if known == 0:
        notes.append(
            f"{load.model.config.name} has no stored texts here to expect the length of its answers from; the number is the "
            f"most that model.sampling.max_new_tokens allows."
        )
    rate = known_rate(load.runs[0].outputs / "store", load.identity)
    if rate is None:
        notes.append("Time is known once a model has been run on this machine: try limit=20 first.")
    return Estimate(
        prompt_tokens=f"{_approximately(prompt)}",
        answer_tokens=f"{'at most ' if known == 0 else ''}{_approximately(answer * len(load.requests))}",
        download=_download(load),
        time="unknown" if rate is None else _duration(rate.hours(len(load.requests))),
        notes=tuple(notes),
    )


def _lacking(load: Load) -> list[str]:
    """What stands in the way of the load, here and now."""
    if not load.engine.needs_model():
        return []
    name, size = load.model.config.name, weight_bytes(load.model)
    try:
        place = load.engine.memory()
        load.engine.replicas(size)
    except HarError as error:
        return [f"{name}: {error}"]
    needed = needed_memory(load.model.config, size)
    notes = []
    if needed is not None and (needed := needed * load.engine.weights_share()) > place[1]:
        notes.append(f"{name} needs about {needed / GB:.1f} GB, but {place[0]} here has {place[1] / GB:.1f} GB free.")
    if load.model.path is None and load.model.revision == load.model.config.revision:
        notes.append(f"The hub does not say which version of {load.model.config.id} it has; stored texts are not counted.")
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


def _expected_answer(load: Load) -> tuple[float, int]:
    """Tokens of an answer, and how many stored texts that is the mean of; the most that is allowed where there is none."""
    tokens: list[int] = []
    for run in load.runs:
        store: GenerationStore = run.open_store()
        tokens += [record.completion_tokens for record in store.get_many(itertools.islice(store.keys(), LOOKED_AT))]
    if tokens:
        return sum(tokens) / len(tokens), len(tokens)
    return max(request.decoding.sampling.max_new_tokens for request in load.requests), 0


def _download(load: Load) -> str:
    if not load.engine.needs_model() or load.model.path is not None:
        return "-"
    size = weight_bytes(load.model)
    return "unknown" if size is None else f"{size / GB:.1f} GB"


def _approximately(number: float) -> str:
    if number < 10_000:
        return f"{number:,.0f}"
    return f"{number / 1e6:,.1f} M" if number >= 1e6 else f"{number / 1e3:,.0f} k"


def _duration(hours: float) -> str:
    minutes = hours * 60
    if minutes < 1:
        return f"{minutes * 60:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{hours:.1f} h"
