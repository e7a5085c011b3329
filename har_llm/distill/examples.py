"""Reasoning examples: a teacher's generations, with reasoning and answer word for word, as rows to train a student on.

The paper takes every generation (section 3.2.1). Generations that the filters here leave out are counted by reason, and it
is recorded whether a filter used gold activities.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from har_llm.common.errors import ConfigError
from har_llm.common.numbers import counted
from har_llm.data.records import Message, Prompt
from har_llm.distill.examples_config import ExampleSettings, gold_in_words
from har_llm.distill.training_messages import LongExamples
from har_llm.models.reasoning import PUBLISHED, Marks, split_reasoning
from har_llm.scoring.answer_parts import marked_parts
from har_llm.scoring.prediction import Prediction
from har_llm.scoring.voting import vote

SHOWN = 10
"""Most windows that an error names."""
CUT, NO_REASONING, UNLABELLED = "cut", "without reasoning", "with no labelled event"
ROUNDING = 1e-9
"""Tolerance, so that 7 of 25 events are a share of 0.28 in spite of floating-point rounding."""


class Candidate(NamedTuple):
    """A generation of the teacher that may become an example."""

    key: str
    text: str
    finish_reason: str
    predictions: tuple[Prediction, ...]
    """Strictly parsed, one for each event of the window."""


@dataclass(frozen=True)
class Example:
    """A row of the training data."""

    place: str
    """Where it comes from, in words: a window, or a line of a file."""
    messages: tuple[Message, ...]
    text: str

    def as_row(self) -> dict[str, Any]:
        """In TRL's conversational prompt-completion format."""
        completion = [{"role": "assistant", "content": self.text}]
        return {"prompt": [dict(message) for message in self.messages], "completion": completion}


@dataclass(frozen=True)
class Selection:
    """The examples of a training, and why others were left out."""

    examples: Sequence[Example]
    generations: int
    """Number of all: generations of the teacher, windows with gold answers, or rows of a file."""
    left_out: Mapping[str, int]
    """Number of those left out, by reason."""
    uses_gold: bool | None
    """Whether gold activities were used for the examples or to choose them or their events; None if nobody knows."""
    engines: Sequence[str] = ()
    """Those that made the teacher's generations, by name."""
    method: str = "generations"
    """lora.examples.method."""
    origin: str = "generations of the teacher"
    """What the examples are taken from, in words."""

    def summary(self) -> str:
        words = f"{len(self.examples)} of {self.generations} {self.origin} are used for training"
        if self.left_out:
            words += "; left out: " + ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
        return "; ".join(filter(None, [words, gold_in_words(self.method, self.uses_gold)]))

    def without_long(self, long: LongExamples, unusable: str) -> Selection:
        """The examples without those that are too long, which the student's tokenizer has found.

        Raises ConfigError, naming their windows, unless `unusable` is leave_out, or if no example remains.
        """
        longest = long.longest
        if unusable == "stop":
            faults = [(self.examples[place].place, str(tokens)) for place, tokens in long.found]
            ways = "raise lora.training.max_length or the student's model.context, " if long.can_read_more else ""
            most = "" if long.can_read_more else " (the student's context)"
            raise ConfigError(
                f"Prompt and generation together are longer than {longest} tokens{most} and would lose their end in "
                f"{len(long.found)} of {counted(len(self.examples), 'example')}; {ways}make windows smaller, or set "
                f"lora.examples.unusable=leave_out to train without them. Tokens: {_named(faults)}"
            )
        places = {place for place, _ in long.found}
        examples = [example for place, example in enumerate(self.examples) if place not in places]
        if not examples:
            raise ConfigError(f"No example is left: all are longer than {longest} tokens; make windows smaller.")
        left_out = {**self.left_out, f"longer than {longest} tokens": len(places)}
        return replace(self, examples=examples, left_out=left_out)


def select(
    prompts: Sequence[Prompt],
    candidates: Sequence[Sequence[Candidate]],
    settings: ExampleSettings,
    *,
    thinking: bool,
    marks: Marks = PUBLISHED,
    mark: str | None = None,
) -> Selection:
    """The examples that the settings ask for, in the order of the windows.

    `candidates`: the teacher's generations for each prompt. `thinking`, `marks`: as teacher and student reason between marks
    of their own. `mark`: the line that the prompt asks for between reasoning and answer. Raises ConfigError if no example is
    left, and for unusable generations, naming their windows, unless settings.unusable is leave_out.
    """
    left_out: Counter[str] = Counter()
    examples: list[Example] = []
    faults: list[tuple[str, str]] = []
    for prompt, all_of_window in zip(prompts, candidates, strict=True):
        usable = []
        for candidate in all_of_window:
            fault = why_unusable(candidate, thinking=thinking, marks=marks, mark=mark)
            if fault is not None:
                faults.append((_window(prompt), fault))
            reason = fault or why_refused(candidate, prompt, settings)
            if reason is None:
                usable.append(candidate)
            else:
                left_out[reason] += 1
        picked = _pick(usable, all_of_window, prompt, settings.pick)
        if len(usable) > len(picked):
            left_out["not picked of several"] += len(usable) - len(picked)
        examples += [Example(_window(prompt), prompt.messages, one.text) for one in picked]
    if settings.unusable == "stop":
        silent = "If the teacher does not reason, set lora.teacher.thinking=false and model.thinking=false"
        refuse_unusable(faults, sum(map(len, candidates)), "the teacher's generations", {NO_REASONING: silent})
    if not examples:
        raise ConfigError("None of the teacher's generations is left for training; loosen the filters of lora.examples.")
    made = sum(map(len, candidates))
    return Selection(examples, made, dict(left_out), settings.uses_gold, method=settings.method)


def gold_answers(prompts: Sequence[Prompt], write: Callable[[Prompt], str]) -> Selection:
    """The gold activities of every window as the answer to its prompt, in the form that it asks for (`write`).

    A window with an unlabelled event is left out: an answer without it would train the student to omit events. Raises
    ConfigError if no window is left.
    """
    labelled = [prompt for prompt in prompts if all(event.activities for event in prompt.window.events)]
    if not labelled:
        raise ConfigError(
            "Every window of the training part has an event without a gold activity, so there are no gold answers to train "
            "on; make windows smaller (lora.window), or choose lora=distilled."
        )
    left_out = {"with unlabelled events": len(prompts) - len(labelled)} if len(labelled) < len(prompts) else {}
    examples = [Example(_window(prompt), prompt.messages, write(prompt)) for prompt in labelled]
    return Selection(examples, len(prompts), left_out, True, method="gold_answers", origin="gold answers")


def _window(prompt: Prompt) -> str:
    return f"window {prompt.window.id}"


def refuse_unusable(faults: Sequence[tuple[str, str]], among: int, origin: str, if_all: Mapping[str, str]) -> None:
    """Raise ConfigError if there are faults, each a place and a reason. `if_all`: the advice if all have this one."""
    if not faults:
        return
    advice = "Set lora.examples.unusable=leave_out to train without them"
    first, *others = {fault for _, fault in faults}
    if len(faults) == among and not others and first in if_all:
        advice = if_all[first]
    elif any(fault == CUT for _, fault in faults):
        advice += ", or raise lora.teacher.sampling.max_new_tokens"
    raise ConfigError(f"{len(faults)} of {origin} cannot be used for training: {_named(faults)} {advice}.")


def why_unusable(candidate: Candidate, *, thinking: bool, marks: Marks = PUBLISHED, mark: str | None = None) -> str | None:
    """Why a student must not be trained on a generation, because it would then write broken ones; None if it may be."""
    if candidate.finish_reason != "stop":
        return CUT
    closed, opened = (len(kind.findall(candidate.text)) for kind in (marks.closes, marks.opens))
    if thinking and closed == opened == 0:
        return NO_REASONING
    if split_reasoning(candidate.text, thinking=thinking, marks=marks)[1] is None:
        return "with unclosed reasoning"
    if closed > 1 or opened > 1:
        return "with more than one reasoning part"
    if mark is not None and (parts := len(marked_parts(candidate.text, mark))) != 2:
        return f"without {mark!r} before the answer" if parts == 1 else f"with {mark!r} more than once"
    return None


def why_refused(candidate: Candidate, prompt: Prompt, settings: ExampleSettings) -> str | None:
    """Why a filter of the settings refuses a generation; None if none does."""
    if settings.well_formed and any(prediction.activity is None for prediction in candidate.predictions):
        return "not well-formed"
    if settings.min_correct is not None:
        labelled = sum(bool(event.activities) for event in prompt.window.events)
        if not labelled:
            return UNLABELLED
        if _correct(candidate, prompt) < settings.min_correct * labelled - ROUNDING:
            return "with too few events right"
    return None


def _pick(usable: list[Candidate], all_of_window: Sequence[Candidate], prompt: Prompt, pick: str) -> list[Candidate]:
    """The generations of a window to train on, out of the usable ones; among equals, the first."""
    if not usable or pick == "all":
        return usable
    if pick == "best":
        return [max(usable, key=lambda one: _correct(one, prompt))]
    if pick == "consistent":
        votes = [vote(event) for event in zip(*(one.predictions for one in all_of_window), strict=True)]
        return [max(usable, key=lambda one: _agreeing(one, votes))]
    return usable[:1]


def _correct(candidate: Candidate, prompt: Prompt) -> int:
    """Number of events that the candidate has right."""
    events = prompt.window.events
    return sum(one.activity in event.activities for one, event in zip(candidate.predictions, events, strict=True))


def _agreeing(candidate: Candidate, votes: Sequence[Prediction]) -> int:
    """Number of events for which the candidate names the activity that won the vote."""
    return sum(one.activity == voted.activity for one, voted in zip(candidate.predictions, votes, strict=True))


def _named(faults: Sequence[tuple[str, str]]) -> str:
    shown = ", ".join(f"{place} ({fault})" for place, fault in faults[:SHOWN])
    return f"{shown}{f', and {len(faults) - SHOWN} more' if len(faults) > SHOWN else ''}."
