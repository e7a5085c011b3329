"""The forms of CASAS's rows behind their time.

zenodo           2011-06-15,01:03:39.14962,Bedroom,ON,Sleep="begin"       the label may also be a single event's: Sleep
annotated        2011-06-15 01:03:39.14962 Bedroom Bedroom ON Sleep       every event has its label
classic          2009-10-16 00:01:04.000059 M017 ON Sleeping begin        labels where an activity begins and ends
multi_resident   2008-11-10 14:28:17.986759 M22 ON 2 2                    resident, activity, perhaps of several residents
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from har_llm.data.datasets.numeric import number

BEGIN, END = "begin", "end"


class Fields(NamedTuple):
    """What a row has behind its time."""

    sensor: str
    value: str
    where: str = ""
    """A second name for the place of the sensor."""
    labels: tuple[str, ...] = ()
    """Of this event alone."""
    residents: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


class Form(NamedTuple):
    """A form of rows."""

    rule: str
    """What the fields must be, for messages."""
    parse: Callable[[Sequence[str]], Fields | None]
    """None for fields of another form."""


def _zenodo(fields: Sequence[str]) -> Fields | None:
    if not 2 <= len(fields) <= 3:
        return None
    sensor, value, *labels = fields
    label, _, mark = (labels or [""])[0].replace('"', "").partition("=")
    if mark not in ("", BEGIN, END):
        return None
    return _marked(Fields(sensor, value), label, mark)


def _annotated(fields: Sequence[str]) -> Fields | None:
    if not 3 <= len(fields) <= 4:
        return None
    return Fields(fields[0], fields[2], where=fields[1], labels=tuple(fields[3:]))


def _classic(fields: Sequence[str]) -> Fields | None:
    if len(fields) == 2:
        return Fields(fields[0], fields[1])
    if len(fields) != 4 or fields[3].lower() not in (BEGIN, END):
        return None
    return _marked(Fields(fields[0], fields[1]), fields[2], fields[3].lower())


def _multi_resident(fields: Sequence[str]) -> Fields | None:
    pairs = fields[2:]
    if len(fields) < 2 or len(pairs) % 2 or not all(one.isdecimal() and one.isascii() for one in pairs):
        return None
    residents, labels = pairs[::2], (label.lstrip("0") or "0" for label in pairs[1::2])
    return Fields(fields[0], fields[1], residents=tuple(residents), labels=tuple(labels))


def _marked(fields: Fields, label: str, mark: str) -> Fields:
    if mark == BEGIN:
        return fields._replace(begins=(label,))
    return fields._replace(ends=(label,)) if mark == END else fields._replace(labels=(label,) if label else ())


FORMS = {
    "zenodo": Form('sensor, value and perhaps a label, a label="begin" or a label="end"', _zenodo),
    "annotated": Form("sensor, its place, value and perhaps a label", _annotated),
    "classic": Form("sensor, value and perhaps a label and begin or end", _classic),
    "multi_resident": Form(
        "sensor, value and, for each resident who is active, two numbers: resident, activity", _multi_resident
    ),
}


def recognised(fields: Sequence[str], values: Collection[str]) -> str | None:
    """The form of a row with more fields than a sensor and its value; None if it has none. `values`: what sensors report."""
    if len(fields) == 3:
        return "zenodo" if fields[1] in values or number(fields[1]) is not None else "annotated"
    if len(fields) == 4 and fields[3].lower() in (BEGIN, END):
        return "classic"
    if len(fields) >= 4 and _multi_resident(fields) is not None:
        return "multi_resident"
    return "annotated" if len(fields) == 4 else None
