"""A sweep's jobs are composed as often as it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra

from har_llm.cli.main import main

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("launcher", "times"), [("har_llm", 1), ("basic", 2)])
def test_each_job_is_composed_once_unless_another_launcher_may_do_it_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launcher: str, times: int
) -> None:
    composed: list[tuple[str, ...]] = []
    load = ConfigLoaderImpl.load_sweep_config

    def counted(self: Any, master_config: Any, sweep_overrides: list[str]) -> Any:
        composed.append(tuple(sweep_overrides))
        return load(self, master_config, sweep_overrides)

    monkeypatch.setattr(ConfigLoaderImpl, "load_sweep_config", counted)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["har-llm", "-m", "seed=1,2", "limit=0", f"hydra/launcher={launcher}"])
    GlobalHydra.instance().clear()
    with pytest.raises(SystemExit):
        main()
    GlobalHydra.instance().clear()
    assert [composed.count(job) for job in dict.fromkeys(composed)] == [times] * 2
