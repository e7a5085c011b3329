"""engine=auto: vLLM where there is a GPU, Transformers elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from har_llm.common.hardware import has_gpu
from har_llm.engines.base import Engine, EngineConfig, LoadedModel, SingleWorker
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.vllm_config import VllmEngineConfig, installed


@dataclass(kw_only=True)
class AutoEngineConfig(SingleWorker):
    """Chooses with the settings of engine=vllm or engine=transformers as they are shipped."""

    def chosen(self) -> tuple[EngineConfig, str]:
        if not has_gpu():
            return TransformersEngineConfig(), "Transformers, because there is no GPU here"
        if not installed():
            return TransformersEngineConfig(), (
                "Transformers, because vLLM is not installed (it is many times faster: pip install 'har-llm[vllm]')"
            )
        return VllmEngineConfig(), "vLLM, because there is a GPU"

    def follows(self) -> Sequence[str]:
        return self.chosen()[0].follows()

    def memory(self) -> tuple[str, float]:
        return self.chosen()[0].memory()

    def weights_share(self) -> float:
        return self.chosen()[0].weights_share()

    def replicas(self, weight_bytes: float | None) -> Sequence[Mapping[str, str]]:
        return self.chosen()[0].replicas(weight_bytes)

    def open(self, model: LoadedModel) -> Engine:
        return self.chosen()[0].open(model)
