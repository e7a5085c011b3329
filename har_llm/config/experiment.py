"""An experiment: a composed config, typed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Any

from har_llm.config.settings import Settings
from har_llm.config.tracker import TrackerConfig
from har_llm.data.datasets.base import DatasetConfig
from har_llm.data.live.reading import WatchConfig
from har_llm.data.prompts import PromptConfig, SectionedPrompt
from har_llm.data.splits import Split
from har_llm.data.windows import FixedWindows
from har_llm.engines.config import EngineConfig
from har_llm.engines.decoding import DecodingConfig
from har_llm.engines.in_process import InProcess
from har_llm.models.adapters import LoraConfig
from har_llm.models.baselines.base import BaselineConfig
from har_llm.models.config import ModelConfig

GROUPS = ("window", "split", "lora", "decoding", "engine", "tracker", "watch", "model", "prompt", "dataset")
"""The order of the checks: quick ones first, so that a typo is reported at once."""
NO_RESULT = ("task", "runs", "baselines", "paths", "export", "report", "compare", "hardware", "tracker", "watch")
"""Settings that change no result, only what is done with it or where files are on this machine."""


@dataclass(kw_only=True)
class Experiment:
    """A composed config, checked: everything that defines one run."""

    settings: Settings
    dataset: DatasetConfig
    window: FixedWindows
    prompt: PromptConfig
    split: Split
    model: ModelConfig
    """The language model; of a baseline, what stands for it."""
    lora: LoraConfig
    decoding: DecodingConfig
    engine: EngineConfig
    tracker: TrackerConfig
    watch: WatchConfig
    source: dict[str, Any]
    """The composed config as plain values, kept with the run."""
    baseline: BaselineConfig | None = None
    """What answers in place of a language model."""


def with_baseline(experiment: Experiment, baseline: BaselineConfig) -> Experiment:
    """The same home, split and windows, with a baseline in place of the language model and all that belongs to it.

    What a baseline does not use is recorded as nothing, so that it is one run beside several models and prompts.
    """
    settings = experiment.settings if baseline.seeded else replace(experiment.settings, seed=0)
    chosen: dict[str, Any] = {
        "prompt": SectionedPrompt(system=""),
        "lora": LoraConfig(),
        "decoding": DecodingConfig(),
        "engine": InProcess(),
    }
    recorded = {group: _node(one) for group, one in {**chosen, "model": baseline}.items()}
    source = {**experiment.source, **recorded, "seed": settings.seed}
    return replace(experiment, **chosen, settings=settings, model=baseline.as_model(), baseline=baseline, source=source)


def _node(chosen: Any) -> dict[str, Any]:
    """The node of a composed config that describes a component."""
    return {"_target_": f"{type(chosen).__module__}.{type(chosen).__qualname__}", **dataclasses.asdict(chosen)}
