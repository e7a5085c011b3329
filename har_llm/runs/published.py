"""A run's settings for readers elsewhere: names and digests stand in place of this machine's paths."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from har_llm.common.paths import last_part, published_id
from har_llm.runs.directory import RunResult

PLACES = ("path", "folder")
"""Settings, of any group, whose value is a path: the last word of their name."""
DIGITS = 6
"""Of a digest, enough to tell a user's few files apart."""


def published_config(run: RunResult) -> dict[str, Any]:
    """The composed config, with the last part of every path; of a user's prompt, own_prompt."""
    config: dict[str, Any] = _named(run.config)
    if own := own_prompt(run):
        config["prompt"] = {**config["prompt"], "path": own}
    return config


def own_prompt(run: RunResult) -> str:
    """ "my_prompt (1a2b3c)": the name and the digest of a user's own prompt; empty for a prompt of conf/."""
    prompt, text = run.config.get("prompt"), run.metrics.choices.prompt.get("text_digest")
    if not text or not isinstance(prompt, dict):
        return ""
    return f"{PurePath(last_part(str(prompt.get('path')))).stem} ({str(text)[:DIGITS]})"


def _named(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _named(inside, str(name)) for name, inside in value.items()}
    if not isinstance(value, str):
        return value
    if key.rpartition("_")[2] in PLACES:
        return last_part(value)
    return published_id(value) if key == "id" else value
