"""vLLM's settings: how a model is spread over the GPUs that are there. Pure; vLLM itself is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.hardware import Gpu
from har_llm.engines import vllm_config
from har_llm.engines.layout import VISIBLE, Layout
from har_llm.engines.vllm_config import QUANTIZED, VllmEngineConfig
from har_llm.models.config import ModelConfig
from har_llm.models.footprint import Footprint, footprint
from tests.helpers import load

QWEN3_32B = Footprint(65.5e9)
QWEN3_8B = Footprint(16.4e9)
TOKENS = 33_600
GIB = 2**30


def gpus(count: int, gib: int) -> list[Gpu]:
    return [Gpu(str(number), "NVIDIA A", gib * GIB, gib * GIB) for number in range(count)]


def shape(found: Sequence[Gpu], size: Footprint | None, **settings: Any) -> tuple[int, int]:
    """Copies of the model, and the GPUs of each."""
    groups = VllmEngineConfig(**settings).groups(found, size, TOKENS)
    used = [gpu.id for group in groups for gpu in group]
    assert len(set(used)) == len(used), "no GPU has two copies"
    (each,) = {len(group) for group in groups}
    return len(groups), each


@pytest.mark.parametrize(
    ("count", "gib", "size", "expected"),
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
    count: int, gib: int, size: Footprint | None, expected: tuple[int, int]
) -> None:
    assert shape(gpus(count, gib), size) == expected


def test_the_smallest_gpu_decides() -> None:
    assert shape([*gpus(3, 80), Gpu("3", "NVIDIA B", 24 * GIB, 24 * GIB)], QWEN3_32B) == (1, 4)


@pytest.mark.parametrize("count", range(1, 17))
@pytest.mark.parametrize("weight_bytes", [1e9, 16e9, 65e9, 140e9, 1e12])
def test_a_copy_is_spread_over_a_power_of_two_and_holds_its_weights_if_it_can(count: int, weight_bytes: float) -> None:
    copies, size = shape(gpus(count, 40), Footprint(weight_bytes))
    assert size & (size - 1) == 0
    assert copies == count // size >= 1
    holds = size * 40 * GIB * 0.9 * VISIBLE >= 1.25 * weight_bytes
    assert holds or size * 2 > count
    assert size == 1 or size // 2 * 40 * GIB * 0.9 * VISIBLE < 1.25 * weight_bytes


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
        VllmEngineConfig(**settings).groups(gpus(2, 80), QWEN3_8B, TOKENS)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Any:
    def place(found: Sequence[Gpu], *, installed: bool = True) -> None:
        monkeypatch.setattr(vllm_config, "gpus", lambda: found)
        monkeypatch.setattr(vllm_config, "installed", lambda: installed)

    return place


def test_each_copy_sees_its_own_gpus_only(here: Any) -> None:
    here(gpus(8, 80))
    environments = VllmEngineConfig().replicas(QWEN3_32B, TOKENS)
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in environments] == ["0,1", "2,3", "4,5", "6,7"]
    assert {environment["HAR_LLM_TENSOR_PARALLEL"] for environment in environments} == {"2"}


def test_gpus_keep_the_names_that_the_user_chose_among(here: Any) -> None:
    here([gpu._replace(id=name) for gpu, name in zip(gpus(2, 80), ("5", "7"), strict=True)])
    environments = VllmEngineConfig().replicas(QWEN3_8B, TOKENS)
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in environments] == ["5", "7"]


def test_without_a_gpu_one_process_runs_on_the_cpu(here: Any) -> None:
    here([])
    assert VllmEngineConfig(tensor_parallel_size=1).replicas(QWEN3_32B, TOKENS) == [{}]


def test_on_a_cpu_few_sequences_share_the_time_so_that_a_kill_keeps_what_is_finished(here: Any) -> None:
    """With 80 of 80 windows begun at once, none was finished when the process was killed after 157 s."""
    here([])
    assert VllmEngineConfig().sequences_at_once() == 8
    assert VllmEngineConfig(max_num_seqs=80).sequences_at_once() == 80
    here(gpus(1, 80))
    assert VllmEngineConfig().sequences_at_once() == 256


@pytest.mark.parametrize("setting", ["tensor_parallel_size", "data_parallel_size"])
def test_without_a_gpu_nothing_is_spread_over_gpus(here: Any, setting: str) -> None:
    here([])
    with pytest.raises(ConfigError, match="spread a model over GPUs, but there is no GPU"):
        VllmEngineConfig(**{setting: 4}).replicas(QWEN3_32B, TOKENS)


def test_without_vllm_it_is_said_how_to_get_it(here: Any) -> None:
    here(gpus(1, 80), installed=False)
    with pytest.raises(MissingError, match=r"engine=vllm needs the package vllm.*pip install -e '\.\[vllm\]'"):
        VllmEngineConfig().replicas(QWEN3_8B, TOKENS)


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
    assert VllmEngineConfig(quantization="fp8_per_block").identity() == {"quantization": "fp8_per_block"}
    assert VllmEngineConfig(kv_cache_dtype="fp8").identity() == {"kv_cache_dtype": "fp8"}


def test_it_follows_all_of_decoding() -> None:
    assert set(VllmEngineConfig().follows()) == {"thinking_token_budget", "repetition_min_count", "structured"}


def test_the_shipped_choices_are_sound() -> None:
    assert load("engine/vllm", VllmEngineConfig) == VllmEngineConfig()
    VllmEngineConfig().check()


@pytest.mark.parametrize(("size", "share"), [("0.6b", 0.63), ("1.7b", 0.59), ("4b", 0.55), ("14b", 0.55), ("32b", 0.52)])
def test_quantised_weights_need_less_but_for_embeddings_and_head(size: str, share: float) -> None:
    whole = preset(size)
    for method in QUANTIZED:
        loaded = VllmEngineConfig(quantization=method).loaded_bytes(whole)
        assert loaded / whole.weights == pytest.approx(share, abs=0.006)
    assert VllmEngineConfig().loaded_bytes(whole) == whole.weights


@pytest.mark.parametrize("method", ["bitsandbytes", "fp8", "awq"])
def test_what_vllm_does_not_quantise_to_on_loading_is_refused(method: str) -> None:
    with pytest.raises(ConfigError, match=rf"engine\.quantization is '{method}'; on loading vLLM 0\.32 quantises to fp8"):
        VllmEngineConfig(quantization=method).check()
    VllmEngineConfig(quantization="fp8_per_channel").check()


def test_the_memory_is_that_of_the_gpus_that_a_copy_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_config, "gpus", lambda: gpus(2, 24))
    assert VllmEngineConfig().memory() == ("2 GPUs", 48 * GIB)
    assert VllmEngineConfig(tensor_parallel_size=1).memory() == ("the GPU", 24 * GIB)


def preset(size: str) -> Footprint:
    found = footprint(load(f"model/qwen3_{size}", ModelConfig), None)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("size", "weights", "cache"),
    [("0.6b", 1.11, 112), ("1.7b", 3.20, 112), ("4b", 7.49, 144), ("8b", 15.3, 144), ("14b", 27.5, 160), ("32b", 61.0, 256)],
)
def test_weights_in_gib_and_cache_in_kib_a_token_of_each_preset(size: str, weights: float, cache: int) -> None:
    found = preset(size)
    assert found.weights / GIB == pytest.approx(weights, abs=0.05) and found.cache == cache * 1024


def planned(here: Any, count: int, gib: int, size: str, **settings: Any) -> Layout:
    here(gpus(count, gib))
    made = VllmEngineConfig(**settings).layout(preset(size), TOKENS)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("gib", "size", "settings", "low", "high"),
    [
        (80, "32b", {}, 30_000, 32_000),
        (24, "8b", {"gpu_memory_utilization": 0.92}, 26_000, 29_000),
        (24, "14b", {"gpu_memory_utilization": 0.92, "quantization": "fp8_per_tensor"}, 24_000, 33_000),
    ],
)
def test_the_longest_text_is_as_long_as_vllm_has_room_for(
    here: Any, gib: int, size: str, settings: dict[str, Any], low: int, high: int
) -> None:
    made = planned(here, 1, gib, size, **settings)
    assert made.room is not None and low < made.room < high and not made.starts


@pytest.mark.parametrize(
    ("count", "gib", "starting"),
    [
        (1, 80, {"0.6b": (1, 1), "1.7b": (1, 1), "4b": (1, 1), "8b": (1, 1), "14b": (1, 1), "32b": None}),
        (2, 80, {"0.6b": (1, 2), "1.7b": (1, 2), "4b": (1, 2), "8b": (1, 2), "14b": (1, 2), "32b": (2, 1)}),
        (1, 24, {"0.6b": (1, 1), "1.7b": (1, 1), "4b": (1, 1), "8b": None, "14b": None, "32b": None}),
    ],
)
def test_each_preset_starts_as_planned_or_it_is_said_what_would(
    here: Any, count: int, gib: int, starting: dict[str, tuple[int, int] | None]
) -> None:
    for size, expected in starting.items():
        made = planned(here, count, gib, size)
        assert ((made.size, made.copies) if made.starts else None) == expected, size
        assert bool(made.remedies) != made.starts


def test_what_would_start_is_named(here: Any) -> None:
    assert planned(here, 1, 24, "8b").lack() == (
        "does not start: a prompt and its generation may have 33,600 tokens, but beside the weights 1 GPU would have room "
        "for 24,594. It would start with 2 such GPUs, or with engine=vllm engine.quantization=fp8_per_channel, or with "
        "model.sampling.max_new_tokens lower by 9,006."
    )
    assert planned(here, 1, 24, "32b").lack() == (
        "does not start: the weights leave no room on 1 GPU. It would start with 4 such GPUs."
    )
    assert planned(here, 1, 24, "32b").impossible and not planned(here, 1, 80, "32b").impossible


def test_memory_that_others_have_taken_is_not_counted_on(here: Any) -> None:
    busy = [gpu._replace(free=60 * GIB) for gpu in gpus(1, 80)]
    here(busy)
    (environment,) = VllmEngineConfig().replicas(preset("14b"), TOKENS)
    assert environment["HAR_LLM_GPU_MEMORY"] == "0.74"
    made = VllmEngineConfig().layout(preset("14b"), TOKENS)
    assert made is not None and made.room == pytest.approx(27.5 * GIB / 160 / 1024, rel=0.1)


def test_further_arguments_are_part_of_the_keys_and_plain() -> None:
    assert VllmEngineConfig(extra_args={"block_size": 64}).identity() == {"extra_args": {"block_size": 64}}
    with pytest.raises(ConfigError, match=r"engine\.extra_args\.block_size is nan; it must be a finite number"):
        VllmEngineConfig(extra_args={"block_size": float("nan")}).check()
