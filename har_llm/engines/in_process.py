"""What a baseline runs on, whatever engine was chosen: this process, without a model. No option of conf/engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from har_llm.engines.config import EngineConfig


@dataclass(kw_only=True)
class InProcess(EngineConfig):
    engine_name: ClassVar[str] = "In process"
    engine_class: ClassVar[str] = ""
    """None: sweep.baselines answers."""

    def needs_model(self) -> bool:
        return False
