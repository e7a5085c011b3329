"""Hydra's basic sweeper without its trial: it composes every job once to see whether that works, and then launches them.

har_llm's launchers compose all jobs before they begin any, so the trial would find nothing and take as long again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_store import ConfigStore

from hydra_plugins.har_llm_launcher.launcher import HarLauncher


@dataclass
class HarSweeperConf(BasicSweeperConf):
    _target_: str = "hydra_plugins.har_llm_launcher.sweeper.HarSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="har_llm", node=HarSweeperConf, provider="har_llm")


class HarSweeper(BasicSweeper):
    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Other launchers may compose each job only when it begins, so there the trial stays."""
        if not isinstance(self.launcher, HarLauncher):
            super().validate_batch_is_legal(batch)
