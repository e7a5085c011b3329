"""What must hold between settings, whatever each of them may be by itself."""

from __future__ import annotations

import dataclasses

from har_llm.common.errors import ConfigError
from har_llm.common.schema import component_class
from har_llm.config.experiment import Experiment
from har_llm.data.splits import ALL
from har_llm.distill.config import Distilled, distillation_of
from har_llm.models.adapters import NO_ADAPTER
from har_llm.models.config import ModelConfig


def check_trained(lora: object) -> None:
    """Refuse settings of a training where no adapter is trained, and name the choices that train one."""
    if not isinstance(lora, dict):
        return
    chosen = component_class(lora.get("_target_"), "lora._target_")
    of_trainings, own = ({f.name for f in dataclasses.fields(cls)} for cls in (Distilled, chosen))
    for name in sorted((of_trainings - own) & lora.keys()):
        raise ConfigError(
            f"lora.{name} is a setting of adapters that are trained, but lora={lora.get('name')} trains none; choose "
            f"lora=distilled or lora=distilled_tiny."
        )


def check_baseline(experiment: Experiment) -> None:
    """Refuse what is about language models only, but for the prompt and the engine, which a sweep may choose for others."""
    lora, decoding, name = experiment.lora.name, experiment.decoding, experiment.model.name
    if lora != NO_ADAPTER:
        raise ConfigError(f"lora is {lora!r}, but model={name} is a baseline, which has no adapter; set lora=none.")
    if decoding.samples > 1 or decoding.needed():
        raise ConfigError(
            f"decoding is {decoding.name!r}, but model={name} is a baseline, which generates no text and answers each "
            f"window once; set decoding=plain."
        )


def check_together(experiment: Experiment) -> None:
    """Check the rules that involve more than one group."""
    decoding, model = experiment.decoding, experiment.model
    if distillation_of(experiment.lora) is not None and not experiment.engine.chosen()[0].needs_model():
        raise ConfigError(
            f"lora={experiment.lora.name} trains an adapter here, but the engine runs the model elsewhere; use engine=auto, "
            f"with +engine@lora.engine=openai for a teacher behind a server, or train first and serve the adapter "
            f"(lora=adapter)."
        )
    if experiment.lora.name != NO_ADAPTER and not (engine := experiment.engine.chosen()[0]).takes_adapters:
        raise ConfigError(
            f"lora is {experiment.lora.name!r}, but the engine {engine.engine_name} loads no adapters; write the model with "
            f"its adapter merged into it (task=export export.format=gguf), then take that file."
        )
    if experiment.prompt.examples and experiment.split.part == ALL:
        raise ConfigError(
            f"prompt.examples is {experiment.prompt.examples}, but split.part is 'all', which leaves no session for "
            f"training whose windows a prompt could show; choose another prompt, or another part."
        )
    if decoding.samples > 1 and model.sampling.greedy:
        raise ConfigError(
            f"decoding.samples is {decoding.samples}, but model.sampling.temperature is 0, which gives the same generation "
            f"each time; set model.sampling.temperature above 0, or decoding.samples=1."
        )
    if (lora := distillation_of(experiment.lora)) is not None:
        _check_training(lora, model, experiment.prompt.form.mark)
    if decoding.thinking_token_budget is not None and not model.thinking:
        raise ConfigError(
            f"decoding.thinking_token_budget is {decoding.thinking_token_budget}, but model.thinking is false: "
            f"there is no reasoning to limit; change one of them."
        )
    if decoding.structured and experiment.prompt.form.mark is not None:
        raise ConfigError(
            f"decoding.structured is true, which leaves no room for the reasoning that the prompt asks for in the text "
            f"(prompt.answer_mark is {experiment.prompt.form.mark!r}); choose decoding=plain, or a prompt without reasoning."
        )
    needed = decoding.needed()
    if needed:
        engine, _ = experiment.engine.chosen()
        for name in needed:
            if name not in engine.follows():
                is_flag = name == "structured"
                value, off = ("true", "false") if is_flag else (getattr(decoding, name), "null")
                others = "vllm, openai or llama_cpp" if is_flag else "vllm or openai"
                raise ConfigError(
                    f"decoding.{name} is {value}, which the engine {engine.engine_name} cannot follow; use engine={others}, "
                    f"or decoding.{name}={off}."
                )


def _check_training(lora: Distilled, student: ModelConfig, mark: str | None) -> None:
    """Check that the student is asked to reason as its examples do. `mark`: the prompt's answer_mark."""
    if lora.examples.method == "gold_answers" and student.thinking:
        raise ConfigError(
            "model.thinking is true, but gold answers hold no reasoning that a student could be trained on; set "
            "model.thinking=false."
        )
    if lora.examples.method == "gold_answers" and mark is not None:
        raise ConfigError(
            f"prompt.answer_mark is {mark!r}, so the prompt asks for reasoning before it, but gold answers hold none; "
            f"choose a prompt that asks for the answer alone."
        )
    if lora.teacher is not None and lora.teacher.thinking != student.thinking:
        raise ConfigError(
            f"lora.teacher.thinking is {str(lora.teacher.thinking).lower()} and model.thinking is "
            f"{str(student.thinking).lower()}, but a student that is trained on its teacher's generations reasons if they "
            f"do; set both to true if the teacher reasons, and both to false if not."
        )
    if lora.teacher is not None and lora.teacher.reasoning_marks != student.reasoning_marks:
        raise ConfigError(
            f"lora.teacher.reasoning_marks is {lora.teacher.reasoning_marks} and model.reasoning_marks is "
            f"{student.reasoning_marks}, but a student that is trained on its teacher's generations writes the same marks; "
            f"set both alike."
        )
