"""Hydra finds launchers in the namespace package `hydra_plugins` only; this one is the default of conf/config.yaml."""

from hydra_plugins.har_llm_launcher.launcher import HarLauncher
from hydra_plugins.har_llm_launcher.slurm_launcher import HarSlurmLauncher

__all__ = ["HarLauncher", "HarSlurmLauncher"]
