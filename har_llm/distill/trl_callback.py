"""Passes the trainer's losses on to the process that asked for the training."""

from __future__ import annotations

import math
from typing import Any

from transformers import TrainerCallback

from har_llm.common.errors import EngineError
from har_llm.distill.training_messages import Tell, TrainingStep


class LossCallback(TrainerCallback):  # type: ignore[misc]
    """Reports every step's loss. Raises EngineError if it is not finite, which ends the training."""

    def __init__(self, tell: Tell):
        self._tell = tell

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if logs and "loss" in logs:
            loss = float(logs["loss"])
            if not math.isfinite(loss):
                raise EngineError(
                    f"The loss is {loss} at step {state.global_step}; lower lora.training.learning_rate and run again."
                )
            self._tell(TrainingStep(state.global_step, loss))
