"""A small job of the scripted engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from har_llm.sweep.job import Job
from tests.composing import experiment
from tests.scripted_runs import SMALL, gold_script


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    script = gold_script(tmp_path / "gold.jsonl")

    def made(*overrides: str) -> Job:
        common = [*SMALL, f"engine.path={script}", f"paths.outputs={tmp_path / 'outputs'}"]
        return Job(" ".join(overrides), experiment(*common, *overrides))

    return made
