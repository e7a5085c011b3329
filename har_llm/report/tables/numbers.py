"""Scores as they are read. A difference is taken between the figures as shown, so that a reader can check it by hand."""

from __future__ import annotations

from decimal import Decimal

from har_llm.common.numbers import in_percent, rounded, shown
from har_llm.report.cells import CellScore
from har_llm.report.run_facts import Score

NAMES = {
    "f1_macro_gold": "F1 macro (gold)",
    "f1_macro_union": "F1 macro (union)",
    "f1_macro_catalogue": "F1 macro (catalogue)",
    "f1_weighted": "F1 weighted",
    "f1_micro_gold": "F1 micro (gold)",
    "f1_micro_catalogue": "F1 micro (catalogue)",
    "accuracy": "Accuracy",
    "missed": "Missed events",
}


def mean_of(score: CellScore | Score | None) -> Decimal | None:
    return None if score is None else in_percent(score.mean)


def session_std_of(score: CellScore | Score | None) -> Decimal | None:
    return None if score is None else in_percent(score.session_std)


def seed_std_of(score: CellScore | None) -> Decimal | None:
    return None if score is None else in_percent(score.seed_std)


def with_spread(value: Decimal | None, spread: Decimal | None) -> str:
    """ "13.52 ± 16.85"; nothing for no value."""
    return shown(value) if value is None or spread is None else f"{shown(value)} ± {shown(spread)}"


def minus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else rounded(one) - rounded(other)
