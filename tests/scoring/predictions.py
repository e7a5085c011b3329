"""Predictions in short."""

from __future__ import annotations

from har_llm.scoring.prediction import Prediction


def named(*activities: int) -> list[Prediction]:
    return [Prediction(activity, None) for activity in activities]


def missed(*causes: str) -> list[Prediction]:
    return [Prediction(None, cause) for cause in causes]
