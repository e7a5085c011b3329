"""Which runs are asked to be published, where: a directory that is damaged costs itself alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from har_llm.results import RunResult
from har_llm.tracking.config import WandbTracker
from har_llm.tracking.publisher import Publisher
from har_llm.tracking.publishing import publish_runs

Finished = Callable[..., RunResult]


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Publisher, "start", lambda self: None)


def changed(folder: Path, **changes: Any) -> Path:
    """Its config.yaml with other values; without those that are None."""
    config = {**OmegaConf.to_container(OmegaConf.load(folder / "config.yaml")), **changes}  # type: ignore[dict-item]
    kept = {name: value for name, value in config.items() if value is not None}
    OmegaConf.save(OmegaConf.create(kept), folder / "config.yaml")
    return folder


@pytest.mark.parametrize("changes", [{"lora": None}, {"lora": "none"}, {"lora": {"teacher": "x"}}, {"tracker": "wandb"}])
def test_a_damaged_config_costs_its_own_run(finished: Finished, tmp_path: Path, changes: dict[str, Any]) -> None:
    damaged, sound = changed(finished("limit=1").folder, **changes), finished("limit=2").folder
    publisher = Publisher(WandbTracker(), str(tmp_path))
    publish_runs(publisher, [damaged, sound])
    assert [one.what for one in publisher.asked] == [damaged.name, sound.name]
    said, waits = (one.outcome.get("failed") for one in publisher.asked)
    assert waits is None
    if "tracker" in changes:  # the rest is read by the tracker's process
        assert str(damaged) in said and "does not hold what this version of har_llm writes" in said
