"""vLLM's settings: how a model is spread over the GPUs that are there. Pure; vLLM itself is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.hardware import Gpu
from har_llm.engines import vllm_config
from har_llm.engines.vllm_config import VllmEngineConfig
from tests.helpers import load

QWEN3_32B = 65.5e9
QWEN3_8B = 16.4e9
GIB = 2**30


def gpus(count: int, gib: int) -> list[Gpu]:
    return [Gpu(str(number), "NVIDIA A", gib * GIB, gib * GIB) for number in range(count)]


def shape(found: Sequence[Gpu], weight_bytes: float | None, **settings: Any) -> tuple[int, int]:
    """Copies of the model, and the GPUs of each."""
    groups = VllmEngineConfig(**settings).groups(found, weight_bytes)
    used = [gpu.id for group in groups for gpu in group]
    assert len(set(used)) == len(used), "no GPU has two copies"
    (size,) = {len(group) for group in groups}
    return len(groups), size


@pytest.mark.parametrize(
    ("count", "gib", "weight_bytes", "expected"),
    [
        (1, 24, QWEN3_8B, (1, 1)),
        (1, 24, QWEN3_32B, (1, 1)),  # does not fit; refused before, by its memory
        (1, 80, QWEN3_32B, (1, 1)),
        (2, 80, QWEN3_32B, (1, 2)),
        (8, 80, QWEN3_32B, (4, 2)),
        (4, 40, QWEN3_32B, (1, 4)),
        (8, 40, QWEN3_32B, (2, 4)),
        (8, 141, QWEN3_32B, (8, 1)),
        (8, 80, QWEN3_8B, (8, 1)),
        (3, 80, QWEN3_32B, (1, 2)),  # a power of two; the third is left alone
        (3, 80, QWEN3_8B, (3, 1)),
        (2, 24, QWEN3_32B, (1, 2)),
        (4, 80, None, (4, 1)),
        (1, 24, None, (1, 1)),
    ],
)
def test_a_model_takes_as_few_gpus_as_hold_it_and_as_many_copies_as_there_is_room_for(
    count: int, gib: int, weight_bytes: float | None, expected: tuple[int, int]
) -> None:
    assert shape(gpus(count, gib), weight_bytes) == expected


def test_the_smallest_gpu_decides() -> None:
    assert shape([*gpus(3, 80), Gpu("3", "NVIDIA B", 24 * GIB, 24 * GIB)], QWEN3_32B) == (1, 4)


@pytest.mark.parametrize("count", range(1, 17))
@pytest.mark.parametrize("weight_bytes", [1e9, 16e9, 65e9, 140e9, 1e12])
def test_a_copy_is_spread_over_a_power_of_two_and_holds_its_weights_if_it_can(count: int, weight_bytes: float) -> None:
    copies, size = shape(gpus(count, 40), weight_bytes)
    assert size & (size - 1) == 0
    assert copies == count // size >= 1
    holds = size * 40 * GIB * 0.9 >= 1.25 * weight_bytes
    assert holds or size * 2 > count
    assert size == 1 or size // 2 * 40 * GIB * 0.9 < 1.25 * weight_bytes


def test_what_is_set_is_followed() -> None:
    assert shape(gpus(8, 80), QWEN3_32B, tensor_parallel_size=4) == (2, 4)
    assert shape(gpus(8, 80), QWEN3_32B, data_parallel_size=1) == (1, 2)
    assert shape(gpus(8, 80), QWEN3_8B, tensor_parallel_size=3, data_parallel_size=2) == (2, 3)
    assert shape(gpus(8, 80), QWEN3_32B, gpu_memory_utilization=0.98) == (8, 1)


@pytest.mark.parametrize(
    "settings",
    [{"tensor_parallel_size": 3}, {"data_parallel_size": 3}, {"tensor_parallel_size": 2, "data_parallel_size": 2}],
)
def test_more_gpus_than_there_are_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"engine\.tensor_parallel_size is \d and .* takes \d GPUs; 2 are visible here"):
        VllmEngineConfig(**settings).groups(gpus(2, 80), QWEN3_8B)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Any:
    def place(found: Sequence[Gpu], *, installed: bool = True) -> None:
        monkeypatch.setattr(vllm_config, "gpus", lambda: found)
        monkeypatch.setattr(vllm_config, "installed", lambda: installed)

    return place


def test_each_copy_sees_its_own_gpus_only(here: Any) -> None:
    here(gpus(8, 80))
    environments = VllmEngineConfig().replicas(QWEN3_32B)
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in environments] == ["0,1", "2,3", "4,5", "6,7"]
    assert {environment["HAR_LLM_TENSOR_PARALLEL"] for environment in environments} == {"2"}


def test_gpus_keep_the_names_that_the_user_chose_among(here: Any) -> None:
    here([gpu._replace(id=name) for gpu, name in zip(gpus(2, 80), ("5", "7"), strict=True)])
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in VllmEngineConfig().replicas(QWEN3_8B)] == ["5", "7"]


def test_without_a_gpu_one_process_runs_on_the_cpu(here: Any) -> None:
    here([])
    assert VllmEngineConfig(tensor_parallel_size=1).replicas(QWEN3_32B) == [{}]


@pytest.mark.parametrize("setting", ["tensor_parallel_size", "data_parallel_size"])
def test_without_a_gpu_nothing_is_spread_over_gpus(here: Any, setting: str) -> None:
    here([])
    with pytest.raises(ConfigError, match="spread a model over GPUs, but there is no GPU"):
        VllmEngineConfig(**{setting: 4}).replicas(QWEN3_32B)


def test_without_vllm_it_is_said_how_to_get_it(here: Any) -> None:
    here(gpus(1, 80), installed=False)
    with pytest.raises(MissingError, match=r"engine=vllm needs the package vllm.*pip install 'har-llm\[vllm\]'"):
        VllmEngineConfig().replicas(QWEN3_8B)


@pytest.mark.parametrize(
    "settings",
    [
        {"tensor_parallel_size": 0},
        {"data_parallel_size": 0},
        {"max_num_seqs": 0},
        {"max_model_len": 0},
        {"max_loras": 0},
        {"cpu_kvcache_space": 0},
        {"gpu_memory_utilization": 0.0},
        {"gpu_memory_utilization": 0.99},
    ],
)
def test_what_cannot_be_is_refused_by_name(settings: dict[str, Any]) -> None:
    (name,) = settings
    with pytest.raises(ConfigError, match=rf"engine\.{name} is "):
        VllmEngineConfig(**settings).check()


def test_only_what_rounds_differently_is_in_the_keys() -> None:
    assert VllmEngineConfig().identity() == {}
    same = VllmEngineConfig(
        tensor_parallel_size=2,
        data_parallel_size=2,
        gpu_memory_utilization=0.5,
        max_num_seqs=1,
        max_model_len=99,
        max_loras=1,
        enforce_eager=True,
    )
    assert same.identity() == {}
    assert VllmEngineConfig(quantization="fp8").identity() == {"quantization": "fp8"}
    assert VllmEngineConfig(kv_cache_dtype="fp8").identity() == {"kv_cache_dtype": "fp8"}


def test_it_follows_all_of_decoding() -> None:
    assert set(VllmEngineConfig().follows()) == {"thinking_token_budget", "repetition_min_count", "structured"}


def test_the_shipped_choices_are_sound() -> None:
    assert load("engine/vllm", VllmEngineConfig) == VllmEngineConfig()
    VllmEngineConfig().check()


def test_quantised_weights_need_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_config, "gpus", lambda: gpus(2, 24))
    assert VllmEngineConfig(quantization="fp8_per_tensor").weights_share() == 0.5
    assert shape(gpus(2, 40), QWEN3_32B, quantization="bitsandbytes") == (2, 1)
    assert VllmEngineConfig().memory() == ("2 GPUs", 48 * GIB)
    assert VllmEngineConfig(tensor_parallel_size=1).memory() == ("the GPU", 24 * GIB)


def test_further_arguments_are_part_of_the_keys_and_plain() -> None:
    assert VllmEngineConfig(extra_args={"block_size": 64}).identity() == {"extra_args": {"block_size": 64}}
    with pytest.raises(ConfigError, match=r"engine\.extra_args\.block_size is nan; it must be a finite number"):
        VllmEngineConfig(extra_args={"block_size": float("nan")}).check()
