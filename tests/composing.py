"""Experiments composed from the shipped conf/, as the command line composes them."""

from __future__ import annotations

import os

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from har_llm.cli import conf_folder
from har_llm.config import Experiment, read_experiment

OmegaConf.register_new_resolver("expanduser", os.path.expanduser, replace=True)


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return compose("config", overrides=list(overrides))


def experiment(*overrides: str) -> Experiment:
    return read_experiment(composed(*overrides))
