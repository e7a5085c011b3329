"""Experiments composed from the shipped conf/, as the command line composes them."""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from har_llm.cli import conf_folder
from har_llm.config import Experiment, read_experiment

OUTPUTS = re.compile(r"paths\.outputs=([\w./-]+)")  # nothing that Hydra would not take as it stands


def composed(*overrides: str, conf: Path | None = None) -> DictConfig:
    """`conf`: a user's folder of further options, as --config-dir names it.

    What differs only in where outputs go, as each test's do, is composed once.
    """
    outputs = [found[1] for override in overrides if (found := OUTPUTS.fullmatch(override))]
    config = deepcopy(_composed(tuple(one for one in overrides if not OUTPUTS.fullmatch(one)), conf))
    if outputs:
        OmegaConf.update(config, "paths.outputs", outputs[-1])
    return config


@cache
def _composed(overrides: tuple[str, ...], conf: Path | None) -> DictConfig:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        own = [] if conf is None else [f"hydra.searchpath=[{conf}]"]
        return compose("config", overrides=[*own, *overrides])


def experiment(*overrides: str) -> Experiment:
    return read_experiment(composed(*overrides))
