"""Training with the real TRL and PEFT on the embedded student: what it leaves behind, and going on after a kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file

from har_llm.common.errors import EngineError
from har_llm.distill.checkpoints import last_checkpoint
from har_llm.distill.trainer_choice import installed
from har_llm.distill.training_config import LINEAR
from har_llm.distill.training_messages import LongExamples, TrainingMessage, TrainingStart, TrainingStep
from har_llm.distill.worker import trained
from har_llm.engines.weights import load_model
from tests.altered_files import Tensors, altered, without_a_layer
from tests.distill.trainings import adapter, job
from tests.lora_adapters import random_adapter
from tests.same_process import in_this_process
from tests.vision_language import vision_language_model

pytestmark = pytest.mark.slow


def test_a_killed_training_goes_on_to_the_same_adapter(rows: Path, tmp_path: Path) -> None:
    with in_this_process():
        whole = list(trained(job(rows, tmp_path / "whole")))
    losses = {step.number: step.loss for step in steps_of(whole)}
    assert list(losses) == list(range(1, 9))
    assert losses[8] < losses[1]
    start = whole[0]
    assert isinstance(start, TrainingStart)
    assert 0 < start.trainable_parameters < start.parameters and start.optimizer == "adamw_torch"

    killed = trained(job(rows, tmp_path / "killed"))
    with pytest.raises(EngineError, match="The training's process was killed by signal 9"):
        for message in killed:
            if isinstance(message, TrainingStep) and message.number == 5:
                os.kill(children()[0], signal.SIGKILL)
    assert not (tmp_path / "killed" / "adapter").exists()
    again = {step.number: step.loss for step in steps_of(trained(job(rows, tmp_path / "killed")))}
    assert min(again) in (3, 5), "it resumes from the last checkpoint"
    for step, loss in again.items():
        assert loss == pytest.approx(losses[step], rel=1e-3)
    ours, theirs = adapter(tmp_path / "killed"), adapter(tmp_path / "whole")
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        assert torch.allclose(weight, theirs[name], atol=1e-4), name
    config = json.loads((tmp_path / "whole" / "adapter" / "adapter_config.json").read_text())
    assert config["r"] == 4 and set(config["target_modules"]) == set(LINEAR) and config["peft_type"] == "LORA"


@pytest.mark.skipif(not installed("bitsandbytes"), reason="bitsandbytes is not installed; .ci/run installs it")
@pytest.mark.usefixtures("same_process")
def test_a_student_in_4_bits_is_trained_by_8_bit_adamw_and_resumes(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from har_llm.distill import trl_trainer

    loaded: list[Any] = []
    monkeypatch.setattr(trl_trainer, "load_model", lambda *given, **more: _noted(loaded, load_model(*given, **more)))
    # With r=32 the weights are large enough for 8 bits: bitsandbytes keeps 32 bits below 4,096 numbers.
    made = job(rows, tmp_path, load_in_4bit=True, optim="adamw_8bit", max_steps=4, r=32, learning_rate=1e-3)
    start, *steps = trained(made)
    assert isinstance(start, TrainingStart) and start.optimizer == "adamw_8bit"
    assert start.parameters - start.trainable_parameters == 1_099_392, "packed weights are counted one by one"
    losses = [step.loss for step in steps_of(steps)]
    assert losses[-1] < losses[0]
    (base,) = loaded
    assert {one.weight.quant_type for one in base.modules() if type(one).__name__ == "Linear4bit"} == {"nf4"}
    assert {one.dtype for one in adapter(tmp_path).values()} == {torch.float32}
    state = torch.load(tmp_path / "checkpoints" / "checkpoint-4" / "optimizer.pt", weights_only=False)["state"]
    assert {one["__bnb_optimizer_quant_state__"]["state1"].dtype for one in state.values()} == {torch.uint8}
    shutil.rmtree(tmp_path / "checkpoints" / "checkpoint-4")
    again = {step.number: step.loss for step in steps_of(trained(made))}
    assert again == pytest.approx({3: losses[2], 4: losses[3]}, rel=1e-3)


def _noted(noted: list[Any], model: Any) -> Any:
    noted.append(model)
    return model


def steps_of(messages: Iterable[TrainingMessage]) -> list[TrainingStep]:
    return [message for message in messages if isinstance(message, TrainingStep)]


def children() -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process().children() if "har_llm.distill.worker" in " ".join(child.cmdline())]


@pytest.mark.usefixtures("same_process")
def test_what_is_too_long_is_told_first_and_the_rest_is_trained_on(rows: Path, tmp_path: Path) -> None:
    messages = trained(job(rows, tmp_path, max_length=1))
    told = next(messages)
    assert isinstance(told, LongExamples)
    assert [place for place, _ in told.found] == list(range(12))
    with pytest.raises(EngineError, match="onger than 1 tokens: 12 of 12 examples"):
        list(messages)
    lengths = sorted(length for _, length in told.found)
    short = job(rows, tmp_path, max_length=lengths[5], leave_out_long=True, max_steps=2)
    first, second, *steps = trained(short)
    assert isinstance(first, LongExamples) and (first.longest, first.can_read_more) == (lengths[5], True)
    assert isinstance(second, TrainingStart)
    assert second.tokens == sum(length for length in lengths if length <= lengths[5])
    assert [step.number for step in steps_of(steps)] == [1, 2]


@pytest.mark.parametrize(
    ("error", "at_once", "advice"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory."),
            4,
            "lora.training.per_device_train_batch_size=1 resumes from the last",
        ),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
            4,
            "per_device_train_batch_size=1 resumes",
        ),
        (MemoryError(), 1, "with 1 example at once"),
    ],
)
def test_when_memory_runs_out_the_settings_that_help_are_named(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, at_once: int, advice: str
) -> None:
    from har_llm.distill import trl_trainer

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(trl_trainer.SFTTrainer, "training_step", fail)
    with pytest.raises(EngineError, match="Memory ran out") as told:
        trl_trainer.train(job(rows, tmp_path, per_device_train_batch_size=at_once), lambda message: None)
    assert advice in str(told.value) and "lora.training.load_in_4bit=true" in str(told.value)
    assert ("per_device_train_batch_size=1" in str(told.value)) == (at_once > 1)


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from har_llm.distill import trl_trainer

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(trl_trainer.SFTTrainer, "training_step", fail)
    with pytest.raises(RuntimeError, match="something else"):
        trl_trainer.train(job(rows, tmp_path), lambda message: None)


def test_a_training_goes_on_with_fewer_examples_at_once_to_the_same_adapter(rows: Path, tmp_path: Path) -> None:
    """What is advised when memory runs out."""
    from har_llm.distill import trl_trainer

    whole = job(rows, tmp_path / "whole", max_steps=4)
    trl_trainer.train(whole, lambda message: None)
    first = replace(whole, folder=str(tmp_path / "cut" / "adapter"), checkpoints=str(tmp_path / "cut" / "checkpoints"))

    def stop(message: TrainingMessage) -> None:
        if isinstance(message, TrainingStep) and message.number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trl_trainer.train(first, stop)
    again: list[Any] = []
    trl_trainer.train(replace(first, settings=replace(first.settings, per_device_train_batch_size=1)), again.append)
    assert [step.number for step in steps_of(again)] == [3, 4]
    ours, theirs = adapter(tmp_path / "cut"), adapter(tmp_path / "whole")
    for name, weight in ours.items():
        assert torch.allclose(weight, theirs[name], atol=1e-4), name


def test_the_text_part_of_a_model_that_reads_images_is_trained_under_names_that_all_engines_find(
    rows: Path, tmp_path: Path
) -> None:
    """Transformers can load the text part alone and calls its layers otherwise; vLLM then finds none of them."""
    from har_llm.distill import trl_trainer
    from har_llm.distill.merge import merge
    from har_llm.engines.weights import Outline

    base = vision_language_model(tmp_path / "base")
    trl_trainer.train(replace(job(rows, tmp_path, max_steps=2), base=str(base)), lambda message: None)
    layer = "model.language_model.layers.1.self_attn.q_proj"
    assert f"base_model.model.{layer}.lora_B.weight" in adapter(tmp_path)
    Outline(base, trust_remote_code=False).check_adapter(tmp_path / "adapter")
    merge(str(base), str(tmp_path / "adapter"), "float32", False, str(tmp_path / "merged"))
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("base", "merged"))
    assert before.keys() == after.keys() and (tmp_path / "merged" / "preprocessor_config.json").is_file()
    changed = {name for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert f"{layer}.weight" in changed and all("language_model.layers" in name for name in changed)


def test_a_training_of_layers_that_engines_would_not_find_ends_before_its_first_step(rows: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    from har_llm.distill import trl_trainer

    base = vision_language_model(tmp_path / "base")

    def text_part(*_: Any) -> Any:
        return AutoModelForCausalLM.from_pretrained(base), LoraConfig(target_modules=["q_proj"], task_type="CAUSAL_LM")

    with pytest.raises(EngineError, match=r"it has base_model\.model\.model\.layers\.0.*has no such layer"):
        trl_trainer.train_with(text_part, replace(job(rows, tmp_path), base=str(base)), lambda message: None)


def test_a_student_without_some_of_its_weights_is_not_trained_nor_merged(rows: Path, tmp_path: Path) -> None:
    from har_llm.distill import trl_trainer
    from har_llm.distill.merge import merge

    made = job(rows, tmp_path)
    base = altered(Path(made.base), tmp_path / "base", without_a_layer)
    told = rf"{base}/model\.safetensors lacks 11 of the model's 47 weights"
    with pytest.raises(EngineError, match=told):
        trl_trainer.train(replace(made, base=str(base)), lambda message: None)
    with pytest.raises(EngineError, match=told):
        merge(str(base), str(random_adapter(tmp_path / "adapter", "tiny_student")), "float32", False, str(tmp_path / "to"))


def test_an_adapter_that_fits_no_layer_is_not_merged(tmp_path: Path) -> None:
    from har_llm.distill.merge import merge

    def without_prefix(tensors: Tensors) -> Tensors:
        return {name.removeprefix("base_model.model."): one for name, one in tensors.items()}

    base = job(tmp_path, tmp_path).base
    unfit = altered(random_adapter(tmp_path / "adapter", "tiny_student"), tmp_path / "unfit", without_prefix)
    with pytest.raises(
        EngineError, match=r"unfit/adapter_model\.safetensors does not fit the model: it has model\.layers\.0"
    ):
        merge(base, str(unfit), "float32", False, str(tmp_path / "merged"))
    assert not (tmp_path / "merged").exists()


def test_further_arguments_make_another_adapter(rows: Path, tmp_path: Path) -> None:
    from har_llm.distill import trl_trainer

    for name, extra_args in (("plain", {}), ("extra", {"use_rslora": True, "neftune_noise_alpha": 5})):
        trl_trainer.train(job(rows, tmp_path / name, max_steps=2, extra_args=extra_args), lambda message: None)
    config = json.loads((tmp_path / "extra" / "adapter" / "adapter_config.json").read_text())
    assert config["use_rslora"] is True
    plain, extra = adapter(tmp_path / "plain"), adapter(tmp_path / "extra")
    assert plain.keys() == extra.keys() and any(not torch.equal(weight, extra[name]) for name, weight in plain.items())


@pytest.mark.parametrize(
    ("extra_args", "told"),
    [
        ({"neftune_noise_alfa": 5}, r"neftune_noise_alfa is not an argument .* Did you mean neftune_noise_alpha\?"),
        ({"lr_scheduler_type": "cosin"}, r"does not run with lora\.training\.extra_args=\{'lr_scheduler_type': 'cosin'\}: "),
    ],
)
def test_further_arguments_are_refused_before_the_student_is_loaded(
    rows: Path, tmp_path: Path, extra_args: dict[str, Any], told: str
) -> None:
    from har_llm.distill import trl_trainer

    def load(*_: Any) -> Any:
        raise AssertionError

    with pytest.raises(EngineError, match=told):
        trl_trainer.train_with(load, job(rows, tmp_path, extra_args=extra_args), lambda message: None)


def test_further_arguments_with_which_the_training_fails_are_named(rows: Path, tmp_path: Path) -> None:
    from har_llm.distill import trl_trainer

    with pytest.raises(EngineError, match=r"extra_args=\{'adam_beta1': 5.0\}: Invalid beta parameter"):
        trl_trainer.train(job(rows, tmp_path, extra_args={"adam_beta1": 5.0}), lambda message: None)


def test_a_step_of_more_examples_than_were_asked_for_is_refused(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Transformers makes of two visible GPUs."""
    from har_llm.distill import trl_trainer

    monkeypatch.setattr("trl.SFTConfig.train_batch_size", property(lambda self: 8))
    with pytest.raises(EngineError, match=r"take 8 examples, but lora\.training\.batch_size is 4; let .* one GPU only"):
        trl_trainer.train(job(rows, tmp_path), lambda message: None)


def test_a_training_that_another_optimizer_began_restarts(rows: Path, tmp_path: Path) -> None:
    """lora.training.optim=auto, begun on a GPU and gone on with on a CPU."""
    from har_llm.distill import trl_trainer

    made = job(rows, tmp_path, max_steps=2, save_steps=1, optim="auto")
    heard: list[Any] = []
    trl_trainer.train(made, heard.append)
    note = tmp_path / "checkpoints" / "optimizer.txt"
    assert note.read_text() == "adamw_torch\n" and heard[0].note is None
    assert last_checkpoint(tmp_path / "checkpoints").checkpoint == tmp_path / "checkpoints" / "checkpoint-2"
    note.write_text("adamw_8bit\n")
    again: list[Any] = []
    trl_trainer.train(made, again.append)
    assert "are those of adamw_8bit and the optimizer here is adamw_torch" in again[0].note
    assert [step.number for step in again[1:]] == [1, 2] and note.read_text() == "adamw_torch\n"


def test_a_damaged_checkpoint_gives_way_to_the_one_before_and_then_to_the_start(rows: Path, tmp_path: Path) -> None:
    from har_llm.distill import trl_trainer

    made = job(rows, tmp_path, max_steps=4, save_steps=1)
    trl_trainer.train(made, lambda message: None)
    before = adapter(tmp_path)
    for damaged, first in (((4,), 4), ((3, 4), 1)):
        for step in damaged:
            optimizer = tmp_path / "checkpoints" / f"checkpoint-{step}" / "optimizer.pt"
            optimizer.write_bytes(bytes(optimizer.stat().st_size))
        again: list[Any] = []
        trl_trainer.train(made, again.append)
        assert again[0].done == first - 1 and "because checkpoint-4 is damaged (optimizer.pt" in again[0].note
        assert [step.number for step in steps_of(again)] == list(range(first, 5))
        for name, weight in adapter(tmp_path).items():
            assert torch.allclose(weight, before[name], atol=1e-4), name


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_training_that_diverges_ends_at_once(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: float
) -> None:
    from har_llm.distill import trl_trainer

    monkeypatch.setattr(trl_trainer.SFTTrainer, "training_step", lambda *_, **__: torch.tensor(loss))
    with pytest.raises(EngineError, match=f"The loss is {loss} at step 1; lower lora.training.learning_rate"):
        trl_trainer.train(job(rows, tmp_path, max_steps=2), lambda message: None)
