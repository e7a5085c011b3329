"""An engine whose process dies, for tests of whole commands."""

from __future__ import annotations

import os
import sys

from har_llm.engines.base import LoadedModel
from har_llm.engines.scripted import ScriptedEngine, ScriptedEngineConfig


class DiesForTheStudent(ScriptedEngineConfig):
    """Logs two lines and dies when its model is a student; serves other models."""

    engine_class = f"{__name__}.DyingEngine"


class DyingEngine(ScriptedEngine):
    def __init__(self, config: ScriptedEngineConfig, model: LoadedModel):
        if "student" in model.served_name:
            print("Two lines,\nof the engine.", file=sys.stderr, flush=True)
            os._exit(7)
        super().__init__(config, model)
