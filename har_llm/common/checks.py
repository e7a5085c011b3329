"""Checks of a setting's value that many settings share."""

from __future__ import annotations

import re
from collections.abc import Collection

from har_llm.common.errors import ConfigError
from har_llm.common.text import suggestion


def check_name(setting: str, name: str) -> None:
    """Raise ConfigError for what cannot be part of a run directory's name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", name):
        raise ConfigError(
            f"{setting} is {name!r}; it names run directories, so use at most 60 letters, digits, '.', '_' and '-'."
        )


def require(name: str, value: object, allowed: Collection[str]) -> None:
    """Raise ConfigError, with the nearest allowed value, unless the value of the setting `name` is one of `allowed`."""
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.{suggestion(str(value), allowed)}")
