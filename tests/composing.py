"""Experiments composed from the shipped conf/, as the command line composes them."""

from __future__ import annotations

from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from har_llm.cli import conf_folder
from har_llm.config import Experiment, read_experiment


def composed(*overrides: str, conf: Path | None = None) -> DictConfig:
    """`conf`: a user's folder of further options, as --config-dir names it."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        own = [] if conf is None else [f"hydra.searchpath=[{conf}]"]
        return compose("config", overrides=[*own, *overrides])


def experiment(*overrides: str) -> Experiment:
    return read_experiment(composed(*overrides))
