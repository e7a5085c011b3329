"""The marks between which models write their reasoning, and the reasoning and the answer of a generation."""

from __future__ import annotations

import re

MARKS = {
    "<think>": "</think>",
    "[THINK]": "[/THINK]",
    "<seed:think>": "</seed:think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|channel|>analysis<|message|>": "<|channel|>final<|message|>",
}
"""What opens and what closes the reasoning, in the models that are published."""

OPENS = re.compile("|".join(map(re.escape, MARKS)))
CLOSES = re.compile("|".join(map(re.escape, MARKS.values())))


def continuing(prompt: str, text: str) -> str:
    """A generation without the mark that opens its reasoning, where the student's rendered prompt ends with that mark."""
    opened = next((mark for mark in MARKS if prompt.rstrip().endswith(mark)), None)
    if opened is None or not text.lstrip().startswith(opened):
        return text
    rest = text.lstrip().removeprefix(opened)
    return rest.lstrip("\n") if prompt.endswith("\n") else rest


def split_reasoning(text: str, *, thinking: bool) -> tuple[str, str | None]:
    """The reasoning and the answer; the answer is None if the reasoning was never closed.

    The answer follows the last mark that closes reasoning. `thinking`: whether the model reasons, also where the mark that
    opens the reasoning is in the prompt.
    """
    closed = max((match.span() for match in CLOSES.finditer(text)), default=None)
    start, end = closed or (0, 0)
    unclosed = OPENS.search(text, end) is not None or (thinking and closed is None)
    reasoning, answer = (text, None) if unclosed else (text[:start], text[end:].strip())
    reasoning = reasoning.strip()
    opened = OPENS.match(reasoning)
    return reasoning[opened.end() if opened else 0 :].strip(), answer
