"""Training with Unsloth needs a GPU. Without one, its arguments are checked with a stand-in, and where it is installed, its
real loader and its patched trainer are run apart from each other: between them are kernels for GPUs only."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from har_llm.common.errors import EngineError
from har_llm.common.hardware import has_gpu
from har_llm.distill.trainer_choice import installed
from har_llm.distill.training_config import LINEAR
from har_llm.distill.training_job import TrainingJob
from har_llm.distill.training_messages import TrainingStart, TrainingStep
from har_llm.distill.worker import trained
from tests.distill import unsloth_on_cpu
from tests.distill.trainings import adapter, job
from tests.same_process import in_this_process
from tests.warm_processes import called

pytestmark = pytest.mark.slow  # importing PyTorch and Transformers


def unsloth_job(rows: Path, folder: Path, **settings: Any) -> TrainingJob:
    return replace(job(rows, folder, **settings), trainer="unsloth", dtype="bfloat16")


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module with a stand-in for unsloth, whose import needs a GPU; it notes its arguments."""
    fake = ModuleType("unsloth")
    asked: dict[str, Any] = {}

    class FastLanguageModel:
        @staticmethod
        def from_pretrained(**arguments: Any) -> tuple[str, str]:
            asked["load"] = arguments
            return "base", "tokenizer"

        @staticmethod
        def get_peft_model(base: str, **arguments: Any) -> Any:
            asked["peft"] = arguments
            name = asked.get("instead") or asked["load"]["model_name"]
            return SimpleNamespace(peft_config={"default": SimpleNamespace(base_model_name_or_path=name)})

    fake.FastLanguageModel = FastLanguageModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "unsloth", fake)
    monkeypatch.delitem(sys.modules, "har_llm.distill.unsloth_trainer", raising=False)
    import har_llm.distill.unsloth_trainer as module
    from har_llm.distill.trl_arguments import arguments

    def load_only(load: Any, job: TrainingJob, tell: Any) -> None:
        assert load(job, 4096, arguments(job))[1] is None, "it has its LoRA weights"

    monkeypatch.setattr("har_llm.distill.trl_trainer.train_with", load_only)
    yield SimpleNamespace(train=lambda job: module.train(job, lambda message: None), asked=asked)
    sys.modules.pop("har_llm.distill.unsloth_trainer", None)


def test_the_very_model_is_asked_for_with_the_settings_of_the_paper(trainer: Any, rows: Path, tmp_path: Path) -> None:
    made = unsloth_job(rows, tmp_path, r=32, lora_alpha=32, seed=7)
    trainer.train(made)
    load, peft = trainer.asked["load"], trainer.asked["peft"]
    assert (load["model_name"], load["use_exact_model_name"]) == (made.base, True)
    assert (load["max_seq_length"], load["dtype"], load["load_in_4bit"]) == (4096, torch.bfloat16, False)
    assert (peft["r"], peft["lora_alpha"], peft["lora_dropout"], peft["random_state"]) == (32, 32, 0.0, 7)
    assert peft["target_modules"] == list(LINEAR)
    trainer.train(unsloth_job(rows, tmp_path, load_in_4bit=True))
    assert trainer.asked["load"]["load_in_4bit"]


def test_further_arguments_of_lora_are_passed_on_and_those_of_the_trainer_are_not(
    trainer: Any, rows: Path, tmp_path: Path
) -> None:
    trainer.train(unsloth_job(rows, tmp_path, extra_args={"use_rslora": True, "neftune_noise_alpha": 5}))
    assert trainer.asked["peft"]["use_rslora"] is True and "neftune_noise_alpha" not in trainer.asked["peft"]


def test_another_model_in_its_place_is_refused(trainer: Any, rows: Path, tmp_path: Path) -> None:
    trainer.asked["instead"] = "unsloth/something-bnb-4bit"
    with pytest.raises(EngineError, match="Unsloth loaded 'unsloth/something-bnb-4bit' instead of"):
        trainer.train(unsloth_job(rows, tmp_path))


@pytest.mark.parametrize("wanted", [True, False])
def test_gradient_checkpointing_can_be_switched_off(trainer: Any, rows: Path, tmp_path: Path, wanted: bool) -> None:
    trainer.train(unsloth_job(rows, tmp_path, extra_args={"gradient_checkpointing": wanted}))
    for asked in trainer.asked.values():
        assert asked["use_gradient_checkpointing"] == ("unsloth" if wanted else False)


def apart(function: Callable[[TrainingJob], Any], job: TrainingJob) -> Any:
    """What it returns in a process of its own: Unsloth changes TRL, PEFT and Transformers."""
    return called(["tests.distill.unsloth_import"], function, job)


@pytest.mark.skipif(not installed("unsloth") or has_gpu(), reason="needs Unsloth, and a machine without a GPU")
def test_unsloths_loader_adds_the_layers_that_the_settings_name(rows: Path, tmp_path: Path) -> None:
    # Of a GPU without bfloat16, for which it takes this machine, it would load float16 in its place.
    made = replace(unsloth_job(rows, tmp_path), dtype="float16")
    config, loaded = apart(unsloth_on_cpu.loaded, made)
    assert config["base_model_name_or_path"] == made.base
    assert (config["r"], set(config["target_modules"])) == (4, set(LINEAR))
    assert loaded == unsloth_on_cpu.Loaded(45_056, {"torch.float32"}, 1_099_392, {"torch.float16"})


@pytest.mark.skipif(not installed("unsloth") or has_gpu(), reason="needs Unsloth, and a machine without a GPU")
def test_unsloths_trainer_takes_the_steps_of_trls_and_resumes(rows: Path, tmp_path: Path) -> None:
    """Masked as TRL masks it: the losses of the same steps are the same."""
    with in_this_process():
        theirs = losses(trained(job(rows, tmp_path / "trl", max_steps=4)))
    ours = apart(unsloth_on_cpu.steps, job(rows, tmp_path / "unsloth", max_steps=4))
    assert losses(ours) == pytest.approx(theirs, rel=1e-4)
    shutil.rmtree(tmp_path / "unsloth" / "checkpoints" / "checkpoint-4")
    again = apart(unsloth_on_cpu.steps, job(rows, tmp_path / "unsloth", max_steps=4))
    assert losses(again) == pytest.approx({step: theirs[step] for step in (3, 4)}, rel=1e-4)


def losses(messages: Iterable[Any]) -> dict[int, float]:
    return {step.number: step.loss for step in messages if isinstance(step, TrainingStep)}


@pytest.mark.gpu
@pytest.mark.skipif(not installed("unsloth"), reason="needs pip install -e '.[unsloth]'")
@pytest.mark.parametrize("load_in_4bit", [False, True])
def test_a_student_is_trained_on_a_gpu(rows: Path, tmp_path: Path, load_in_4bit: bool) -> None:
    made = unsloth_job(rows, tmp_path, load_in_4bit=load_in_4bit, optim="auto")
    start, *steps = trained(made)
    assert isinstance(start, TrainingStart)
    assert start.optimizer.startswith("adamw_8bit") or start.optimizer == "adamw_bnb_8bit"
    assert 0 < start.trainable_parameters < start.parameters
    losses = [step.loss for step in steps if isinstance(step, TrainingStep)]
    assert len(losses) == 8 and losses[-1] < losses[0]
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == made.base
    assert config["r"] == 4 and set(config["target_modules"]) == set(LINEAR)
    weights = adapter(tmp_path)
    assert any(bool(weight.any()) for name, weight in weights.items() if "lora_B" in name), "the weights have changed"
    if not load_in_4bit:
        assert {weight.dtype for weight in weights.values()} == {torch.float32}
