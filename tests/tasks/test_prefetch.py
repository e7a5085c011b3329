"""task=prefetch as a whole command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import har_llm

pytestmark = pytest.mark.slow


def test_prefetching_says_where_the_models_are(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "-m", "task=prefetch", "model=tiny_student,tiny_teacher,qwen3_0.6b", expect=1)
    assert "tiny_student: embedded:tiny_student is in /" in done.stderr
    assert "tiny_teacher: embedded:tiny_teacher is in /" in done.stderr
    assert "error: model=qwen3_0.6b: Qwen/Qwen3-0.6B is not on this machine" in done.stderr
    assert "1 of 3 jobs failed" in done.stderr
    assert not list(tmp_path.glob("outputs/store*"))
