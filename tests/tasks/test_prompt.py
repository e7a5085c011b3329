"""task=prompt as a whole command: exactly what is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import har_llm

pytestmark = pytest.mark.slow


def test_the_prompt_task_prints_exactly_what_is_sent(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "task=prompt", "model=tiny_student", tokenizing=True)
    assert done.stdout.startswith("<|im_start|>system\n")
    assert done.stdout.endswith("]<|im_end|>\n<|im_start|>assistant\n\n")
    assert '{"id": 0, "time": "' in done.stdout
    assert f"{len(done.stdout) - 1:,} characters, " in done.stderr and " tokens of tiny_student" in done.stderr
    without = har_llm(tmp_path, "task=prompt", "model=qwen3_32b")
    assert without.stdout.startswith("[system]\n")
    assert "--- prompt embedded, window " in done.stderr
    assert "--- prompt reasoning, window " in without.stderr and "tokens unknown" in without.stderr


def test_training_windows_are_shown_as_they_are_sent(tmp_path: Path) -> None:
    """It had none, and was refused."""
    done = har_llm(tmp_path, "task=prompt", "model=qwen3_32b", "prompt=few_shot")
    assert "--- prompt few_shot, window " in done.stderr
    assert done.stdout.count("\nEvents:\n") == 4, "three windows of training sessions, and the one that is asked about"


def test_a_label_does_not_reach_the_terminal_as_a_command_to_it(tmp_path: Path) -> None:
    rule = "dataset.home.rules=['wash\x1b[2J\x1b]0;mine\x07']"
    done = har_llm(tmp_path, "task=prompt", "model=tiny_student", "prompt=direct", rule, tokenizing=True)
    assert r"wash\x1b[2J\x1b]0;mine\x07" in done.stdout and "\x1b" not in done.stdout + done.stderr


def test_a_users_own_prompt_file(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("Mine, for $5: $rooms\n$events\nThe end.")
    asked = ("task=prompt", "model=tiny_student", "prompt=verbatim", "prompt.path=mine.txt")
    done = har_llm(tmp_path, *asked, tokenizing=True)
    assert "Mine, for $5: - kitchen: " in done.stdout
    assert "\n]\nThe end.<|im_end|>" in done.stdout
