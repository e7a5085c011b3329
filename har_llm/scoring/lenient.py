"""The lenient parsing: what a human reader would understand, also outside a list, of other keys, or in broken JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from har_llm.scoring.asked import Asked
from har_llm.scoring.json_objects import Found, repair
from har_llm.scoring.labels import integer, resident
from har_llm.scoring.prediction import Prediction

ID_KEYS = ("id", "event_id")
ACTIVITY_KEYS = ("activity", "activity_id", "label")
"""What is taken too, besides the keys that the prompt asks for."""

REPAIRED_IN_ALL, REPAIRED_PER_EVENT = 8_000, 200
"""Most characters of broken objects for json-repair, so that a hostile text takes a second at most."""

_ID = re.compile(r"(?:(?:event|id)\s*)?#?([0-9]{1,18})(?:\.0+)?", re.IGNORECASE)


def parse_leniently(found: Found, asked: Asked) -> dict[int, Prediction]:
    """The predictions by event id. The last one for an event counts, because models correct themselves.

    json-repair counts only for events that valid JSON does not mention. A mapping such as {"0": 3} counts only if no object
    names an event of the window; otherwise it may be a legend of the activities.
    """
    reader = _Reader(asked)
    stated, mended = reader.read(located.value for located in found.objects), _Stated({}, {})
    if found.broken and set(asked.ids) - stated.by_object.keys():
        budget = REPAIRED_IN_ALL + REPAIRED_PER_EVENT * len(asked.ids)
        mended = reader.read(repair(found.broken, budget))
    predictions, repaired = stated.by_object, mended.by_object
    if not any(shown in predictions or shown in repaired for shown in asked.ids):
        predictions, repaired = stated.by_mapping | predictions, mended.by_mapping | repaired
    return repaired | predictions


class _Stated(NamedTuple):
    by_object: dict[int, Prediction]  # {"id": 0, "activity": 3}
    by_mapping: dict[int, Prediction]  # {"0": 3}


class _Reader:
    """Reads what values of JSON say of events."""

    def __init__(self, asked: Asked):
        self._id_keys = (asked.form.keys.id.lower(), *ID_KEYS)
        self._activity_keys = (asked.form.keys.activity.lower(), *ACTIVITY_KEYS)
        self._labels = asked.labels
        self._resident_key = (asked.form.keys.resident or "").lower()

    def read(self, values: Iterator[Any]) -> _Stated:
        stated = _Stated({}, {})
        for outermost in values:
            waiting = [outermost]
            while waiting:  # not recursive, because an answer may be nested without limit
                value = waiting.pop()
                if isinstance(value, list):
                    waiting.extend(reversed(value))
                elif isinstance(value, dict):
                    waiting.extend(reversed(self._state(value, stated)))
        return stated

    def _state(self, value: dict[Any, Any], stated: _Stated) -> list[Any]:
        """Add the predictions of one object to `stated`; returns the values to be looked through next."""
        keys = {key.strip().lower(): key for key in value if isinstance(key, str)}
        activity_key = next((keys[key] for key in self._activity_keys if key in keys), None)
        shown = _first(_event_id(value[keys[key]]) for key in self._id_keys if key in keys)
        if activity_key is not None and shown is not None:
            prediction = self._labels.lenient(value[activity_key])
            stated.by_object[shown] = replace(prediction, resident=resident(value.get(keys.get(self._resident_key, ""))))
            return []
        inner = []
        for key, item in value.items():
            mapped = _event_id(key)
            if mapped is not None and not isinstance(item, list):
                stated.by_mapping[mapped] = self._labels.lenient(item)
            else:
                inner.append(item)
        return inner


def _first(found: Iterator[int | None]) -> int | None:
    return next((one for one in found if one is not None), None)


def _event_id(value: Any) -> int | None:
    if isinstance(value, str):
        match = _ID.fullmatch(value.strip())
        return int(match.group(1)) if match else None
    return integer(value)
