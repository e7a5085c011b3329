"""From a teacher's reasoning to an adapter for a student (section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class LoraConfig:
    """What every choice of conf/lora has in common. This one is `lora=none`: the model as it is."""
