"""Models that cannot be had: a student, its teacher, or both."""

from __future__ import annotations

import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.runs.prepare import prepare
from tests.composing import experiment

pytestmark = pytest.mark.slow

ABSENT = "Qwen/Qwen3-{}B is not on this machine"
TEACHER = "The teacher (lora.teacher in place of model): "


@pytest.mark.parametrize(
    ("student", "teacher", "told"),
    [
        ("qwen3_0.6b", ["qwen3_1.7b"], [ABSENT.format("0.6"), TEACHER + ABSENT.format("1.7")]),
        ("qwen3_0.6b", ["tiny_teacher"], [ABSENT.format("0.6")]),
        ("tiny_student", ["qwen3_1.7b"], [TEACHER + ABSENT.format("1.7")]),
        ("qwen3_0.6b", ["qwen3_0.6b"], [ABSENT.format("0.6")]),
        (
            "qwen3_0.6b",
            ["qwen3_0.6b", "lora.teacher.revision=v1"],
            [ABSENT.format("0.6"), f"{TEACHER}Qwen/Qwen3-0.6B at revision v1 is not on this machine"],
        ),
        (
            "qwen3_0.6b",
            ["tiny_teacher", "lora.teacher.revision=v1"],
            [ABSENT.format("0.6"), f"{TEACHER}model.revision is 'v1', but"],
        ),
        (
            "qwen3_0.6b",
            ["qwen3_1.7b", "+engine@lora.engine=openai", "lora.engine.base_url=http://gpu/v1"],
            [ABSENT.format("0.6")],
        ),
    ],
)
def test_all_that_is_wrong_with_both_is_told_at_once(student: str, teacher: list[str], told: list[str]) -> None:
    chosen, *more = teacher
    asked = ("lora=distilled", "lora.train_sessions=1", "limit=1", f"model={student}", f"model@lora.teacher={chosen}")
    with pytest.raises((ConfigError, MissingError)) as raised:
        prepare(experiment(*asked, *more))
    lines = str(raised.value).splitlines()
    assert len(lines) == len(told)
    assert all(line.startswith(one) for line, one in zip(lines, told, strict=True))
