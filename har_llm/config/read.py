"""From a composed config to an experiment: each node checked against its class, then by the rules of `together`."""

from __future__ import annotations

import dataclasses
from typing import get_type_hints

from omegaconf import DictConfig

from har_llm.common.errors import ConfigError
from har_llm.common.schema import checked, component, plain
from har_llm.common.text import suggestion
from har_llm.config.experiment import GROUPS, Experiment, with_baseline
from har_llm.config.settings import Settings
from har_llm.config.together import check_baseline, check_together, check_trained
from har_llm.data.auto_prompt import AutoPrompt
from har_llm.data.prompts import PromptConfig
from har_llm.models.baselines.base import BaselineConfig
from har_llm.models.config import ModelConfig


def read_experiment(cfg: DictConfig) -> Experiment:
    """Check a composed config and build its components. Raises ConfigError naming the field, its value and the rule."""
    source = plain(cfg)
    for name in source:
        check_known(name)
    settings = checked(Settings, {name: value for name, value in source.items() if name not in GROUPS}, "")
    settings.check()
    check_trained(source.get("lora"))
    kinds = get_type_hints(Experiment) | {"prompt": PromptConfig | AutoPrompt, "model": ModelConfig | BaselineConfig}
    components = {group: component(source.get(group), group, kinds[group]) for group in GROUPS}
    model = components["model"]
    if isinstance(model, BaselineConfig):
        experiment = Experiment(settings=settings, source=source, **{**components, "model": model.as_model()})
        check_baseline(experiment)
        return with_baseline(experiment, model)
    if isinstance(auto := components["prompt"], AutoPrompt):
        chosen = auto.chosen(model.prompt, thinking=model.thinking)
        components["prompt"], source["prompt"] = getattr(auto, chosen), source["prompt"][chosen]
    experiment = Experiment(settings=settings, source=source, **components)
    check_together(experiment)
    return experiment


def check_known(name: str) -> None:
    """Refuse what is neither a group nor one of the settings beside them."""
    known = {*GROUPS, *(f.name for f in dataclasses.fields(Settings))}
    if name not in known:
        raise ConfigError(f"{name} is not a setting.{suggestion(name, known)}")
