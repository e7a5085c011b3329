"""Experiments composed from the shipped conf/, as the command line composes them."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from har_llm.common.shipped import conf_folder
from har_llm.config.experiment import GROUPS, Experiment
from har_llm.config.read import read_experiment
from tests.warm_processes import session_folder

SETTING = re.compile(r"\+{0,2}\w+(\.\w+)+=.*|(seed|limit|runs|task|baselines)=.*", re.DOTALL)
"""Of a node; what has no dot may choose an option of a group."""
OPTIONS = {group: sorted(path.stem for path in (conf_folder() / group).glob("*.yaml")) for group in GROUPS}


def composed(*overrides: str, conf: Path | None = None) -> DictConfig:
    """`conf`: a user's folder of further options, as --config-dir names it.

    Composing takes Hydra long, so only choices are composed, each once, and Hydra says what is wrong with a setting.
    """
    choices = tuple(one for one in overrides if not SETTING.fullmatch(one))
    config = _put_together(choices) if conf is None else None
    if config is None:
        config = _composed(choices, conf)
    try:
        for setting in OverridesParser.create().parse_overrides([one for one in overrides if SETTING.fullmatch(one)]):
            key, value = setting.key_or_group, setting.value()
            if setting.is_add() and OmegaConf.select(config, key) is not None and not isinstance(value, (dict, list)):
                return _composed(overrides, conf)
            OmegaConf.update(config, key, value, force_add=setting.is_add() or setting.is_force_add())
    except (HydraException, OmegaConfBaseException):
        return _composed(overrides, conf)
    return config


def _put_together(choices: tuple[str, ...]) -> DictConfig | None:
    """The config of options of our groups, which do not depend on each other; None if something else is chosen."""
    chosen = [(group, name) for group, _, name in (one.partition("=") for one in choices)]
    if any(name not in OPTIONS.get(group, ()) for group, name in chosen):
        return None
    config = _composed((), None)
    for group, name in chosen:
        config[group] = _option(group, name)
    return config


def _option(group: str, name: str) -> Any:
    """Composed alone, which takes a third of the time."""
    return pickle.loads(_kept(f"{group}/{name}"))[group]


def _composed(overrides: tuple[str, ...], conf: Path | None) -> DictConfig:
    """A config of one's own."""
    config = pickle.loads(_pickled(overrides, conf))  # several times as fast as a deep copy
    assert isinstance(config, DictConfig)
    return config


@cache
def _pickled(overrides: tuple[str, ...], conf: Path | None) -> bytes:
    """Of the shipped conf/, each is composed once in a session of tests."""
    if conf is not None:
        return _composed_now("config", f"hydra.searchpath=[{conf}]", *overrides)
    return _kept("config", *overrides)


@cache
def _kept(name: str, *overrides: str) -> bytes:
    kept = session_folder() / hashlib.sha256(repr((name, overrides)).encode()).hexdigest()
    if not kept.exists():
        (part := kept.with_suffix(f".{os.getpid()}")).write_bytes(_composed_now(name, *overrides))
        part.replace(kept)
    return kept.read_bytes()


def _composed_now(name: str, *overrides: str) -> bytes:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "In .*: Defaults list is missing")  # of an option that stands alone
        return pickle.dumps(compose(name, overrides=[*overrides]))


def experiment(*overrides: str) -> Experiment:
    return read_experiment(composed(*overrides))
