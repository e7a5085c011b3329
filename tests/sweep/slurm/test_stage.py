"""What a Slurm job calls, and calls again."""

from __future__ import annotations

from har_llm.sweep.slurm.stage import Stage


def test_a_stage_whose_time_is_up_can_be_called_again() -> None:
    again = Stage(print).checkpoint([])
    assert isinstance(again.function, Stage)
