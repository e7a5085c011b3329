"""Checks what is typed for Hydra's launchers, which start the jobs of a sweep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields

from har_llm.common.errors import ConfigError
from har_llm.common.text import suggestion
from har_llm.sweep.slurm.settings import SlurmSettings

CHOICE = "hydra/launcher"
SLURM = "har_llm_slurm"
KNOWN = ("har_llm", SLURM, "basic", "submitit_local", "submitit_slurm")
INTEGERS = ("gpus", "cpus", "mem_gb", "timeout_min", "restarts")


def check_launcher(others: Sequence[str], *, sweeps: bool) -> None:
    """Refuse a misspelt launcher, one for a single job, and a setting that the chosen one does not have.

    `others`: the settings of Hydra's. Raises ConfigError.
    """
    typed = dict(one.lstrip("+").partition("=")[::2] for one in others if "=" in one)
    chosen = typed.get(CHOICE)
    if chosen is not None:
        _check_choice(chosen, sweeps=sweeps)
    for key, value in typed.items():
        if key.startswith("hydra.launcher."):
            _check_setting(key.removeprefix("hydra.launcher."), value, chosen)


def _check_choice(chosen: str, *, sweeps: bool) -> None:
    """One that is near none of these may be of another package."""
    if not sweeps:
        raise ConfigError(f"{CHOICE} is {chosen}: a launcher starts the jobs of a sweep; add -m.")
    near = f" Did you mean {SLURM}?" if chosen == "slurm" else suggestion(chosen, KNOWN)
    if near and chosen not in KNOWN:
        raise ConfigError(f"{CHOICE} is {chosen!r}; it must be one of {', '.join(KNOWN)}, or of another package.{near}")


def _check_setting(name: str, value: str, chosen: str | None) -> None:
    """Of our launchers; Hydra's own have theirs."""
    known = [one.name for one in fields(SlurmSettings)]
    first = name.partition(".")[0]
    if chosen is None and first in known:
        raise ConfigError(f"hydra.launcher.{name} is a setting of {CHOICE}={SLURM}; add that.")
    if chosen != SLURM:
        return
    if first not in known:
        near = suggestion(name, known)
        raise ConfigError(f"hydra.launcher.{name} is not a setting of {CHOICE}={SLURM}.{near} It has: {', '.join(known)}.")
    if first in INTEGERS and not re.fullmatch(r"-?\d+|null", value):
        raise ConfigError(f"hydra.launcher.{name} is {value!r}; it must be a whole number, the same for all jobs.")
