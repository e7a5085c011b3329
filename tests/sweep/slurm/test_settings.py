"""The launcher's settings in submitit's words."""

from __future__ import annotations

from har_llm.sweep.slurm.settings import SlurmSettings


def test_settings_become_what_submitit_takes() -> None:
    settings = SlurmSettings(partition="gpu", gpus=2, mem_gb=64, setup=["module load cuda"], options={"mail-type": "END"})
    asked = settings.parameters("qwen3_32b", ["1", "2"])
    assert asked["name"] == "har_llm_qwen3_32b" and asked["cpus_per_task"] == 8
    assert asked["gpus_per_node"] == 2 and asked["slurm_partition"] == "gpu" and asked["mem_gb"] == 64
    assert asked["slurm_dependency"] == "afterany:1:2"
    assert "slurm_account" not in asked


def test_scoring_asks_for_no_gpu() -> None:
    asked = SlurmSettings(gpus=2, partition="gpu").for_scoring().parameters("score", [])
    assert "gpus_per_node" not in asked and "slurm_dependency" not in asked
    assert asked["cpus_per_task"] == 2 and asked["slurm_partition"] == "gpu"
