"""task=describe as a whole command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import har_llm

pytestmark = pytest.mark.slow


def test_looking_at_a_dataset_leaves_nothing_behind(tmp_path: Path) -> None:
    har_llm(tmp_path, "task=describe")
    har_llm(tmp_path, "seed=-1", expect=1)
    assert not list(tmp_path.iterdir())


def test_describe_and_validate(tmp_path: Path) -> None:
    described = har_llm(tmp_path, "task=describe").stdout
    assert "simulated_flat (synthetic home): 16 sessions" in described
    assert "10. watching television" in described
    assert "No faults" in har_llm(tmp_path, "task=validate").stdout
