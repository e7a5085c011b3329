"""Hydra finds launchers in the namespace package `hydra_plugins` only; this one is the default of conf/config.yaml."""

from hydra_plugins.har_llm_launcher.launcher import HarLauncher

__all__ = ["HarLauncher"]
