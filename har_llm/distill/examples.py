"""A teacher's texts, made reasoning examples: one training row for each window, reasoning and answer as they were written.

The paper takes every text (section 3.2.1). What filters leave out is counted by reason, and filters that look at gold
activities say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from har_llm.common.errors import ConfigError
from har_llm.data.records import Message, Prompt
from har_llm.runs.store import Record
from har_llm.scoring.parsing import END_THINK, THINK

if TYPE_CHECKING:
    from har_llm.runs.generations import WindowGenerations as WindowTexts

PICKS = ("first", "all", "best", "consistent")
UNLEARNABLE = ("stop", "leave_out")
SHOWN = 10
"""Windows named in an error."""


@dataclass(kw_only=True)
class ExampleSettings:
    """Which of the teacher's texts a student learns from."""

    samples: int = 1
    """Texts of the teacher for each window; more than one needs a teacher that samples."""
    pick: str = "first"
    """Of several texts: first, all, best (most events right, by gold activities), or consistent (nearest to their vote)."""
    well_formed: bool = False
    """Only texts whose answer is valid and gives every event an activity."""
    min_correct: float | None = None
    """Only texts with at least this share of events right, by gold activities."""
    unlearnable: str = "stop"
    """A text that cannot be learned as it is (cut, reasoning not closed once, longer than the limit): stop, or leave_out."""

    def check(self) -> None:
        if self.samples < 1:
            raise ConfigError(f"lora.examples.samples is {self.samples}; it must be at least 1.")
        if self.pick not in PICKS:
            raise ConfigError(f"lora.examples.pick is {self.pick!r}; it must be one of {', '.join(PICKS)}.")
        if self.min_correct is not None and not 0 < self.min_correct <= 1:
            raise ConfigError(f"lora.examples.min_correct is {self.min_correct}; it must be above 0 and at most 1, or null.")
        if self.unlearnable not in UNLEARNABLE:
            raise ConfigError(
                f"lora.examples.unlearnable is {self.unlearnable!r}; it must be one of {', '.join(UNLEARNABLE)}."
            )

    @property
    def uses_gold(self) -> bool:
        return self.min_correct is not None or (self.pick == "best" and self.samples > 1)

    @property
    def reads_answers(self) -> bool:
        """Whether the choice depends on how answers are read."""
        return self.uses_gold or self.well_formed or (self.pick == "consistent" and self.samples > 1)


@dataclass(frozen=True)
class Example:
    """A row to learn from."""

    window: str
    generation: str
    """The key of the teacher's text."""
    messages: tuple[Message, ...]
    text: str

    def as_row(self) -> dict[str, Any]:
        """In TRL's conversational prompt-completion form."""
        completion = [{"role": "assistant", "content": self.text}]
        return {"prompt": [dict(message) for message in self.messages], "completion": completion}


@dataclass(frozen=True)
class Selection:
    examples: Sequence[Example]
    texts: int
    """All that the teacher wrote."""
    left_out: Mapping[str, int]
    """How many of them were not taken, by reason."""
    uses_gold: bool
    """Whether gold activities chose the examples, or the events that these show."""

    def summary(self) -> str:
        words = f"{len(self.examples)} of {self.texts} texts of the teacher are learned from"
        if self.left_out:
            words += "; left out: " + ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
        return words + ("; chosen with gold activities" if self.uses_gold else "")

    def without_long(
        self, too_long: Sequence[tuple[int, int]], longest: int, unlearnable: str, more: bool = True
    ) -> Selection:
        """The examples but for those (place, tokens) that only the student's tokenizer can find to be too long.

        `more`: whether the student can read longer ones. Raises ConfigError naming their windows, unless they are to be left
        out, and when nothing is left.
        """
        if unlearnable == "stop":
            faults = [(self.examples[place].window, f"has {tokens}") for place, tokens in too_long]
            ways = "raise lora.training.max_length or the student's model.context, " if more else ""
            most = "" if more else ", the most that the student can read,"
            raise ConfigError(
                f"{len(too_long)} of {len(self.examples)} examples, prompt and text together, are longer than {longest} "
                f"tokens{most} and would be learned without their end; {ways}make windows smaller, or set "
                f"lora.examples.unlearnable=leave_out to do without them. {_named(faults)}"
            )
        places = {place for place, _ in too_long}
        examples = [example for place, example in enumerate(self.examples) if place not in places]
        if not examples:
            raise ConfigError(
                f"No example is left to learn from: all are longer than {longest} tokens; make windows smaller."
            )
        left_out = {**self.left_out, f"longer than {longest} tokens": len(places)}
        return replace(self, examples=examples, left_out=left_out)


def select(
    prompts: Sequence[Prompt], windows: Sequence[WindowTexts], settings: ExampleSettings, thinking: bool
) -> Selection:
    """The examples that the settings ask for, in the order of the windows.

    Raises ConfigError naming the windows whose text cannot be learned, unless these are to be left out, and when nothing is
    left. `thinking`: whether the student reasons.
    """
    left_out: Counter[str] = Counter()
    examples: list[Example] = []
    faults: list[tuple[str, str]] = []
    for prompt, window in zip(prompts, windows, strict=True):
        sound = []
        for place, record in enumerate(window.records):
            fault = unlearnable(record, thinking)
            if fault is None:
                sound.append(place)
            else:
                left_out[fault] += 1
                faults.append((prompt.window.id, fault))
        chosen = _chosen(prompt, window, sound, settings, left_out)
        examples += [
            Example(prompt.window.id, window.records[place].key, prompt.messages, window.records[place].text)
            for place in chosen
        ]
    if faults and settings.unlearnable == "stop":
        raise ConfigError(
            f"{len(faults)} of the teacher's texts cannot be learned as they are; set lora.examples.unlearnable=leave_out "
            f"to do without them, or give the teacher more room (lora.teacher.sampling.max_new_tokens). {_named(faults)}"
        )
    if not examples:
        raise ConfigError("No text of the teacher is left to learn from; ask less of them in lora.examples.")
    texts = sum(len(window.records) for window in windows)
    return Selection(examples, texts, dict(left_out), settings.uses_gold)


def unlearnable(record: Record, thinking: bool) -> str | None:
    """Why a text would teach something else than it says; None when it would not."""
    if record.finish_reason != "stop":
        return "is cut"
    closed, opened = record.text.count(END_THINK), record.text.count(THINK)
    if thinking and closed == 0:
        return "never closes its reasoning" if opened else "has no reasoning"
    if closed > 1 or opened > 1:
        return "closes or opens its reasoning more than once"
    return None


def _named(faults: Sequence[tuple[str, str]]) -> str:
    shown = "; ".join(f"window {window} {fault}" for window, fault in faults[:SHOWN])
    return f"{shown}{f'; and {len(faults) - SHOWN} more' if len(faults) > SHOWN else ''}."


def _chosen(
    prompt: Prompt, window: WindowTexts, sound: Sequence[int], settings: ExampleSettings, left_out: Counter[str]
) -> list[int]:
    kept = []
    for place in sound:
        reason = _refused(prompt, window, place, settings)
        if reason is None:
            kept.append(place)
        else:
            left_out[reason] += 1
    if not kept or settings.pick == "all":
        return kept
    picked = _picked(prompt, window, kept, settings.pick)
    if len(kept) > 1:
        left_out["not picked of several"] += len(kept) - 1
    return [picked]


def _refused(prompt: Prompt, window: WindowTexts, place: int, settings: ExampleSettings) -> str | None:
    predictions = window.answers[place].strict
    if settings.well_formed and any(prediction.activity is None for prediction in predictions):
        return "not well-formed"
    if settings.min_correct is not None:
        right = _correct(prompt, window, place) / len(prompt.ids)
        if right < settings.min_correct - 1e-9:  # 7 of 25 are 0.28 of them, also where floating-point numbers are not
            return "too few events right"
    return None


def _picked(prompt: Prompt, window: WindowTexts, kept: Sequence[int], pick: str) -> int:
    if pick == "best":
        return max(kept, key=lambda place: (_correct(prompt, window, place), -place))
    if pick == "consistent":
        voted = window.predictions("strict")
        return max(kept, key=lambda place: (_agreeing(window, place, voted), -place))
    return kept[0]


def _correct(prompt: Prompt, window: WindowTexts, place: int) -> int:
    answer = window.answers[place].strict
    return sum(one.activity in event.activities for one, event in zip(answer, prompt.window.events, strict=True))


def _agreeing(window: WindowTexts, place: int, voted: Sequence[Any]) -> int:
    return sum(one.activity == vote.activity for one, vote in zip(window.answers[place].strict, voted, strict=True))
