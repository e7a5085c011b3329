"""The strict parsing: a valid list of objects, each with an integer id and an activity as the prompt writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from har_llm.data.answer_form import AnswerKeys
from har_llm.scoring.answer_lists import AnswerList
from har_llm.scoring.asked import Asked
from har_llm.scoring.json_objects import JsonObject
from har_llm.scoring.labels import resident
from har_llm.scoring.prediction import Prediction


def parse_strictly(chosen: AnswerList | None, asked: Asked) -> dict[int, Prediction]:
    """The predictions by event id, of the list that counts. An event that it gives two activities has none."""
    predictions: dict[int, Prediction] = {}
    keys = asked.form.keys
    for value in () if chosen is None else chosen.objects or ():
        shown = value.get(keys.id)
        if type(shown) is not int:  # not isinstance, because True is an int but no id
            continue
        prediction = asked.labels.strict(value.get(keys.activity))
        if value.irregular:
            prediction = Prediction(None, "malformed")
        prediction = replace(prediction, resident=resident(value.get(keys.resident or "")))
        first = predictions.setdefault(shown, prediction)
        if (first.activity, first.missed) != (prediction.activity, prediction.missed):
            predictions[shown] = Prediction(None, "malformed")
    return predictions


def is_clear(objects: Sequence[JsonObject], keys: AnswerKeys) -> bool:
    """Whether each object says which event it is of; one that does not may be meant for any."""
    return all(type(value.get(keys.id)) is int for value in objects)
