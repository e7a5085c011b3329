"""Training with the real TRL and PEFT on the embedded student: what is learned, how much, and going on after a kill."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from har_llm.common.errors import EngineError
from har_llm.distill.training_config import LINEAR
from har_llm.distill.worker import trained
from har_llm.engines.chat import ChatTokenizer
from tests.distill.trainings import adapter, job

pytestmark = pytest.mark.slow


def test_a_killed_training_goes_on_to_the_same_adapter(rows: Path, tmp_path: Path) -> None:
    whole = list(trained(job(rows, tmp_path / "whole")))
    losses = {message["step"]: message["loss"] for message in whole if "step" in message}
    assert list(losses) == list(range(1, 9))
    assert losses[8] < losses[1]
    about = whole[0]["about"]
    assert 0 < about["trainable_parameters"] < about["parameters"] and about["optimizer"] == "adamw_torch"

    killed = trained(job(rows, tmp_path / "killed"))
    with pytest.raises(EngineError, match="The training's process was killed by signal 9"):
        for message in killed:
            if message.get("step") == 5:
                os.kill(children()[0], signal.SIGKILL)
    assert not (tmp_path / "killed" / "adapter").exists()
    again = {message["step"]: message["loss"] for message in trained(job(rows, tmp_path / "killed")) if "step" in message}
    assert min(again) in (3, 5), "it goes on from the last checkpoint"
    for step, loss in again.items():
        assert loss == pytest.approx(losses[step], rel=1e-3)
    ours, theirs = adapter(tmp_path / "killed"), adapter(tmp_path / "whole")
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        assert torch.allclose(weight, theirs[name], atol=1e-4), name
    config = json.loads((tmp_path / "whole" / "adapter" / "adapter_config.json").read_text())
    assert config["r"] == 4 and set(config["target_modules"]) == set(LINEAR) and config["peft_type"] == "LORA"


def children() -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process().children() if "har_llm.distill.worker" in " ".join(child.cmdline())]


def lengths(rows: Path, folder: Path) -> list[int]:
    from har_llm.distill.trl_trainer import _tokens

    made = job(rows, folder)
    chat = ChatTokenizer(made.base, trust_remote_code=False)
    return [len(_tokens(chat, row, made)["input_ids"]) for row in made.read_rows()]


@pytest.mark.usefixtures("same_process")
def test_examples_that_are_too_long_are_named_and_stop_or_are_left_out(rows: Path, tmp_path: Path) -> None:
    tokens = lengths(rows, tmp_path)
    longest = sorted(tokens)[len(tokens) // 2]
    long = [[place, length] for place, length in enumerate(tokens) if length > longest]
    assert 0 < len(long) < len(tokens)
    messages = trained(job(rows, tmp_path, max_length=longest))
    assert next(messages) == {"too_long": long, "longest": longest, "more": True}
    with pytest.raises(EngineError, match=rf"{len(long)} of 12 examples are longer than {longest} tokens"):
        list(messages)
    first, second, *steps = trained(job(rows, tmp_path, max_length=longest, leave_out_long=True, max_steps=2))
    assert first == {"too_long": long, "longest": longest, "more": True}
    assert second["about"]["tokens"] == sum(length for length in tokens if length <= longest)
    assert [message["step"] for message in steps] == [1, 2]


def test_without_a_limit_examples_are_as_long_as_the_student_reads(rows: Path, tmp_path: Path) -> None:
    from har_llm.distill.trl_trainer import _longest

    assert _longest(job(rows, tmp_path, max_length=None)) == 4096, "of the student's own configuration"
    assert _longest(job(rows, tmp_path, max_length=99)) == 99
    assert _longest(job(rows, tmp_path, max_length=9999)) == 4096, "and never longer"


def test_examples_that_are_longer_than_the_student_reads_are_no_reason_to_raise_the_limit(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from har_llm.distill import trl_trainer

    monkeypatch.setattr(trl_trainer, "_readable", lambda job: 10)
    heard: list[dict[str, Any]] = []
    with pytest.raises(EngineError, match="12 of 12 examples are longer than 10 tokens"):
        trl_trainer.train(job(rows, tmp_path, max_length=4096), heard.append)
    assert [(one["longest"], one["more"]) for one in heard] == [(10, False)]


@pytest.mark.parametrize(
    ("error", "at_once", "advice"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory."),
            4,
            "lora.training.per_device_train_batch_size=1 goes on from the last",
        ),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
            4,
            "per_device_train_batch_size=1 goes on",
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

    whole, steps = job(rows, tmp_path / "whole", max_steps=4), []
    trl_trainer.train(whole, steps.append)
    first = replace(whole, folder=str(tmp_path / "cut" / "adapter"), checkpoints=str(tmp_path / "cut" / "checkpoints"))

    def stop(message: dict[str, Any]) -> None:
        if message.get("step") == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trl_trainer.train(first, stop)
    again: list[dict[str, Any]] = []
    trl_trainer.train(replace(first, settings=replace(first.settings, per_device_train_batch_size=1)), again.append)
    assert [message["step"] for message in again if "step" in message] == [3, 4]
    ours, theirs = adapter(tmp_path / "cut"), adapter(tmp_path / "whole")
    for name, weight in ours.items():
        assert torch.allclose(weight, theirs[name], atol=1e-4), name


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
    with pytest.raises(EngineError, match=r"from 8 examples, but lora\.training\.batch_size is 4; let .* one GPU only"):
        trl_trainer.train(job(rows, tmp_path), lambda message: None)


def test_a_training_that_another_optimizer_began_begins_anew(rows: Path, tmp_path: Path) -> None:
    """lora.training.optim=auto, begun on a GPU and gone on with on a CPU."""
    from har_llm.distill import trl_trainer

    made, heard = job(rows, tmp_path, max_steps=2, save_steps=1, optim="auto"), []
    trl_trainer.train(made, heard.append)
    note = tmp_path / "checkpoints" / "optimizer.txt"
    assert note.read_text() == "adamw_torch\n" and "anew" not in heard[0]["about"]
    assert trl_trainer._checkpoint(tmp_path / "checkpoints", "adamw_torch")[0] == tmp_path / "checkpoints" / "checkpoint-2"
    note.write_text("adamw_8bit\n")
    again: list[dict[str, Any]] = []
    trl_trainer.train(made, again.append)
    assert "are those of adamw_8bit and the optimizer here is adamw_torch" in again[0]["about"]["anew"]
    assert [message["step"] for message in again[1:]] == [1, 2] and note.read_text() == "adamw_torch\n"


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_training_that_diverges_ends_at_once(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: float
) -> None:
    from har_llm.distill import trl_trainer

    monkeypatch.setattr(trl_trainer.SFTTrainer, "training_step", lambda *_, **__: torch.tensor(loss))
    with pytest.raises(EngineError, match=f"The loss is {loss} at step 1; lower lora.training.learning_rate"):
        trl_trainer.train(job(rows, tmp_path, max_steps=2), lambda message: None)


def test_labels_that_a_library_has_masked_are_noticed(rows: Path, tmp_path: Path) -> None:
    from types import SimpleNamespace

    from har_llm.distill.trl_trainer import NOT_LEARNED, _check_labels

    row = {"input_ids": [1, 2, 3], "labels": [NOT_LEARNED, 2, 3]}

    def trainer(labels: list[int]) -> Any:
        return SimpleNamespace(data_collator=lambda rows: {"labels": torch.tensor([labels])})

    _check_labels(trainer([NOT_LEARNED, 2, 3, NOT_LEARNED]), row)  # padded
    for masked in ([NOT_LEARNED] * 3, [1, 2, 3]):
        with pytest.raises(EngineError, match="would not learn what it was given"):
            _check_labels(trainer(masked), row)


@pytest.mark.parametrize("completion_only", [True, False])
def test_the_loss_is_on_what_it_should_be(rows: Path, tmp_path: Path, completion_only: bool) -> None:
    from har_llm.distill.trl_trainer import NOT_LEARNED, _tokens

    made = job(rows, tmp_path, completion_only_loss=completion_only)
    chat = ChatTokenizer(made.base, trust_remote_code=False)
    tokenizer = chat.tokenizer
    row = next(made.read_rows())
    tokens = _tokens(chat, row, made)
    learned = [token for token, label in zip(tokens["input_ids"], tokens["labels"], strict=True) if label != NOT_LEARNED]
    text = row["completion"][0]["content"] + tokenizer.eos_token
    assert tokenizer.decode(learned).endswith(text)
    assert (tokenizer.decode(learned) == text) == completion_only
    sent = tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True, enable_thinking=True)
    assert tokenizer.decode(tokens["input_ids"]) == sent + text


@pytest.mark.parametrize(
    ("size", "parameters"), [("0.6B", 20_185_088), ("1.7B", 34_865_152)], ids=["Qwen3-0.6B", "Qwen3-1.7B"]
)
def test_the_papers_models_get_as_many_trainable_parameters_as_in_the_paper(size: str, parameters: int) -> None:
    """Built without weights, from the figures of their configurations."""
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen3Config, Qwen3ForCausalLM

    from har_llm.distill.trl_arguments import arguments

    shapes = {"0.6B": (1024, 3072), "1.7B": (2048, 6144)}
    hidden, inner = shapes[size]
    config = Qwen3Config(
        vocab_size=151_936,
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=28,
        num_attention_heads=16,
        num_key_value_heads=8,
        head_dim=128,
        tie_word_embeddings=True,
    )
    with torch.device("meta"):
        lora = LoraConfig(**arguments(job(Path(), Path(), r=32, lora_alpha=32)).lora)
        model = get_peft_model(Qwen3ForCausalLM(config), lora)
    trainable = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    base = sum(weight.numel() for weight in model.parameters()) - trainable
    assert trainable == parameters
    assert base == {"0.6B": 596_049_920, "1.7B": 1_720_574_976}[size]
