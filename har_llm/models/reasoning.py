"""The marks between which models write their reasoning, and the reasoning and the answer of a generation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Marks:
    """Marks that are recognised in a model's generations."""

    pairs: tuple[tuple[str, str], ...]
    """What opens the reasoning, and what closes it."""

    @cached_property
    def opens(self) -> re.Pattern[str]:
        return re.compile("|".join(re.escape(opening) for opening, _ in self.pairs))

    @cached_property
    def closes(self) -> re.Pattern[str]:
        return re.compile("|".join(re.escape(closing) for _, closing in self.pairs))

    def in_template(self, template: str) -> tuple[str, str]:
        """The marks of a model with this chat template: the first that it has one of, or else the first of all."""
        return next((pair for pair in self.pairs if pair[0] in template or pair[1] in template), self.pairs[0])


PUBLISHED = Marks(
    (
        ("<think>", "</think>"),
        ("[THINK]", "[/THINK]"),
        ("<seed:think>", "</seed:think>"),
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("<reasoning>", "</reasoning>"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("<|begin_of_thought|>", "<|end_of_thought|>"),
        ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
        ("<|channel>thought", "<channel|>"),
    )
)
"""Those of the models that are published. All are recognised in a generation of any model that has no marks of its own."""


def marks_of(own: Sequence[str] | None) -> Marks:
    """The marks to recognise. `own`: model.reasoning_marks."""
    if own is None:
        return PUBLISHED
    opening, closing = own
    return Marks(((opening, closing),))


def continuing(prompt: str, text: str, marks: Marks = PUBLISHED) -> str:
    """A generation without the mark that opens its reasoning, where the student's rendered prompt ends with that mark."""
    opened = next((opening for opening, _ in marks.pairs if prompt.rstrip().endswith(opening)), None)
    if opened is None or not text.lstrip().startswith(opened):
        return text
    rest = text.lstrip().removeprefix(opened)
    return rest.lstrip("\n") if prompt.endswith("\n") else rest


def split_reasoning(text: str, *, thinking: bool, marks: Marks = PUBLISHED) -> tuple[str, str | None]:
    """The reasoning and the answer; the answer is None if the reasoning was never closed.

    The answer follows the last mark that closes reasoning. `thinking`: whether the model reasons, also where the mark that
    opens the reasoning is in the prompt.
    """
    closed = max((match.span() for match in marks.closes.finditer(text)), default=None)
    start, end = closed or (0, 0)
    unclosed = marks.opens.search(text, end) is not None or (thinking and closed is None)
    reasoning, answer = (text, None) if unclosed else (text[:start], text[end:].strip())
    reasoning = reasoning.strip()
    opened = marks.opens.match(reasoning)
    return reasoning[opened.end() if opened else 0 :].strip(), answer
