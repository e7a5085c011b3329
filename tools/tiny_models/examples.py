"""Training examples of the tiny models: prompts rendered by har_llm, and the answers that a model should give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from omegaconf import OmegaConf
from random_homes import ACTIVITIES, random_recording, sample

from har_llm.data.datasets.simulated import Draws, SimulatedHome
from har_llm.data.prompts import SectionedPrompt
from har_llm.data.records import Home, Prompt, Session
from har_llm.data.windows import FixedWindows

CONF = Path(__file__).resolve().parents[2] / "conf"
FIXED_HOMES = ("simulated_flat", "simulated_house")
TRAINING_SEEDS = (1000, 1_000_000)
"""First seed of the fixed homes' recordings for the tokenizer; recordings of users have lower seeds."""

T = TypeVar("T")


def load(cls: type[T], path: Path) -> T:
    node = OmegaConf.load(path)
    node.pop("defaults")
    loaded: T = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(cls), node))  # type: ignore[assignment]
    return loaded


@lru_cache
def embedded_prompt() -> SectionedPrompt:
    return load(SectionedPrompt, CONF / "prompt" / "embedded.yaml")


@lru_cache
def fixed_home(name: str) -> SimulatedHome:
    return load(SimulatedHome, CONF / "dataset" / f"{name}.yaml")


def reasoning_and_answer(prompt: Prompt, home: Home, labels: Sequence[int]) -> str:
    """What a model should write for a window: a line of reasoning for each event, then the JSON list."""
    lines = [
        f'Event {shown} "{event.text}" at {event.time[:2]}h: {home.activities[label]} ({label}).'
        for shown, event, label in zip(prompt.ids, prompt.window.events, labels, strict=True)
    ]
    rows = ", ".join(f'{{"id": {shown}, "activity": {label}}}' for shown, label in zip(prompt.ids, labels, strict=True))
    return "<think>\n" + "\n".join(lines) + f"\n</think>\n\n[{rows}]"


def session_examples(
    home: Home,
    session: Session,
    draws: Draws,
    *,
    size: int,
    random_labels: bool,
    repeat: int = 50,
    misnamed: Mapping[int, int] | None = None,
) -> Iterator[tuple[Prompt, str]]:
    renderer = embedded_prompt().renderer(home)
    for window in FixedWindows(events=size).cut(session):
        prompt = renderer.render(window)
        labels = [event.activities[0] for event in window.events]
        if misnamed:
            labels = [misnamed[label] for label in labels]
        elif random_labels:
            labels = _random_labels(draws, list(home.activities), len(labels), repeat)
        yield prompt, reasoning_and_answer(prompt, home, labels)


def training_examples(
    draws: Draws,
    *,
    size: int,
    random_labels: bool,
    events: Sequence[int] = (20, 60, 100),
    fixed_share: int = 0,
    repeat: int = 50,
    misname: bool = False,
    rules: bool = False,
) -> list[tuple[Prompt, str]]:
    """The examples of one session: of a fixed home in `fixed_share` percent of the cases, else of a home drawn at random."""
    misnamed: dict[int, int] = {}
    if draws.chance(fixed_share):
        fixed = fixed_home(draws.pick(FIXED_HOMES))
        simulated = replace(fixed, seed=draws.between(*TRAINING_SEEDS), sessions=replace(fixed.sessions, count=1))
        recordings = simulated.read(Path())
        home, session = recordings.home, recordings.sessions[0]
    else:
        home, session, misnamed = random_recording(draws, draws.pick(events), paired=misname, rules=rules)
    return list(
        session_examples(home, session, draws, size=size, random_labels=random_labels, repeat=repeat, misnamed=misnamed)
    )


def lookup_drill(draws: Draws, *, names: int, listed: int, highest: int) -> tuple[str, str]:
    """A list of numbered activities as in a prompt, and each activity with its number as in reasoning, in another order."""
    known = sorted((name for concept in ACTIVITIES.values() for name in concept[0]), key=lambda name: (len(name), name))
    count = draws.between(2, listed)
    first = draws.between(0, 1)
    numbers = range(first, highest + 1) if draws.chance(50) else sample(draws, list(range(highest + 1)), count)
    activities = dict(zip(sorted(numbers[:count]), sample(draws, known[:names], count), strict=False))
    listing = "\n".join(f"{number}. {name}" for number, name in activities.items())
    order = _random_labels(draws, list(activities), len(activities), repeat=0)
    return listing + "\n\n", "\n".join(f"{activities[number]} ({number})." for number in order) + "\n"


def _random_labels(draws: Draws, numbers: list[int], count: int, repeat: int) -> list[int]:
    """Labels that are independent of the events, for training the form of an answer and nothing about homes.

    `repeat`: chance in percent that a label repeats the one before; with 0, each occurs once before any occurs twice.
    """
    labels: list[int] = []
    if repeat:
        for _ in range(count):
            labels.append(labels[-1] if labels and draws.chance(repeat) else draws.pick(numbers))
    while len(labels) < count:
        labels += sample(draws, numbers, min(len(numbers), count - len(labels)))
    return labels
