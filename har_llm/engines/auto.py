"""engine=auto: vLLM where there is a GPU, Transformers elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from har_llm.common.extras import installed_by
from har_llm.common.hardware import has_gpu, is_assumed
from har_llm.engines.config import EngineConfig
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.vllm_config import VllmEngineConfig, installed


@dataclass(kw_only=True)
class AutoEngineConfig(EngineConfig):
    """Chooses engine=vllm or engine=transformers with their default settings; a run records only the chosen one."""

    def chosen(self) -> tuple[EngineConfig, str]:
        if not has_gpu():
            return TransformersEngineConfig(), "Transformers, because there is no GPU here"
        if not installed() and not is_assumed():
            return TransformersEngineConfig(), (
                f"Transformers, because vLLM is not installed (it is many times faster: {installed_by('vllm')})"
            )
        return VllmEngineConfig(), "vLLM, because there is a GPU"
