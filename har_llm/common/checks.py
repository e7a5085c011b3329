"""Checks of a setting's value that many settings share."""

from __future__ import annotations

from collections.abc import Collection

from har_llm.common.errors import ConfigError
from har_llm.common.text import suggestion


def require(name: str, value: object, allowed: Collection[str]) -> None:
    """Raise ConfigError, with the nearest allowed value, unless the value of the setting `name` is one of `allowed`."""
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.{suggestion(str(value), allowed)}")
