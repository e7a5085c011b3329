"""The process that trains: what it is started with, and what is said when a library fails in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from har_llm.common.errors import EngineError
from har_llm.common.hardware import Gpu
from har_llm.distill.training_job import TrainingJob
from har_llm.distill.worker import trained
from tests.distill.trainings import job


def environment_of(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """What the training's process is told by its environment."""
    told: list[Mapping[str, str]] = []

    def start(function: str, what: str, environment: Mapping[str, str], relief: str, logs: Path) -> None:
        assert logs == Path(job.checkpoints).parent
        told.append(environment)
        raise EngineError("far enough")

    monkeypatch.setattr("har_llm.distill.worker.JsonProcess", start)
    with pytest.raises(EngineError, match="far enough"):
        next(trained(job))
    return told[0]


def test_nothing_is_left_in_the_users_folder_and_nothing_is_fetched_to_be_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = environment_of(replace(job(tmp_path / "rows.jsonl", tmp_path), trainer="unsloth"), monkeypatch)
    assert made["UNSLOTH_COMPILE_LOCATION"] == str(tmp_path / "unsloth_compiled_cache")
    assert made["UNSLOTH_DISABLE_STATISTICS"] == "1"


@pytest.mark.slow
def test_what_a_library_says_of_a_training_is_one_sentence_that_names_its_log(rows: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError) as failed:
        list(trained(job(rows, tmp_path, lora_dropout=2.0)))
    told = (
        "The training's process failed with ValueError in torch: dropout probability has to be between 0 and 1, but got 2.0"
    )
    assert str(failed.value).startswith(told)
    (log,) = tmp_path.glob("*.log")
    assert str(failed.value).endswith(f"The log of its process is {log}.") and "Traceback" in log.read_text()


@pytest.mark.parametrize("trainer", ["trl", "unsloth"])
def test_a_training_sees_the_roomiest_gpu_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainer: str
) -> None:
    made = replace(job(tmp_path / "rows.jsonl", tmp_path), trainer=trainer)
    found = [Gpu("0", "A", 8e10, 1e9), Gpu("2", "A", 8e10, 7e10), Gpu("3", "A", 8e10, 6e10)]
    monkeypatch.setattr("har_llm.distill.worker.gpus", lambda: found)
    environment = environment_of(made, monkeypatch)
    assert (environment["CUDA_DEVICE_ORDER"], environment["CUDA_VISIBLE_DEVICES"]) == ("PCI_BUS_ID", "2")
    monkeypatch.setattr("har_llm.distill.worker.gpus", list)
    assert not any(name.startswith("CUDA") for name in environment_of(made, monkeypatch))
