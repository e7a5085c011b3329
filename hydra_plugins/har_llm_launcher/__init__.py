"""Hydra finds launchers and sweepers in the namespace package `hydra_plugins` only; conf/config.yaml chooses these."""

from hydra_plugins.har_llm_launcher.launcher import HarLauncher
from hydra_plugins.har_llm_launcher.slurm_launcher import HarSlurmLauncher
from hydra_plugins.har_llm_launcher.sweeper import HarSweeper

__all__ = ["HarLauncher", "HarSlurmLauncher", "HarSweeper"]
