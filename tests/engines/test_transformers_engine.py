"""The Transformers engine on the real embedded student, on a CPU."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    FalconH1Config,
    GPT2Config,
    LogitsProcessorList,
    MambaConfig,
    MambaForCausalLM,
    MinPLogitsWarper,
    PreTrainedConfig,
    Qwen3Config,
    Qwen3ForCausalLM,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from har_llm.common.errors import EngineError
from har_llm.common.hardware import Gpu
from har_llm.distill.trainer_choice import installed
from har_llm.engines.base import Adapter, Decoding, Generation, LoadedModel, Request
from har_llm.engines.seeded_sampling import SeededSampling
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.worker import open_engine
from har_llm.models import resolve
from har_llm.models.config import Sampling
from har_llm.models.footprint import cache_values_of
from har_llm.runs.prepare import read_recordings, render
from tests.altered_files import altered, without_a_layer
from tests.composing import experiment
from tests.lora_adapters import random_adapter

pytestmark = pytest.mark.slow

GREEDY = Sampling(temperature=0.0, max_new_tokens=60)
SAMPLED = Sampling(temperature=1.0, top_p=0.95, top_k=20, max_new_tokens=40)


THINKING = Decoding(GREEDY, {"enable_thinking": True})


def drawn(request: Request, sampling: Sampling) -> Request:
    return request._replace(decoding=request.decoding._replace(sampling=sampling))


@pytest.fixture(scope="module")
def requests() -> list[Request]:
    """Windows of different sizes, so that prompts differ in length."""
    made = []
    for size in (3, 10, 6):
        composed = experiment(f"window.events={size}", "limit=2")
        recordings = read_recordings(composed)
        made += [prompt.messages for prompt in render(composed, recordings, recordings.sessions, ())]
    return [Request(f"key{number}", messages, number, THINKING) for number, messages in enumerate(made)]


def loaded(**changes: Any) -> LoadedModel:
    path = resolve.resolve(experiment("model=tiny_student").model).path
    return dataclasses.replace(LoadedModel(str(path), "tiny", "float32", None, False), **changes)


def generated(
    requests: list[Request], sampling: Sampling, model: LoadedModel | None = None, **settings: Any
) -> dict[str, Generation]:
    engine = open_engine(TransformersEngineConfig(device="cpu", **settings), model or loaded())
    made = list(engine.generate([drawn(request, sampling) for request in requests]))
    engine.close()
    assert sorted(one.key for one in made) == sorted(one.key for one in requests)
    return {one.key: one for one in made}


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_a_generation_does_not_depend_on_the_batch(requests: list[Request], sampling: Sampling) -> None:
    together = generated(requests, sampling, batch_size=8)
    alone = generated(requests, sampling, batch_size=1)
    assert {key: one.text for key, one in together.items()} == {key: one.text for key, one in alone.items()}


def test_seeds_make_the_difference_between_samples(requests: list[Request]) -> None:
    same = [requests[0]._replace(key=f"seed{seed}", seed=seed) for seed in (1, 2, 3)]
    texts = {one.text for one in generated([*same, same[0]._replace(key="again")], SAMPLED).values()}
    assert 1 < len(texts) <= 3


def test_generations_are_reasoning_and_answer_with_counted_tokens(requests: list[Request]) -> None:
    made = generated(requests[2:3], Sampling(temperature=0.0, max_new_tokens=400))["key2"]
    assert made.text.startswith("<think>\n")
    assert "</think>" in made.text
    assert "<|im_end|>" not in made.text
    assert made.finish_reason == "stop"
    assert made.prompt_tokens > 100 > 0 < made.completion_tokens < 400


def test_a_generation_that_is_cut_says_so(requests: list[Request]) -> None:
    made = generated(requests[:1], Sampling(temperature=0.0, max_new_tokens=7))["key0"]
    assert (made.finish_reason, made.completion_tokens) == ("length", 7)


def test_a_prompt_beyond_the_context_is_refused(requests: list[Request]) -> None:
    with pytest.raises(EngineError, match=r"A prompt has \d+ tokens, but the model's context is 100; use smaller windows"):
        generated(requests, GREEDY, loaded(context=100))


def test_the_context_bounds_each_generation_by_itself(requests: list[Request]) -> None:
    lengths = {
        one.key: one.prompt_tokens for one in generated(requests, Sampling(temperature=0.0, max_new_tokens=1)).values()
    }
    context = max(lengths.values()) + 5
    together = generated(requests, GREEDY, loaded(context=context))
    for key, one in together.items():
        assert one.completion_tokens <= min(60, context - lengths[key])
    alone = generated(requests, GREEDY, loaded(context=context), batch_size=1)
    assert {key: one.text for key, one in together.items()} == {key: one.text for key, one in alone.items()}


def test_little_memory_makes_small_batches_and_the_same_generations(
    requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    from har_llm.engines import transformers_engine

    sizes = []
    original = Qwen3ForCausalLM.forward

    def counting(self: Any, input_ids: torch.Tensor, **arguments: Any) -> Any:
        sizes.append(len(input_ids))
        return original(self, input_ids=input_ids, **arguments)

    monkeypatch.setattr(Qwen3ForCausalLM, "forward", counting)
    whole = generated(requests, GREEDY)
    assert max(sizes) == len(requests)
    sizes.clear()
    # Room for the key-value cache of about one long prompt: 4 layers, 2 heads, 32 wide, float32, keys and values.
    monkeypatch.setattr(transformers_engine, "free_memory", lambda device: 500 * 4 * 2 * 32 * 4 * 2 / 0.8)
    small = generated(requests, GREEDY)
    assert max(sizes) < len(requests)
    assert {key: one.text for key, one in small.items()} == {key: one.text for key, one in whole.items()}


def test_an_adapter_that_does_not_fit_fails_its_own_requests_only(requests: list[Request], tmp_path: Path) -> None:
    own, others = (random_adapter(tmp_path / model, model=model) for model in ("tiny_student", "tiny_teacher"))
    fits, unfit = Adapter("fits", str(own)), Adapter("unfit", str(others))
    asked = [requests[0], *(requests[1]._replace(key=one.name, adapter=one) for one in (unfit, fits))]
    made = []
    with pytest.raises(EngineError, match=rf"{others}/adapter_model\.safetensors does not fit the model: its base_model"):
        made.extend(open_engine(TransformersEngineConfig(device="cpu"), loaded()).generate(asked))
    assert [one.key for one in made] == ["key0", "fits"]


@pytest.mark.parametrize(("tokenizer", "generation"), [("<|im_end|>", [0]), ("<|endoftext|>", [2])])
def test_a_generation_ends_at_the_end_token_of_either_file(
    requests: list[Request], tmp_path: Path, tokenizer: str, generation: list[int]
) -> None:
    """vLLM does so too, see `made` in its tests."""
    model = copied(tmp_path)
    change(Path(model.path) / "tokenizer_config.json", eos_token=tokenizer)
    change(Path(model.path) / "generation_config.json", eos_token_id=generation)
    made = generated(requests[:1], Sampling(temperature=0.0, max_new_tokens=400), model)["key0"]
    assert made.finish_reason == "stop" and made.completion_tokens < 400


def test_a_generation_ends_before_its_own_stop_string(requests: list[Request]) -> None:
    """Each row of a batch at its own, and nowhere else."""
    silent = Decoding(Sampling(temperature=0.0, max_new_tokens=200), {"enable_thinking": False})
    plain = [request._replace(decoding=silent) for request in requests[2:4]]
    stopped = [plain[0]._replace(key="third", stop=('"id": 2', '"id":2')), plain[1]._replace(key="never", stop=("nowhere",))]
    made = generated([*plain, *stopped], silent.sampling, batch_size=4)
    whole, cut = made[plain[0].key], made["third"]
    assert (cut.text, cut.finish_reason) == (whole.text.partition('"id": 2')[0], "ran_on")
    assert '"id": 1' in cut.text and cut.completion_tokens < whole.completion_tokens
    assert made["never"]._replace(key="", seconds=0) == made[plain[1].key]._replace(key="", seconds=0)


def test_a_model_without_some_of_its_weights_is_refused(tmp_path: Path) -> None:
    folder = altered(Path(loaded().path), tmp_path / "model", without_a_layer)
    with pytest.raises(
        EngineError, match=rf"{folder}/model\.safetensors lacks 11 of the model's 47 weights, first model\.lay"
    ):
        open_engine(TransformersEngineConfig(device="cpu"), loaded(path=str(folder)))


@pytest.mark.skipif(installed("optimum"), reason="optimum is installed")
def test_a_quantised_model_whose_package_is_missing_is_one_sentence(tmp_path: Path) -> None:
    model = copied(tmp_path)
    change(Path(model.path) / "config.json", quantization_config={"quant_method": "gptq", "bits": 4})
    with pytest.raises(EngineError, match=rf"^The model in {model.path} cannot be loaded: .*requires optimum"):
        open_engine(TransformersEngineConfig(device="cpu"), model)


@pytest.mark.skipif(not installed("bitsandbytes"), reason="bitsandbytes is not installed; .ci/run installs it")
def test_an_adapter_on_a_model_in_4_bits_changes_it_or_is_refused(requests: list[Request], tmp_path: Path) -> None:
    """Its files have packed weights of other shapes than its layers."""
    in_4_bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32)
    quantised = AutoModelForCausalLM.from_pretrained(loaded().path, quantization_config=in_4_bits, dtype=torch.float32)
    model = copied(tmp_path)
    quantised.save_pretrained(model.path)
    own = random_adapter(tmp_path / "own", model="tiny_student")
    unfit = altered(own, tmp_path / "unfit", lambda tensors: {f"other.{name}": one for name, one in tensors.items()})
    adapters = [Adapter(folder.name, str(folder)) for folder in (own, unfit)]
    plain = drawn(requests[0], Sampling(temperature=0.0, max_new_tokens=8))
    asked = [plain, *(plain._replace(key=one.name, adapter=one) for one in adapters)]
    made = {}
    with pytest.raises(
        EngineError, match=r"unfit/adapter_model\.safetensors does not fit the model: it has other\.base_model"
    ):
        for one in open_engine(TransformersEngineConfig(device="cpu"), model).generate(asked):
            made[one.key] = one.text
    assert made.keys() == {"key0", "own"} and made["key0"] != made["own"]


def test_without_thinking_the_template_closes_the_reasoning(requests: list[Request]) -> None:
    thinking = generated(requests[:1], GREEDY)["key0"]
    without = requests[0]._replace(decoding=Decoding(GREEDY, {"enable_thinking": False}))
    silent = generated([without], GREEDY)["key0"]
    assert silent.prompt_tokens > thinking.prompt_tokens
    assert not silent.text.startswith("<think>")


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def copied(tmp_path: Path) -> LoadedModel:
    original = loaded()
    shutil.copytree(original.path, tmp_path / "copy")
    return dataclasses.replace(original, path=str(tmp_path / "copy"))


def test_only_our_settings_shape_a_generation(requests: list[Request], tmp_path: Path) -> None:
    """A model's own generation_config.json may hold a repetition penalty, which no key of ours would know."""
    model = copied(tmp_path)
    change(Path(model.path) / "generation_config.json", repetition_penalty=1.8, num_beams=2)
    assert generated(requests[:2], GREEDY, model)["key0"].text == generated(requests[:2], GREEDY)["key0"].text


def test_a_model_without_attention_generates_the_same_in_any_batch(requests: list[Request], tmp_path: Path) -> None:
    """It has no attention heads, no key-value cache and no greatest length."""
    model = copied(tmp_path)
    vocabulary = json.loads((Path(model.path) / "config.json").read_text())["vocab_size"]
    torch.manual_seed(0)
    mamba = MambaForCausalLM(MambaConfig(vocab_size=vocabulary, hidden_size=64, num_hidden_layers=2, state_size=8))
    mamba.save_pretrained(model.path)
    together, alone = (generated(requests[:3], GREEDY, model, batch_size=size) for size in (8, 1))
    assert {key: one.text for key, one in together.items()} == {key: one.text for key, one in alone.items()}
    assert all(one.completion_tokens == GREEDY.max_new_tokens for one in together.values())


HEADS = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}


@pytest.mark.parametrize(
    ("config", "values"),
    [
        (GPT2Config(n_layer=3, n_head=4, n_embd=32), 2 * 3 * 32),  # has names of its own
        (FalconH1Config(**HEADS), 2 * 2 * 16),  # every layer has both attention and a state
        (Qwen3Config(**HEADS, layer_types=["linear_attention", "full_attention"]), 2 * 1 * 16),
        (MambaConfig(num_hidden_layers=2), 0),
        (PreTrainedConfig(num_attention_heads=4), math.inf),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_configuration_says_what_the_cache_keeps_of_a_token(config: PreTrainedConfig, values: float) -> None:
    assert cache_values_of(config) == values


def test_where_layers_differ_each_is_taken_for_the_largest() -> None:
    transformers = pytest.importorskip("transformers", minversion="5.17")
    config = transformers.Gemma4TextConfig(
        **HEADS, layer_types=["sliding_attention", "full_attention"], global_head_dim=16, hidden_size=32
    )
    assert cache_values_of(config) == 2 * 2 * 2 * 16


def test_a_model_without_a_chat_template_is_refused(requests: list[Request], tmp_path: Path) -> None:
    model = copied(tmp_path)
    (Path(model.path) / "chat_template.jinja").unlink()
    with pytest.raises(EngineError, match="has no chat template"):
        generated(requests[:1], GREEDY, model)


@pytest.mark.gpu
def test_on_a_gpu_generations_come_back_whole(requests: list[Request]) -> None:
    engine = open_engine(TransformersEngineConfig(device="cuda"), loaded())
    made = list(engine.generate(requests))
    assert sorted(one.key for one in made) == sorted(one.key for one in requests)
    assert all(one.text.startswith("<think>") for one in made)


def test_further_arguments_reach_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    models, original = [], AutoModelForCausalLM.from_pretrained

    def load(*arguments: Any, **named: Any) -> Any:
        models.append(original(*arguments, **named))
        return models[-1]

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", load)
    open_engine(TransformersEngineConfig(device="cpu", extra_args={"attn_implementation": "eager"}), loaded())
    ((model, _),) = models
    assert model.config._attn_implementation == "eager"


@pytest.mark.parametrize(
    ("extra_args", "told"),
    [
        ({"dtype": "float16"}, "engine.extra_args.dtype is an argument that har_llm sets itself"),
        ({"attn_implementaton": "eager"}, "'attn_implementaton'"),
    ],
)
def test_an_argument_that_is_ours_or_nobodys_is_refused_by_name(extra_args: dict[str, Any], told: str) -> None:
    with pytest.raises(EngineError, match=told):
        open_engine(TransformersEngineConfig(device="cpu", extra_args=extra_args), loaded())


def test_further_arguments_are_part_of_the_keys() -> None:
    plain, other = TransformersEngineConfig(), TransformersEngineConfig(extra_args={"attn_implementation": "eager"})
    assert plain.identity() == {} and other.identity() != TransformersEngineConfig(extra_args={"a": 1}).identity()


SETTINGS = [
    Sampling(temperature=1.0, top_p=1.0, top_k=0),
    Sampling(temperature=0.6, top_p=0.95, top_k=20),
    Sampling(temperature=0.7, top_p=0.5, top_k=0),
    Sampling(temperature=1.5, top_p=1.0, top_k=3),
    Sampling(temperature=1.0, top_p=1.0, top_k=0, min_p=0.2),
]


def probabilities_of_transformers(scores: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    warpers = LogitsProcessorList([TemperatureLogitsWarper(sampling.temperature)])
    if sampling.top_k:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        warpers.append(MinPLogitsWarper(sampling.min_p))
    return torch.softmax(warpers(torch.zeros(1, 1, dtype=torch.long), scores[None].clone()), dim=-1)[0]


def tokens_at(points: list[float], scores: torch.Tensor, sampling: Sampling, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The tokens that are drawn where the rows' generators give these numbers from 0 to 1."""
    given = iter(points)
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor([next(given)], dtype=torch.float64))
    rows = scores.expand(len(points), -1)
    chosen: list[int] = SeededSampling(sampling, range(len(points)))(torch.zeros(len(points), 1), rows).argmax(-1).tolist()
    return chosen


@pytest.mark.parametrize("sampling", SETTINGS, ids=str)
def test_tokens_are_drawn_as_transformers_would_draw_them(sampling: Sampling, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = torch.randn(40, generator=torch.Generator().manual_seed(3)) * 2
    count = 20_000
    points = [(place + 0.5) / count for place in range(count)]
    drawn = Counter(tokens_at(points, scores, sampling, monkeypatch))
    expected = probabilities_of_transformers(scores, sampling)
    shares = torch.tensor([drawn[token] / count for token in range(40)])
    assert torch.allclose(shares, expected.float(), atol=2e-3)


def test_a_row_does_not_depend_on_the_others() -> None:
    sampling = Sampling(temperature=1.0, top_p=0.9, top_k=10)
    scores = torch.randn(6, 50, generator=torch.Generator().manual_seed(1))
    ids = torch.zeros(6, 1, dtype=torch.long)
    together = SeededSampling(sampling, range(6))
    first, second = together(ids, scores).argmax(-1), together(ids, scores).argmax(-1)
    for row in range(6):
        alone = SeededSampling(sampling, [row])
        assert alone(ids[:1], scores[row : row + 1]).argmax(-1) == first[row]
        assert alone(ids[:1], scores[row : row + 1]).argmax(-1) == second[row]
    assert not torch.equal(first, SeededSampling(sampling, range(10, 16))(ids, scores).argmax(-1))


@pytest.mark.parametrize("point", [0.0, 0.5, 1 - 1e-12])
def test_the_ends_of_the_range_are_tokens_that_may_be_drawn(point: float, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = torch.tensor([[5.0, 1.0, 0.0, float("-inf")]])
    (token,) = tokens_at([point], scores, Sampling(temperature=1.0, top_p=0.99, top_k=0), monkeypatch)
    assert token in (0, 1)


def test_it_runs_on_the_gpu_whose_memory_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Gpu("0", "A", 8e10, 1e9), Gpu("1", "A", 8e10, 7e10)]
    monkeypatch.setattr("har_llm.engines.transformers_config.gpus", lambda: found)
    (environment,) = TransformersEngineConfig().replicas(None, 1)
    assert environment["CUDA_VISIBLE_DEVICES"] == "1"
    assert TransformersEngineConfig(device="cpu").replicas(None, 1) == [{}]
