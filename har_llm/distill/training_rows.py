"""The tokens of every example, which of them the loss is on, and which examples are short enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from har_llm.common.errors import EngineError
from har_llm.distill.training_job import TrainingJob
from har_llm.engines.chat import DEFAULT_CONTEXT, ChatTokenizer, readable_tokens

IGNORED = -100
"""A label that the loss passes over."""
Row = dict[str, list[int]]
"""An example's input_ids and labels, one number for each of its tokens."""
Tell = Callable[[dict[str, Any]], None]


def training_rows(chat: ChatTokenizer, job: TrainingJob, longest: int, tell: Tell) -> list[Row]:
    """The rows of at most so many tokens. Which ones are longer is told first, by their place in the file.

    Raises EngineError where some are longer and may not be left out, or all are.
    """
    rows = [tokenized(chat, row, job) for row in job.read_rows()]
    lengths = [len(row["input_ids"]) for row in rows]
    long = [[place, length] for place, length in enumerate(lengths) if length > longest]
    if long:
        readable = _readable(job)
        tell({"too_long": long, "longest": longest, "more": readable is None or longest < readable})
    if long and (not job.leave_out_long or len(long) == len(rows)):
        raise EngineError(
            f"{len(long)} of {len(rows)} examples are longer than {longest} tokens (the longest has {max(lengths)}), and "
            f"would be trained on without their end; make windows smaller."
        )
    return [row for row, length in zip(rows, lengths, strict=True) if length <= longest]


def tokenized(chat: ChatTokenizer, row: dict[str, Any], job: TrainingJob) -> Row:
    """The prompt exactly as the student will be sent it, then the teacher's generation and the end of the turn.

    Not tokenised together: when the student writes, the prompt's tokens are fixed too. Nor by the chat template, which
    may drop or reformat reasoning.
    """
    before = chat.tokens(chat.render(row["prompt"], job.template_options))
    after = [*chat.tokens(row["completion"][0]["content"]), chat.tokenizer.eos_token_id]
    labels = [IGNORED] * len(before) if job.settings.completion_only_loss else before
    return {"input_ids": before + after, "labels": labels + after}


def longest_row(job: TrainingJob) -> int:
    """Most tokens of an example. Never more than the student can read: Unsloth would stretch its positions, and make
    another model of it.
    """
    readable = _readable(job)
    if job.max_length is None:
        return readable or DEFAULT_CONTEXT
    return min(job.max_length, readable or job.max_length)


def _readable(job: TrainingJob) -> int | None:
    """Most tokens that the student can read, by its own configuration; None where that does not say."""
    return readable_tokens(job.base, trust_remote_code=job.trust_remote_code)


def check_labels(collate: Callable[[Sequence[Row]], Any], row: Row) -> None:
    """That what reaches the loss is what was meant to: libraries have masked every label before (unsloth #2771).

    `collate`: makes tensors of rows, as the trainer does. Raises EngineError.
    """
    (labels,) = collate([row])["labels"].tolist()
    if [label for label in labels if label != IGNORED] != [label for label in row["labels"] if label != IGNORED]:
        raise EngineError(
            "The loss would be on other tokens than it should be: the labels of the first example are changed. Use the "
            "versions of requirements-gpu.lock."
        )
