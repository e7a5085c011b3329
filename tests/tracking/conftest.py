"""No test here may use the login of whoever runs it, or reach W&B."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from har_llm.runs.directory import RunResult
from tests.scripted_runs import done, gold_script

REFUSED = "http://127.0.0.1:9"
"""Nothing listens there."""


@pytest.fixture(autouse=True)
def not_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("NETRC", str(home / "netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", REFUSED)


@pytest.fixture
def finished(tmp_path: Path) -> Callable[..., RunResult]:
    """A finished run of the scripted engine: the answers to its first windows are wrong."""
    script = gold_script(tmp_path / "gold.jsonl", wrong=24)

    def make(*overrides: str) -> RunResult:
        return done(tmp_path, f"engine.path={script}", *overrides)[0]

    return make
