"""What tests compose quickly is what Hydra composes for the same command line."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException

from har_llm.common.shipped import conf_folder
from tests.composing import composed

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "overrides",
    [
        ["model=qwen3_4b", "dataset=mural", "lora=distilled", "engine=vllm", "split=fraction", "seed=3", "window.events=5"],
        ["lora=distilled_tiny", "+dataset@lora.source=mural", "+dataset.paper_split={4: 3}", "++dataset.further.own=[1]"],
    ],
)
def test_it_is_what_hydra_composes(overrides: list[str]) -> None:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        hydras = compose("config", overrides)
    ours = composed(*overrides)
    assert ours == hydras and list(ours) == list(hydras)


@pytest.mark.parametrize("wrong", ["+window.events=5", "model=unknown"])
def test_hydra_says_what_is_wrong(wrong: str) -> None:
    with pytest.raises(ConfigCompositionException):
        composed(wrong)
