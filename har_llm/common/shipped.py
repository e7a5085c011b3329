"""conf/ as it comes with the package, and what it says without a user's changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from har_llm.common.conf import CONF

CONFIG, HYDRA_VERSION = "config", "1.3"


def conf_folder() -> Path:
    """conf/ beside the package in a checkout, inside it when installed."""
    return Path(CONF)


@cache
def shipped(*choices: str) -> dict[str, Any]:
    """The settings of these choices, as in dataset=marble, as plain values; to be read only, because they are made once."""
    return _composed(CONFIG, choices)


@cache
def shipped_option(group: str, name: str) -> dict[str, Any]:
    """Those of one option whose settings refer to no other group; composed by itself, in a third of the time."""
    found: dict[str, Any] = _composed(None, [f"+{group}={name}"])[group]
    return found


def _composed(config: str | None, overrides: Sequence[str]) -> dict[str, Any]:
    from hydra import compose, initialize_config_dir

    from har_llm.common.schema import plain

    with _no_other_hydra(), initialize_config_dir(str(conf_folder()), version_base=HYDRA_VERSION):
        return plain(compose(config, list(overrides)))


@contextmanager
def _no_other_hydra() -> Iterator[None]:
    """Hydra may already read a command line, with folders of the user's; there is only one Hydra at a time."""
    from hydra.core.global_hydra import GlobalHydra

    other = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        yield
    finally:
        GlobalHydra.instance().clear()
        if other is not None:
            GlobalHydra.instance().initialize(other)
