"""Experiments composed from the shipped conf/, as the command line composes them."""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from har_llm.common.shipped import conf_folder
from har_llm.config import Experiment, read_experiment

SETTING = re.compile(r"\w+(\.\w+)+=.*", re.DOTALL)  # of a node; what has no dot may choose an option of a group


def composed(*overrides: str, conf: Path | None = None) -> DictConfig:
    """`conf`: a user's folder of further options, as --config-dir names it.

    Composing takes Hydra long, so what differs in settings alone is composed once, and Hydra says what is wrong with one.
    """
    config = deepcopy(_composed(tuple(one for one in overrides if not SETTING.fullmatch(one)), conf))
    settings = [one for one in overrides if SETTING.fullmatch(one)]
    try:
        for setting in OverridesParser.create().parse_overrides(settings):
            OmegaConf.update(config, setting.key_or_group, setting.value())
    except (HydraException, OmegaConfBaseException):
        return _composed(overrides, conf)
    return config


@cache
def _composed(overrides: tuple[str, ...], conf: Path | None) -> DictConfig:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        own = [] if conf is None else [f"hydra.searchpath=[{conf}]"]
        return compose("config", overrides=[*own, *overrides])


def experiment(*overrides: str) -> Experiment:
    return read_experiment(composed(*overrides))
