"""Checks of lora.training.extra_args that need no import of TRL and PEFT, which takes many seconds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from har_llm.common.errors import ConfigError, LoggedError, first_line
from har_llm.common.extra_args import check_plain

SETTING = "lora.training.extra_args"
DECIDED_BY: Mapping[str, tuple[str, ...]] = {
    "lora.training.batch_size": ("gradient_accumulation_steps",),
    "lora.training.max_steps": ("num_train_epochs",),
    "lora.training.per_device_train_batch_size": ("auto_find_batch_size",),
    "lora.training.save_steps": ("save_strategy", "save_total_limit", "save_only_model", "resume_from_checkpoint"),
    "lora.training.completion_only_loss": ("assistant_only_loss",),
    "model": ("base_model_name_or_path", "revision", "model_init_kwargs"),
    "model.dtype": ("bf16", "fp16"),
    "model.trust_remote_code": ("trust_remote_code",),
    "paths.outputs": ("output_dir",),
    "tracker": ("report_to",),
    "the environment variable HF_TOKEN": ("hub_token",),  # extra_args are kept with the adapter, where no secret belongs
}
"""Settings of har_llm -> arguments of TRL and PEFT with other names that follow from them."""
DECIDED = (
    *("task_type", "peft_type", "inference_mode"),
    *("use_cpu", "disable_tqdm", "logging_strategy", "logging_steps", "logging_nan_inf_filter"),
    # har_llm tokenises the examples itself, so these would change nothing.
    *("chat_template_path", "eos_token", "dataset_text_field", "dataset_kwargs", "dataset_num_proc", "shuffle_dataset"),
    *("packing", "packing_strategy", "truncation_mode", "remove_unused_columns"),
)
"""Arguments that har_llm sets and that follow from no setting."""
BASE_CHANGING = ("pissa", "corda", "olora", "loftq", "lora_ga")
"""Beginnings of values of init_lora_weights that also change the student's own weights."""


def check_extra(extra_args: Mapping[str, Any], settings: Collection[str]) -> None:
    """Raise ConfigError for an argument that har_llm sets itself, or a value that cannot be part of a key or used by
    engines.

    `settings`: the names of lora.training, which are the libraries' own.
    """
    decided = {name: setting for setting, names in DECIDED_BY.items() for name in names}
    decided |= {name: f"lora.training.{name}" for name in settings}
    for name in extra_args:
        if name in decided or name in DECIDED:
            advice = f"set {decided[name]} instead" if name in decided else "leave it out"
            raise ConfigError(f"{SETTING}.{name} is an argument that har_llm sets itself; {advice}.")
    check_plain(extra_args, SETTING)
    if str(first := extra_args.get("init_lora_weights")).lower().startswith(BASE_CHANGING):
        raise ConfigError(
            f"{SETTING}.init_lora_weights is {first!r}, which also changes the student's own weights, but engines use "
            f"adapters on top of unchanged ones; choose another, such as gaussian."
        )


def does_not_run(extra_args: Mapping[str, Any], error: Exception) -> LoggedError:
    """What a library says of a training with these arguments."""
    return LoggedError(f"The training does not run with {SETTING}={dict(extra_args)}: {first_line(error)}")
