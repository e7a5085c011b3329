"""The names of metrics, and the names of activities and missed events as they are shown to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

METRIC_NAMES = {
    "f1_macro_gold": "F1 macro (gold)",
    "f1_macro_union": "F1 macro (union)",
    "f1_macro_plain": "F1 macro (plain)",
    "f1_macro_catalogue": "F1 macro (catalogue)",
    "f1_weighted": "F1 weighted",
    "f1_micro_gold": "F1 micro (gold)",
    "f1_micro_catalogue": "F1 micro (catalogue)",
    "accuracy": "Accuracy",
    "missed": "Missed events",
}
"""What metrics are called in the titles of tables and figures."""
METRICS = tuple(METRIC_NAMES)
LOWER_IS_BETTER = "missed"
"""The metric that a better model has less of."""


def activity_name(number: int, name: str) -> str:
    """ "19. preparing dinner", as the prompt lists it, but without a definition."""
    return f"{number}. {name}"


def gold_names(numbers: Sequence[int], activities: Mapping[int, str]) -> list[str]:
    """The names of an event's gold activities; "unlabelled" if it has none."""
    return [activity_name(number, activities[number]) for number in numbers] or ["unlabelled"]


def cause_name(cause: str) -> str:
    """ "unknown label"."""
    return cause.replace("_", " ")


def prediction_name(activity: int | None, cause: str | None, activities: Mapping[int, str]) -> str:
    """ "19. preparing dinner", or "missed (unknown label)"."""
    return f"missed ({cause_name(str(cause))})" if activity is None else activity_name(activity, activities[activity])
