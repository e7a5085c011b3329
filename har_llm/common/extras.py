"""How a user installs one of the extras that pyproject.toml lists, in the words of README."""

from __future__ import annotations


def installed_by(extra: str) -> str:
    """The command. The project is on no registry, so it has to be typed in a clone."""
    return f"`pip install -e '.[{extra}]'` in a clone of har_llm"
