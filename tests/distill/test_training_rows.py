"""What an example is as tokens, and which examples are short enough to be trained on."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from har_llm.common.errors import EngineError
from har_llm.distill.training_job import TrainingJob
from har_llm.distill.training_messages import LongExamples
from har_llm.distill.training_rows import IGNORED, check_labels, longest_row, tokenized, training_rows
from har_llm.engines.chat import ChatTokenizer
from tests.distill.trainings import job

pytestmark = pytest.mark.slow  # importing Transformers for the tokenizer


def chat_of(job: TrainingJob) -> ChatTokenizer:
    return ChatTokenizer(job.base, trust_remote_code=False)


def lengths(rows: Path, folder: Path) -> list[int]:
    made = job(rows, folder)
    chat = chat_of(made)
    return [len(tokenized(chat, row, made)["input_ids"]) for row in made.read_rows()]


def test_examples_that_are_too_long_are_named_and_stop_or_are_left_out(rows: Path, tmp_path: Path) -> None:
    tokens = lengths(rows, tmp_path)
    longest = sorted(tokens)[len(tokens) // 2]
    long = tuple((place, length) for place, length in enumerate(tokens) if length > longest)
    assert 0 < len(long) < len(tokens)
    stopping, heard = job(rows, tmp_path), []
    with pytest.raises(EngineError, match=rf"onger than {longest} tokens: {len(long)} of 12 examples"):
        training_rows(chat_of(stopping), stopping, longest, heard.append)
    leaving = job(rows, tmp_path, leave_out_long=True)
    kept = training_rows(chat_of(leaving), leaving, longest, heard.append)
    assert heard == [LongExamples(long, longest, can_read_more=True)] * 2
    assert [len(row["input_ids"]) for row in kept] == [length for length in tokens if length <= longest]
    with pytest.raises(EngineError, match="onger than 1 tokens: 12 of 12 examples"):
        training_rows(chat_of(leaving), leaving, 1, heard.append)


def test_without_a_limit_examples_are_as_long_as_the_student_reads(rows: Path, tmp_path: Path) -> None:
    assert longest_row(job(rows, tmp_path, max_length=None)) == 4096, "of the student's own configuration"
    assert longest_row(job(rows, tmp_path, max_length=99)) == 99
    assert longest_row(job(rows, tmp_path, max_length=9999)) == 4096, "and never longer"


def test_examples_that_are_longer_than_the_student_reads_are_no_reason_to_raise_the_limit(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("har_llm.distill.training_rows.readable_tokens", lambda *_, **__: 10)
    made = job(rows, tmp_path, max_length=4096)
    heard: list[Any] = []
    with pytest.raises(EngineError, match="onger than 10 tokens: 12 of 12 examples"):
        training_rows(chat_of(made), made, longest_row(made), heard.append)
    assert [(one.longest, one.can_read_more) for one in heard] == [(10, False)]


def test_labels_that_a_library_has_masked_are_noticed() -> None:
    row = {"input_ids": [1, 2, 3], "labels": [IGNORED, 2, 3]}

    def collate(labels: list[int]) -> Any:
        return lambda rows: {"labels": torch.tensor([labels])}

    check_labels(collate([IGNORED, 2, 3, IGNORED]), row)  # padded
    for masked in ([IGNORED] * 3, [1, 2, 3]):
        with pytest.raises(EngineError, match="have changed the labels of the first example"):
            check_labels(collate(masked), row)


def test_an_example_ends_with_a_token_at_which_generations_end(rows: Path, tmp_path: Path) -> None:
    """Also where the tokenizer names none, but generation_config.json does."""
    made = job(rows, tmp_path)
    base = Path(shutil.copytree(made.base, tmp_path / "base"))
    file = base / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "eos_token": None}))
    made = replace(made, base=str(base))
    chat = chat_of(made)
    assert tokenized(chat, next(made.read_rows()), made)["input_ids"][-1] == chat.ends[0] == 2


@pytest.mark.parametrize("completion_only", [True, False])
def test_the_loss_is_on_what_it_should_be(rows: Path, tmp_path: Path, completion_only: bool) -> None:
    made = job(rows, tmp_path, completion_only_loss=completion_only)
    chat = chat_of(made)
    tokenizer = chat.tokenizer
    row = next(made.read_rows())
    tokens = tokenized(chat, row, made)
    trained_on = [token for token, label in zip(tokens["input_ids"], tokens["labels"], strict=True) if label != IGNORED]
    text = row["completion"][0]["content"] + tokenizer.eos_token
    assert tokenizer.decode(trained_on).endswith(text)
    assert (tokenizer.decode(trained_on) == text) == completion_only
    sent = tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True, enable_thinking=True)
    assert tokenizer.decode(tokens["input_ids"]) == sent + text


@pytest.mark.parametrize("own", [None, ["<think>", "</think>"], ["<scratch>", "</scratch>"]])
def test_a_mark_that_the_prompt_ends_with_is_not_learnt_again(rows: Path, tmp_path: Path, own: list[str] | None) -> None:
    """The templates of some models, such as DeepSeek-R1's, open the reasoning in the prompt."""
    made = replace(job(rows, tmp_path), reasoning_marks=own)
    opening = tmp_path / "opening"
    shutil.copytree(made.base, opening)
    template = opening / "chat_template.jinja"
    template.write_text(template.read_text() + "{% if add_generation_prompt %}<think>\n{% endif %}")
    chat = ChatTokenizer(opening, trust_remote_code=False)
    row = tokenized(chat, next(iter(made.read_rows())), made)
    text = chat.tokenizer.decode(row["input_ids"])
    assert text.count("<think>") == (2 if own == ["<scratch>", "</scratch>"] else 1)
    assert text.count("</think>") == 1
