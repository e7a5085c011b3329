"""Every baseline, in the order in which they are shown: from the simplest to the strongest."""

from __future__ import annotations

from har_llm.models.baselines.base import BaselineConfig
from har_llm.models.baselines.forest import RandomForest
from har_llm.models.baselines.lexical import Lexical
from har_llm.models.baselines.majority import Majority, SensorMajority

BASELINES: tuple[BaselineConfig, ...] = (Majority(), Lexical(), SensorMajority(), RandomForest())
"""With their default settings."""
