"""Tokenises the examples, marks the tokens for the loss, and leaves out or refuses examples that are too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from har_llm.common.errors import EngineError
from har_llm.common.numbers import counted
from har_llm.distill.training_job import TrainingJob
from har_llm.distill.training_messages import LongExamples, Tell
from har_llm.engines.chat import DEFAULT_CONTEXT, ChatTokenizer, readable_tokens
from har_llm.models.reasoning import continuing, marks_of

IGNORED = -100
"""The label of tokens that the loss ignores."""
Row = dict[str, list[int]]
"""An example's input_ids and labels, one number for each of its tokens."""


def training_rows(chat: ChatTokenizer, job: TrainingJob, longest: int, tell: Tell) -> list[Row]:
    """The rows of at most `longest` tokens. The places in the file of longer ones are reported first.

    Raises EngineError if some are longer and must not be left out, or if all are longer.
    """
    rows = [tokenized(chat, row, job) for row in job.read_rows()]
    lengths = [len(row["input_ids"]) for row in rows]
    long = tuple((place, length) for place, length in enumerate(lengths) if length > longest)
    if long:
        readable = _readable(job)
        tell(LongExamples(long, longest, can_read_more=readable is None or longest < readable))
    if long and (not job.leave_out_long or len(long) == len(rows)):
        raise EngineError(
            f"Longer than {longest} tokens: {len(long)} of {counted(len(rows), 'example')} (the longest has "
            f"{max(lengths)}), which would lose their end; make windows smaller."
        )
    return [row for row, length in zip(rows, lengths, strict=True) if length <= longest]


def tokenized(chat: ChatTokenizer, row: dict[str, Any], job: TrainingJob) -> Row:
    """The prompt exactly as the student will get it, then the teacher's generation and the end of the turn.

    They are tokenised separately, because a student that generates also has a fixed tokenised prompt; and not by the chat
    template, which may drop or reformat reasoning.
    """
    prompt = chat.render(row["prompt"], job.template_options)
    before = chat.tokens(prompt)
    text = continuing(prompt, row["completion"][0]["content"], marks_of(job.reasoning_marks))
    after = [*chat.tokens(text), chat.ends[0]]
    labels = [IGNORED] * len(before) if job.settings.completion_only_loss else before
    return {"input_ids": before + after, "labels": labels + after}


def longest_row(job: TrainingJob) -> int:
    """Most tokens of an example, never more than the student's context: Unsloth would rescale its positions, which makes it
    another model."""
    readable = _readable(job)
    if job.max_length is None:
        return readable or DEFAULT_CONTEXT
    return min(job.max_length, readable or job.max_length)


def _readable(job: TrainingJob) -> int | None:
    """The context in the student's own configuration; None if it has none."""
    return readable_tokens(job.base, trust_remote_code=job.trust_remote_code)


def check_labels(collate: Callable[[Sequence[Row]], Any], row: Row) -> None:
    """Raise EngineError if the libraries change the labels for the loss; they have masked all before (unsloth #2771).

    `collate`: makes tensors of rows, as the trainer does.
    """
    (labels,) = collate([row])["labels"].tolist()
    if [label for label in labels if label != IGNORED] != [label for label in row["labels"] if label != IGNORED]:
        raise EngineError(
            "The libraries have changed the labels of the first example, so the loss would be on the wrong tokens. Use the "
            "versions of locks/."
        )
