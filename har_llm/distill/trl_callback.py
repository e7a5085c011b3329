"""Passes what the trainer logs of each step on to the process that asked for the training, and seals its checkpoints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from har_llm.common.errors import EngineError
from har_llm.distill.checkpoints import seal_checkpoint
from har_llm.distill.training_messages import Tell, TrainingStep


class LossCallback(TrainerCallback):  # type: ignore[misc]
    """Reports every step's loss, and seals every checkpoint.

    Raises EngineError for a loss that is not finite, which ends the training.
    """

    def __init__(self, tell: Tell):
        self._tell = tell

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        seal_checkpoint(Path(args.output_dir), state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if logs and "loss" in logs:
            loss = float(logs["loss"])
            if not math.isfinite(loss):
                raise EngineError(
                    f"The loss is {loss} at step {state.global_step}; lower lora.training.learning_rate and run again."
                )
            further = {name: _finite(logs.get(name)) for name in ("learning_rate", "grad_norm", "epoch")}
            self._tell(TrainingStep(state.global_step, loss, **further))


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
