"""What a plan costs: tokens, counted or estimated; answers as long as stored ones; hours once they are known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from har_llm.common.hardware import Gpu, assumed
from har_llm.distill import trainer_choice
from har_llm.engines import transformers_config, vllm_config
from har_llm.models import hub
from har_llm.models.footprint import Footprint
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import StudentRun
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import Record
from har_llm.sweep.estimates import CHARACTERS_PER_TOKEN, LoadEstimate, Place, TrainingEstimate, estimate
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.throughput import STEPS, Rate, note_rate
from tests.composing import experiment


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    hub.commit_of.cache_clear()


def prepared(tmp_path: Path, *overrides: str) -> PreparedRun:
    common = ("model=tiny_student", "engine=transformers", "engine.device=cpu", f"paths.outputs={tmp_path}")
    return prepare(experiment(*common, *overrides), planning=True)


def only(*runs: PreparedRun) -> LoadEstimate:
    (estimated,) = estimate(make_plan(runs, Stores()), Stores()).loads
    return estimated


def training(run: PreparedRun) -> TrainingEstimate:
    (estimated,) = estimate(make_plan([run], Stores()), Stores()).trainings
    return estimated


def keep(run: PreparedRun, *lengths: int) -> None:
    """Store generations of these lengths for the run's first windows."""
    (run.outputs / "store").mkdir(parents=True, exist_ok=True)
    with run.open_writer() as writer:
        for request, tokens in zip(run.requests, lengths, strict=False):
            writer.add(Record(request.key, "text", "stop", 1, tokens, 0.1, {}, kind=run.kind))


def counted(run: PreparedRun) -> int:
    assert run.model.path is not None
    tokenizer = Tokenizer.from_file(str(run.model.path / "tokenizer.json"))
    return sum(len(tokenizer.encode(message["content"])) for request in run.requests for message in request.messages)


def test_where_nothing_is_stored_answers_are_bounded_by_the_settings(tmp_path: Path) -> None:
    made = only(prepared(tmp_path, "limit=3"))
    assert (made.answer_tokens, made.answers_known, made.hours) == (3 * 512, False, None)
    assert (made.download, made.refusal, made.version_unknown, made.chosen_without_gpu) == (0, None, False, False)


def test_answers_are_expected_to_be_like_those_that_are_stored(tmp_path: Path) -> None:
    run = prepared(tmp_path, "limit=8")
    keep(run, 10, 30, 50)
    made = only(run)
    assert (made.answer_tokens, made.answers_known) == (150, True), "five more, of 30 tokens each"


def test_generations_of_other_runs_of_the_model_count_too(tmp_path: Path) -> None:
    keep(prepared(tmp_path, "limit=2", "dataset=simulated_house"), 40, 60)
    assert only(prepared(tmp_path, "limit=4")).answer_tokens == 200


@pytest.mark.parametrize(
    "other",
    [
        ("model.thinking=false", "model.sampling.max_new_tokens=20"),
        ("model.sampling.temperature=0.9",),
        ("prompt=direct",),
        ("window.events=3",),
    ],
)
def test_texts_of_another_kind_say_nothing_of_the_length(tmp_path: Path, other: tuple[str, ...]) -> None:
    """Two short answers without reasoning made a plan say 1,166 tokens and 3 min of 53 reasoning ones."""
    short, run = prepared(tmp_path, "limit=2", *other), prepared(tmp_path, "limit=4")
    assert short.model_identity == run.model_identity, "one store"
    keep(short, 12, 20)
    (load,) = make_plan([run], Stores()).loads
    note_rate(tmp_path / "store", load.identity, Rate(0.0, 2.0, 32))
    made = only(run)
    assert (made.answer_tokens, made.answers_known, made.hours, made.speed) == (4 * 512, False, None, 16)


def test_of_two_kinds_in_one_load_each_has_its_own_length(tmp_path: Path) -> None:
    one, other = prepared(tmp_path, "limit=3"), prepared(tmp_path, "limit=2", "window.events=3")
    keep(one, 100)
    made = only(one, other)
    assert (made.answer_tokens, made.answers_known) == (pytest.approx(2 * 100 + 2 * 512), False)
    keep(other, 30)
    made = only(one, other)
    assert (made.answer_tokens, made.answers_known) == (pytest.approx(2 * 100 + 30), True)


def test_a_runs_own_generations_count_whoever_stored_them(tmp_path: Path) -> None:
    """Those that were stored before kinds were noted."""
    run = prepared(tmp_path, "limit=3")
    with run.open_writer() as writer:
        writer.add(Record(run.requests[0].key, "text", "stop", 1, 50, 0.1, {}))
    assert (only(run).answer_tokens, only(run).answers_known) == (100, True)


def test_a_few_prompts_are_counted_to_the_token(tmp_path: Path) -> None:
    run = prepared(tmp_path, "limit=7")
    made = only(run)
    assert (made.prompt_tokens, made.prompts_counted) == (pytest.approx(counted(run)), True)


def test_of_many_prompts_some_are_counted(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    assert len(run.requests) > 3 * 20
    assert only(run).prompt_tokens == pytest.approx(counted(run), rel=0.05)


@pytest.mark.parametrize(
    ("rate", "seconds"), [(Rate(0.0, 1.0, 300), 1), (Rate(60.0, 60.0, 30), 660), (Rate(0.0, 1800.0, 30), 18000)]
)
def test_time_follows_from_what_was_measured(tmp_path: Path, rate: Rate, seconds: int) -> None:
    run = prepared(tmp_path, "limit=12")
    keep(run, 20, 40)
    (load,) = make_plan([run], Stores()).loads
    note_rate(tmp_path / "store", load.identity, rate)
    assert only(run).hours == pytest.approx(seconds / 3600)


def test_a_rate_serves_other_datasets_and_lengths_of_the_same_load(tmp_path: Path) -> None:
    (load,) = make_plan([prepared(tmp_path, "limit=1")], Stores()).loads
    (tmp_path / "store").mkdir()
    note_rate(tmp_path / "store", load.identity, Rate(0.0, 1.0, 10))
    other = prepared(tmp_path, "limit=4", "dataset=simulated_house", "model.sampling.temperature=0.5")
    assert only(other).speed == 10
    keep(other, 40, 60)
    assert only(other).hours == pytest.approx(2 * 50 / 10 / 3600)
    assert only(prepared(tmp_path, "limit=2", "engine.batch_size=1")).hours is None


def test_a_model_out_of_reach_is_estimated_from_what_its_config_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(transformers_config, "free_memory", lambda place: 24e9)
    run = prepared(tmp_path, "model=qwen3_32b", "limit=2")
    made = only(run)
    assert made.download == pytest.approx(65.5e9, rel=0.001) and made.answer_tokens == 2 * 32_768
    cached = (made.prompt_tokens + made.answer_tokens) * 2 * 64 * 8 * 128 * 2  # keys and values of 64 layers, in 16 bits
    assert made.memory == pytest.approx(72.1e9 + transformers_config.LIBRARIES + cached, rel=0.001)
    assert made.least_memory == pytest.approx(made.memory - cached / 2, rel=0.001), "for one of the two windows at a time"
    assert made.place == Place("memory", 24e9) and made.on_cpu
    characters = sum(len(message["content"]) for request in run.requests for message in request.messages)
    assert made.prompt_tokens == characters / CHARACTERS_PER_TOKEN and not made.prompts_counted
    assert made.version_unknown and made.refusal is None


def test_on_a_cpu_the_libraries_and_the_cache_take_memory_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1.4 GB were planned for a model that took 3.3 GB."""
    monkeypatch.setattr("har_llm.engines.vllm_config.installed", lambda: True)
    monkeypatch.setattr("har_llm.engines.vllm_config.gpus", list)
    made = only(prepare(experiment("model=tiny_student", "engine=vllm", "limit=1", f"paths.outputs={tmp_path}")))
    assert made.memory is not None and made.memory > vllm_config.LIBRARIES + 2 * 2**30 and made.on_cpu
    with assumed(1, 24):
        monkeypatch.setattr("har_llm.engines.vllm_config.gpus", lambda: [Gpu("0", "assumed", 24e9, 24e9)])
        made = only(prepare(experiment("model=tiny_student", "engine=vllm", "limit=1", f"paths.outputs={tmp_path}")))
    assert made.memory is not None and made.memory < 1e9 and not made.on_cpu


def test_an_engine_without_a_model_downloads_nothing(tmp_path: Path) -> None:
    made = only(prepare(experiment("model=qwen3_32b", "engine=scripted", "limit=1", f"paths.outputs={tmp_path}")))
    assert (made.download, made.memory, made.place) == (0, None, None)
    assert not made.version_unknown and not made.chosen_without_gpu


def test_a_tokenizer_that_cannot_be_read_is_estimated(tmp_path: Path) -> None:
    embedded = prepared(tmp_path).model.path
    assert embedded is not None
    shutil.copytree(embedded, tmp_path / "copy")
    (tmp_path / "copy" / "tokenizer.json").write_text(json.dumps({"version": "of another time"}))
    assert not only(prepared(tmp_path, "model=custom", f"model.id={tmp_path / 'copy'}", "limit=1")).prompts_counted


def test_why_an_engine_cannot_run_here_is_said_and_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformers_config, "has_gpu", lambda: False)
    monkeypatch.setattr(vllm_config, "installed", lambda: False)
    without_gpu = only(prepared(tmp_path, "engine.device=cuda", "limit=1"))
    assert without_gpu.refusal is not None and without_gpu.place is None
    assert "engine.device is 'cuda', but there is no GPU here" in without_gpu.refusal
    without_vllm = only(prepare(experiment("model=tiny_student", "engine=vllm", "limit=1", f"paths.outputs={tmp_path}")))
    assert without_vllm.refusal is not None and "engine=vllm needs the package vllm" in without_vllm.refusal


def test_a_number_format_that_the_gpu_lacks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformers_config, "gpus", lambda: [Gpu("0", "Tesla T4", 16e9, 16e9, 7.5)])
    monkeypatch.setattr(trainer_choice, "gpus", transformers_config.gpus)
    on_gpu = ("engine.device=auto", "limit=1", "lora=distilled_tiny", "lora.train_sessions=1")
    for dtype, refused in (("bfloat16", True), ("float16", False)):
        run = prepared(
            tmp_path, *on_gpu, f"model.dtype={dtype}", f"lora.teacher.dtype={dtype}", "lora.training.optim=adamw_torch"
        )
        made = estimate(make_plan([run], Stores()), Stores())
        for told in (one.refusal for one in (*made.loads, *made.trainings)):
            assert (told is not None and "lacks (Tesla T4: compute capability 7.5" in told) == refused, told


def test_each_load_has_its_own_estimate_in_order(tmp_path: Path) -> None:
    plan = make_plan([prepared(tmp_path, "limit=1"), prepared(tmp_path, "limit=2", "model=tiny_teacher")], Stores())
    made = estimate(plan, Stores()).loads
    assert [one.load for one in made] == list(plan.loads) and [one.answer_tokens for one in made] == [512, 1024]


def test_what_has_to_be_fetched_is_summed_once_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    runs = [prepared(tmp_path, "limit=1", "dataset=simulated_house", "model=qwen3_32b")]
    runs += [prepared(tmp_path, "limit=1", f"model={name}") for name in ("qwen3_32b", "qwen3_0.6b", "tiny_student")]
    monkeypatch.setattr("har_llm.sweep.estimates.download_place", lambda: (tmp_path, 1e12))
    needed = estimate(make_plan(runs, Stores()), Stores()).downloads
    assert needed is not None and needed.known == pytest.approx(66.7e9, rel=0.001)
    assert (needed.complete, needed.folder, needed.free) == (True, tmp_path, 1e12)
    assert estimate(make_plan(runs[3:], Stores()), Stores()).downloads is None
    runs.append(prepared(tmp_path, "limit=1", "model=custom", "model.id=owner/name"))
    needed = estimate(make_plan(runs, Stores()), Stores()).downloads
    assert needed is not None and needed.known == pytest.approx(66.7e9, rel=0.001) and not needed.complete


def test_a_training_is_estimated_from_the_teachers_windows(tmp_path: Path) -> None:
    few = (
        "++dataset.sessions.count=4",
        "++dataset.paper_split={4: 3}",
        "lora=distilled_tiny",
        "lora.training.max_steps=120",
        "limit=1",
    )
    run = prepared(tmp_path, *few)
    assert isinstance(run, StudentRun)
    made = training(run)
    assert (made.recipe, made.examples, made.hours) == (run.recipe, len(run.recipe.teacher.prompts), None)
    (tmp_path / "store").mkdir()
    note_rate(tmp_path / "store", run.recipe.work, Rate(60.0, 30.0, 10, STEPS))
    assert training(run).hours == pytest.approx(7 / 60), "a minute, and 120 steps of 3 s"
    other = prepared(tmp_path, *few, "++lora.training.r=8")
    assert training(other).hours is None


def test_in_4_bits_the_embeddings_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = "model.parameters=596049920"
    run = prepared(tmp_path, "lora=distilled_tiny", "lora.training.load_in_4bit=true", size, "limit=1")
    embedded = 151_936 * 1024
    monkeypatch.setattr(ResolvedModel, "footprint", Footprint(4 * 596_049_920, 4 * embedded))
    made = training(run)
    assert made.weights == pytest.approx(2 * (embedded + 0.28 * (596_049_920 - embedded))) and made.embeddings_known
    monkeypatch.setattr(ResolvedModel, "footprint", Footprint(4 * 596_049_920))
    made = training(run)
    assert made.weights == pytest.approx(2 * 0.28 * 596_049_920) and not made.embeddings_known


def test_why_a_training_cannot_be_done_here_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_llm.distill.trainer_choice.has_gpu", lambda: False)
    made = training(prepared(tmp_path, "lora=distilled_tiny", "lora.trainer=unsloth", "limit=1"))
    assert made.refusal is not None and "lora.trainer is 'unsloth', but there is no GPU here" in made.refusal


def test_an_engine_chosen_for_want_of_a_gpu_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def noticed(model: str) -> bool:
        run = prepare(experiment(f"model={model}", "limit=1", f"paths.outputs={tmp_path}"), planning=True)
        return only(run).chosen_without_gpu

    monkeypatch.setattr("har_llm.sweep.estimates.has_gpu", lambda: False)
    assert noticed("qwen3_32b") and not noticed("tiny_student"), "the embedded models need no GPU"
    monkeypatch.setattr("har_llm.sweep.estimates.has_gpu", lambda: True)
    assert not noticed("qwen3_32b")


def test_a_plan_for_given_gpus_names_a_layout_for_each_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(vllm_config, "installed", lambda: False)
    with assumed(2, 80):
        settings = ("model=qwen3_32b", "limit=1", f"paths.outputs={tmp_path}")
        made = only(prepare(experiment(*settings), planning=True))
    assert (made.load.engine.engine_name, made.refusal, made.chosen_without_gpu) == ("vLLM", None, False)
    assert made.layout is not None and made.layout.in_words() == "1 x 2 GPUs"
    assert 33_000 < made.layout.tokens < 34_500, "a prompt of one window, and 32,768 new tokens"
