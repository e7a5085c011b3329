"""A load's generations are stored as they are made: none twice after an interrupt, none half-written after a failure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from har_llm.common.errors import EngineError
from har_llm.runs.prepare import prepare
from tests.composing import experiment
from tests.scripted_runs import SMALL, done, made_for, rows_of

pytestmark = pytest.mark.slow


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, script: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        done(tmp_path, script, stop_after=5)
    assert not list((tmp_path / "outputs").glob("runs/*"))
    result, made = done(tmp_path, script)
    assert len(made) == result.metrics.windows - 5
    undisturbed, _ = done(tmp_path / "other", script)
    assert rows_of(result) == rows_of(undisturbed)
    assert result.metrics == undisturbed.metrics


def test_an_engine_that_fails_leaves_no_run_directory(tmp_path: Path) -> None:
    common: Sequence[str] = [part for part in SMALL if not part.startswith("engine")]
    prepared = prepare(experiment(*common, f"paths.outputs={tmp_path}", "model.context=50", "limit=1"))
    with pytest.raises(EngineError, match="context is 50"):
        made_for(prepared)
    assert not list(tmp_path.glob("runs/*"))
