"""Settings called extra_args: what a user hands on to a library, beyond the arguments that har_llm lists."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from har_llm.common.errors import ConfigError, EngineError
from har_llm.common.text import suggestion


def check_plain(extra_args: Mapping[str, Any], setting: str) -> None:
    """Raise ConfigError for a value that JSON cannot hold: it could not be part of a key or reach another process.

    `setting`: its full name, such as engine.extra_args.
    """
    for name, value in extra_args.items():
        try:
            plain = json.loads(json.dumps(value, allow_nan=False)) == value
        except (TypeError, ValueError):
            plain = False
        if not plain:
            raise ConfigError(
                f"{setting}.{name} is {value!r}; it must be a finite number, a string, true, false, null, or a list or "
                f"mapping of these, with strings as keys."
            )


def extra_identity(extra_args: Mapping[str, Any]) -> dict[str, Any]:
    """What it adds to a key: all of it, because any of it may change what is made."""
    return {"extra_args": dict(extra_args)} if extra_args else {}


def with_extra(
    own: Mapping[str, Any], extra_args: Mapping[str, Any], known: Collection[str], what: str, setting: str
) -> dict[str, Any]:
    """har_llm's own arguments and the user's. Raises EngineError for one that har_llm sets itself or that is not `known`.

    `what`: whose arguments they are, such as "vLLM's EngineArgs". `known`: their names; empty if they cannot be listed.
    """
    for name in extra_args:
        if name in own:
            raise EngineError(
                f"{setting}.{name} is an argument that har_llm sets itself; leave it out and change the setting that it "
                f"comes from (--cfg job lists them)."
            )
        if known and name not in known:
            raise EngineError(f"{setting}.{name} is not an argument of {what}.{suggestion(name, known)}")
    return {**own, **extra_args}
