"""Finds the activity of the catalogue that a value of an answer names, and the resident."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from har_llm.data.answer_form import number_in
from har_llm.scoring.names import activity_name
from har_llm.scoring.prediction import Prediction

CATALOGUE = 5
"""Fewest activities by whose order a list is known to be the catalogue."""
_NUMBER_THEN_NAME = re.compile(r"[#(]?([0-9]{1,18})\)? ?[.:)–-]? ?(.+)", re.DOTALL)
_NAME_THEN_NUMBER = re.compile(r"(.+?) ?[(\[]#?([0-9]{1,18})[)\]]", re.DOTALL)
_RESIDENT = re.compile(r"(?:[^\W\d]{1,20}\s*)?#?([0-9]{1,18})")  # "2", "person 2", "P2"
_NO_WORD = re.compile(r"[\W_]+")


class Labels:
    """The activities of a home by every form in which an answer may name them."""

    def __init__(self, activities: Mapping[int, str], defined: Mapping[int, str] | None = None, *, numbered: bool = True):
        """`defined`: the names of those that the prompt lists with a definition, with it: "eating: also just drinking".
        `numbered`: whether it may list them with their numbers; if not, only an activity without a name of its own has one.
        """
        self._activities = activities
        names = [*activities.items(), *(defined or {}).items()]
        self._exact = _unambiguous((number, form) for number, name in names for form in _exact_forms(number, name))
        self._plain = _unambiguous((number, _plain(name)) for number, name in names)
        self._enum = _unambiguous((number, _enum_style(name)) for number, name in names)
        self.numbers = [number for number, name in activities.items() if numbered or name not in self._exact]
        """Those that stand for an activity each."""

    def names(self) -> list[str]:
        """The names that stand for one activity each: "cooking", and where the prompt lists it so, "3. cooking"."""
        forms = (
            form
            for number, name in self._activities.items()
            for form in ((name, activity_name(number, name)) if number in self.numbers else (name,))
        )
        return [form for form in forms if form in self._exact]

    def strict(self, value: Any) -> Prediction:
        """The activity of a number, an exact name, the prompt's "3. cooking" or "WATCHING_TV"."""
        number = self._stated(value) if type(value) is int else self._exact.get(value) if isinstance(value, str) else None
        if number is not None:
            return Prediction(number, None)
        unknown = type(value) is int or (isinstance(value, str) and self.lenient(value).activity is None)
        return Prediction(None, "unknown_label" if unknown else "malformed")

    def lenient(self, value: Any) -> Prediction:
        """The activity of a value in any of the usual forms, also of those that `strict` refuses."""
        if isinstance(value, dict):  # {"activity": {"id": 19, "name": "preparing dinner"}}
            parts = [value[key] for key in ("activity", "id", "number", "name") if key in value]
            named = {self.lenient(part) for part in parts if not isinstance(part, dict) and not self._says_nothing(part)}
            return named.pop() if len(named) == 1 else Prediction(None, "unknown_label" if named else "malformed")
        number = self._named(value) if isinstance(value, str) else self._stated(integer(value))
        if number is not None:
            return Prediction(number, None)
        is_label = isinstance(value, str | int | float) and not isinstance(value, bool)
        return Prediction(None, "unknown_label" if is_label else "malformed")

    def are_all(self, values: Sequence[Any]) -> bool:
        """Whether they name the activities of the home one after the other, not by their numbers alone: the catalogue.

        Never of a home with few activities, as a short window may well show each once in their order.
        """
        named = [self.lenient(value).activity for value in values if isinstance(value, str) and bare_number(value) is None]
        return len(values) == len(named) >= CATALOGUE and named == [*self._activities]

    def _named(self, text: str) -> int | None:
        """The activity meant by "19", "preparing dinner", "19. preparing dinner" or "preparing dinner (19)"."""
        if text in self._exact:
            return self._exact[text]
        plain = _plain(text)
        if (bare := bare_number(text)) is not None:
            return self._stated(bare)
        if (number := self._by_name(plain)) is not None:
            return number
        if match := _NUMBER_THEN_NAME.fullmatch(plain):
            stated, name = match.groups()
        elif match := _NAME_THEN_NUMBER.fullmatch(plain):
            name, stated = match.groups()
        else:
            return None
        return int(stated) if self._by_name(name) == int(stated) else None

    def _stated(self, number: int | None) -> int | None:
        return number if number in self.numbers else None

    def _says_nothing(self, part: Any) -> bool:
        """Of the number of an activity, where the prompt has shown none."""
        number = integer(part)
        return number in self._activities and number not in self.numbers

    def _by_name(self, plain: str) -> int | None:
        return self._plain.get(plain, self._enum.get(_enum_style(plain)))


def bare_number(value: Any) -> int | None:
    """The number of a value that is nothing but one: 19, 19.0, "19" or "#19"; None for any other value."""
    if not isinstance(value, str):
        return integer(value)
    return number_in(value)


def integer(value: Any) -> int | None:
    """The whole number that a JSON number stands for; None for any other value."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def resident(value: Any) -> int | None:
    """Who caused an event: 2, "2" or "person 2"; None where nothing like this is said."""
    match = _RESIDENT.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(match.group(1)) if match else integer(value)


def _exact_forms(number: int, name: str) -> Iterator[str]:
    yield from (name, activity_name(number, name), _enum_style(name))


def _unambiguous(forms: Iterable[tuple[int, str]]) -> dict[str, int]:
    """The activity of each form; without forms that two activities have, that are empty, or that are a number."""
    found: dict[str, set[int]] = {}
    for number, form in forms:
        found.setdefault(form, set()).add(number)
    return {form: numbers.pop() for form, numbers in found.items() if len(numbers) == 1 and form and number_in(form) is None}


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _enum_style(name: str) -> str:
    """ "WATCHING_TV", as in the labels of many datasets."""
    return _NO_WORD.sub("_", name).strip("_").upper()
