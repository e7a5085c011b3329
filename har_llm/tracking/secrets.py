"""Removes secrets from what is published, wherever a user may have put them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from har_llm.common.files import bounded_lines, open_bounded, read_bounded

HIDDEN = "(not published)"
SECRET_NAME = re.compile(
    r"(^|_|-)((api|access|secret|private|hub|hf|wandb)[_-]?key|token|secret|password|passwd|passphrase|auth|authorization"
    r"|credential|cookie)s?$",
    re.I,
)
"""Names such as api_key and hub_token; not api_key_env, which only names a variable, nor the key of an adapter."""
SECRET_TEXT = re.compile(
    r"\b(sk-[\w-]{16,}|hf_\w{16,}|gh[pousr]_\w{20,}|xox[abpr]-[\w-]{10,}|AKIA[0-9A-Z]{16}|[Bb]earer\s+[\w.~+/=-]{8,})"
)
"""Patterns of the keys of well-known services."""
URL_LOGIN = re.compile(r"(?P<scheme>\b[a-zA-Z][\w+.-]*://)[^/\s@]+@")
URL_SECRET = re.compile(r"(?P<name>[?&;][\w-]*(?:key|token|secret|password|signature|sig|auth)=)[^&#\s]+", re.I)
SHORTEST = 8
"""Fewest characters of a variable's value that is searched for; a shorter one would be found in ordinary words."""


def without_secrets(value: Any) -> Any:
    """The same plain value without secrets, which are found by name, by pattern, or as the value of a secret variable."""
    return _clean(value, _secrets_of_environment())


def file_without_secrets(file: Path) -> Iterator[str] | None:
    """The text of a file without secrets, in pieces; None for a file without any, or one that is no text of ours.

    Of JSON, the values are searched; nothing else has secrets that are written otherwise.
    """
    if any(before != after for before, after in _pieces(file)):
        return (f"{json.dumps(after)}\n" if file.suffix != ".md" else after for _, after in _pieces(file))
    return None


def _pieces(file: Path) -> Iterator[tuple[Any, Any]]:
    """Each value of a file of JSON, or the text of one for people, as it is and without secrets."""
    secrets = _secrets_of_environment()
    if file.suffix not in (".json", ".jsonl", ".md"):
        return
    with open_bounded(file) as stream:
        for piece in bounded_lines(stream) if file.suffix == ".jsonl" else [read_bounded(file)]:
            value = piece.decode("utf-8", errors="replace") if file.suffix == ".md" else json.loads(piece)
            yield value, _clean(value, secrets)


def _clean(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        return {
            str(name): HIDDEN if _names_secret(str(name), inside) else _clean(inside, secrets)
            for name, inside in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(inside, secrets) for inside in value]
    return _clean_text(value, secrets) if isinstance(value, str) else value


def _names_secret(name: str, value: Any) -> bool:
    """Whether a name marks a secret. Only strings count: `key: 3` and `credentials: null` are no secrets."""
    strings = value if isinstance(value, list | tuple) else [value]
    return SECRET_NAME.search(name) is not None and any(isinstance(text, str) and text for text in strings)


def _clean_text(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = URL_LOGIN.sub(rf"\g<scheme>{HIDDEN}@", text)
    text = URL_SECRET.sub(rf"\g<name>{HIDDEN}", text)
    return SECRET_TEXT.sub(HIDDEN, text)


def _secrets_of_environment() -> tuple[str, ...]:
    """The values of secret environment variables, which a config may have read, as in ${oc.env:MY_KEY}."""
    found = {value for name, value in os.environ.items() if SECRET_NAME.search(name) and len(value) >= SHORTEST}
    return tuple(sorted(found, key=len, reverse=True))
