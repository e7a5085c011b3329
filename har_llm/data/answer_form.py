"""The form of the answers that a prompt asks for, which is also how they are parsed."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

from har_llm.common.errors import ConfigError

FORMATS = ("json", "lines")
ACTIVITIES = ("names", "numbers")
KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
LONGEST_MARK = 40
_NUMBER = re.compile(r"#?([0-9]{1,18})(?:\.0*)?")


def number_in(text: str) -> int | None:
    """The number that a text is nothing but: "19", "#19" or "19.0". An activity of such a name is answered by its number."""
    found = _NUMBER.fullmatch(" ".join(text.split()))
    return int(found[1]) if found else None


@dataclass(kw_only=True)
class AnswerKeys:
    """The keys of the objects of an answer, as the prompt asks for them: {"id": 0, "activity": 3}."""

    id: str = "id"
    """The key of an event's id."""
    activity: str = "activity"
    """The key of an event's activity."""
    resident: str | None = None
    """The key of who caused an event: a number, the same for the same person within a window. null = not asked for."""

    def check(self) -> None:
        keys = {name: key for name, key in vars(self).items() if key is not None}
        for name, key in keys.items():
            if not KEY.fullmatch(key):
                raise ConfigError(f"prompt.answer_keys.{name} is {key!r}; it must be 1 to 40 letters, digits, '_' or '-'.")
        for (name, key), (other, same) in combinations(keys.items(), 2):
            if key.lower() == same.lower():
                raise ConfigError(
                    f"prompt.answer_keys.{name} and prompt.answer_keys.{other} are both {key!r}; they must be different."
                )


@dataclass(frozen=True)
class AnswerForm:
    """What an answer looks like."""

    format: str = "json"
    """json: a list of objects; lines: a line an event, as in "0. cooking"."""
    keys: AnswerKeys = field(default_factory=AnswerKeys)
    """Of the objects of a JSON answer."""
    activities: str = "names"
    """names or numbers: how activities are asked for."""
    mark: str | None = None
    """A line that divides a text into reasoning and answer; None where only the model's own marks do."""
    numbered: bool = True
    """Whether the prompt may show activities with their numbers. Where it does not, a number names none: it may be an id, or
    of a list that the model made."""

    def identity(self) -> dict[str, Any]:
        """What answers depend on, for keys: without the keys of objects that are not asked for."""
        keys = {name: key for name, key in vars(self.keys).items() if key is not None}
        return {**asdict(self), "keys": keys}


def check_mark(mark: str | None) -> None:
    """Refuse what cannot stand at the beginning of a line of its own."""
    if mark is not None and (not 1 <= len(mark) <= LONGEST_MARK or mark != mark.strip() or not mark.isprintable()):
        raise ConfigError(
            f"prompt.answer_mark is {mark!r}; it must be one line of 1 to {LONGEST_MARK} characters without spaces at its "
            f"ends, such as 'Answer:', or null."
        )
