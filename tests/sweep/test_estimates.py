"""What a plan says of its cost: tokens counted or guessed, answers as long as those that are stored, hours once measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from har_llm.engines import transformers_config, vllm_config
from har_llm.models import hub, resolve
from har_llm.runs.prepare import prepare
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import Record
from har_llm.sweep.estimates import CHARACTERS_PER_TOKEN, Estimate, all_notes, downloads, estimate, estimate_trainings
from har_llm.sweep.plan import make_plan
from har_llm.sweep.throughput import Rate, note_rate
from tests.composing import experiment


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    hub.commit_of.cache_clear()


def prepared(tmp_path: Path, *overrides: str) -> PreparedRun:
    common = ("model=tiny_student", "engine=transformers", "engine.device=cpu", f"paths.outputs={tmp_path}")
    return prepare(experiment(*common, *overrides), planning=True)


def only(*runs: PreparedRun) -> Estimate:
    (estimated,) = estimate(make_plan(runs))
    return estimated


def notes(*made: Estimate) -> list[str]:
    return all_notes(made)


def keep(run: PreparedRun, *lengths: int) -> None:
    """Store texts of these lengths for the run's first windows."""
    (run.outputs / "store").mkdir(parents=True, exist_ok=True)
    with run.open_writer() as writer:
        for request, tokens in zip(run.requests, lengths, strict=False):
            writer.add(Record(request.key, "text", "stop", 1, tokens, 0.1, {}))


def counted(run: PreparedRun) -> int:
    assert run.model.path is not None
    tokenizer = Tokenizer.from_file(str(run.model.path / "tokenizer.json"))
    return sum(len(tokenizer.encode(message["content"])) for request in run.requests for message in request.messages)


def test_where_nothing_is_stored_answers_are_bounded_by_the_settings(tmp_path: Path) -> None:
    made = only(prepared(tmp_path, "limit=3"))
    assert (made.answer_tokens, made.download) == ("at most 1,536", "-")
    assert made.time == "unknown; at most 2 s at 1,000 tokens/s"
    assert any("no stored generations here" in note and "max_new_tokens" in note for note in notes(made))
    assert any("try limit=20 there" in note for note in notes(made))


def test_answers_are_expected_to_be_like_those_that_are_stored(tmp_path: Path) -> None:
    run = prepared(tmp_path, "limit=8")
    keep(run, 10, 30, 50)
    made = only(run)
    assert made.answer_tokens == "150", "five more, of 30 tokens each"
    assert not any("no stored generations" in note for note in notes(made))
    assert made.time == "unknown; 0 s at 1,000 tokens/s"


def test_texts_of_other_runs_of_the_model_count_too(tmp_path: Path) -> None:
    keep(prepared(tmp_path, "limit=2", "dataset=simulated_house"), 40, 60)
    assert only(prepared(tmp_path, "limit=4")).answer_tokens == "200"


def test_a_few_prompts_are_counted_to_the_token(tmp_path: Path) -> None:
    run = prepared(tmp_path, "limit=7")
    assert only(run).prompt_tokens == f"{counted(run):,}"


def test_of_many_prompts_some_are_counted(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    assert len(run.requests) > 3 * 20
    said = only(run).prompt_tokens
    assert said.endswith(" k")
    assert float(said.removesuffix(" k")) * 1e3 == pytest.approx(counted(run), rel=0.05)


@pytest.mark.parametrize(
    ("rate", "said"),
    [(Rate(0.0, 1.0, 10, 1), "1 s"), (Rate(60.0, 60.0, 1, 1), "11 min"), (Rate(0.0, 1800.0, 1, 1), "5.0 h")],
)
def test_time_follows_from_what_was_measured(tmp_path: Path, rate: Rate, said: str) -> None:
    run = prepared(tmp_path, "limit=10")
    (load,) = make_plan([run]).loads
    (tmp_path / "store").mkdir()
    note_rate(tmp_path / "store", load.identity, rate)
    made = only(run)
    assert made.time == said
    assert not any("hours are known" in note for note in notes(made))


def test_a_rate_serves_other_datasets_and_lengths_of_the_same_load(tmp_path: Path) -> None:
    (load,) = make_plan([prepared(tmp_path, "limit=1")]).loads
    (tmp_path / "store").mkdir()
    note_rate(tmp_path / "store", load.identity, Rate(0.0, 1.0, 1, 1))
    assert only(prepared(tmp_path, "limit=2", "dataset=simulated_house", "model.sampling.temperature=0.5")).time == "2 s"
    assert only(prepared(tmp_path, "limit=2", "engine.batch_size=1")).time.startswith("unknown")


def test_a_model_out_of_reach_is_estimated_from_what_its_config_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(transformers_config, "free_memory", lambda place: 24e9)
    run = prepared(tmp_path, "model=qwen3_32b", "limit=2")
    made = only(run)
    assert made.download == "65.5 GB"
    assert made.answer_tokens == "at most 66 k"
    characters = sum(len(message["content"]) for request in run.requests for message in request.messages)
    assert made.prompt_tokens == f"{characters / CHARACTERS_PER_TOKEN:,.0f}"
    said = " ".join(notes(made))
    assert "qwen3_32b: needs about 72.1 GB, but memory here has 24.0 GB free." in said and made.memory == "72.1 GB"
    assert "qwen3_32b: the hub does not say which version it has" in said
    assert "estimated from the characters" in said
    assert made.time == "unknown; at most 1 min at 1,000 tokens/s"


def test_an_engine_without_a_model_downloads_nothing(tmp_path: Path) -> None:
    made = only(prepare(experiment("model=qwen3_32b", "engine=scripted", "limit=1", f"paths.outputs={tmp_path}")))
    assert made.download == "-"
    assert not any("GB" in note or "hub" in note for note in notes(made))


def test_a_tokenizer_that_cannot_be_read_is_estimated(tmp_path: Path) -> None:
    embedded = prepared(tmp_path).model.path
    assert embedded is not None
    shutil.copytree(embedded, tmp_path / "copy")
    (tmp_path / "copy" / "tokenizer.json").write_text(json.dumps({"version": "of another time"}))
    made = only(prepared(tmp_path, "model=custom", f"model.id={tmp_path / 'copy'}", "limit=1"))
    assert any("estimated from the characters" in note for note in notes(made))


def test_what_an_engine_lacks_here_is_a_note_and_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformers_config, "has_gpu", lambda: False)
    monkeypatch.setattr(vllm_config, "installed", lambda: False)
    without_gpu = only(prepared(tmp_path, "engine.device=cuda", "limit=1"))
    assert "tiny_student: engine.device is 'cuda', but there is no GPU here" in notes(without_gpu)[0]
    without_vllm = prepare(experiment("model=tiny_student", "engine=vllm", "limit=1", f"paths.outputs={tmp_path}"))
    assert "tiny_student: engine=vllm needs the package vllm" in notes(only(without_vllm))[0]


def test_each_load_has_its_own_estimate_in_order(tmp_path: Path) -> None:
    plan = make_plan([prepared(tmp_path, "limit=1"), prepared(tmp_path, "limit=2", "model=tiny_teacher")])
    assert [made.answer_tokens for made in estimate(plan)] == ["at most 512", "at most 1,024"]


def test_a_note_about_several_models_is_said_once(tmp_path: Path) -> None:
    plan = make_plan([prepared(tmp_path, "limit=1"), prepared(tmp_path, "limit=2", "model=tiny_teacher")])
    said = notes(*estimate(plan))
    assert len(said) == len(set(said)) == 2
    assert all(note.startswith("tiny_student, tiny_teacher: ") for note in said)


def test_what_has_to_be_fetched_is_summed_once_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    runs = [prepared(tmp_path, "limit=1", "dataset=simulated_house", "model=qwen3_32b")]
    runs += [prepared(tmp_path, "limit=1", f"model={name}") for name in ("qwen3_32b", "qwen3_0.6b", "tiny_student")]
    for free, verdict in ((1e12, "1000.0 GB are free"), (50e9, "50.0 GB are free: too little")):
        monkeypatch.setattr("har_llm.sweep.estimates.download_place", lambda free=free: (tmp_path, free))
        said = downloads(make_plan(runs))
        assert said is not None and said.startswith("downloads: 66.7 GB in all") and said.endswith(verdict)
    assert downloads(make_plan(runs[3:])) is None


def test_a_training_is_estimated_from_the_teachers_windows(tmp_path: Path) -> None:
    few = (
        "++dataset.sessions.count=4",
        "++dataset.paper_split={4: 3}",
        "lora=distilled_tiny",
        "lora.training.max_steps=120",
        "limit=1",
    )
    run = prepared(tmp_path, *few)
    assert run.recipe is not None
    (made,) = estimate_trainings(make_plan([run]))
    windows = len(run.recipe.teacher.prompts)
    assert (made.examples, made.time) == (windows, "unknown")
    assert made.epochs == run.recipe.lora.training.epochs_in_words(windows)
    said = all_notes([made])
    assert any("try lora.training.max_steps=10 there" in note for note in said)
    assert any("is not estimated" in note for note in said), "memory"
    (tmp_path / "store").mkdir()
    note_rate(tmp_path / "store", run.recipe.work, Rate(60.0, 30.0, 10, 0))
    (measured,) = estimate_trainings(make_plan([run]))
    assert measured.time == "7 min", "a minute, and 120 steps of 3 s"
    other = prepared(tmp_path, *few, "++lora.training.r=8")
    assert estimate_trainings(make_plan([other]))[0].time == "unknown"


def test_in_4_bits_the_embeddings_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said() -> str:
        run = prepared(
            tmp_path, "lora=distilled_tiny", "lora.training.load_in_4bit=true", "model.parameters=596049920", "limit=1"
        )
        (made,) = estimate_trainings(make_plan([run]))
        return made.weights

    monkeypatch.setattr("har_llm.sweep.estimates.embedding_count", lambda model: 151_936 * 1024)
    assert said() == "0.6 GB", "of Qwen3-0.6B, 311 MB of them embeddings"
    monkeypatch.setattr("har_llm.sweep.estimates.embedding_count", lambda model: None)
    assert said() == "at least 0.3 GB"


def test_embeddings_are_counted_once_where_the_head_shares_them(tmp_path: Path) -> None:
    shape = {"vocab_size": 100, "hidden_size": 8}
    model = resolve.ResolvedModel(prepared(tmp_path).experiment.model, "files-0", tmp_path)
    assert resolve.embedding_count(model) is None
    for config, count in (
        ({**shape, "tie_word_embeddings": True}, 800),
        ({**shape, "tie_word_embeddings": False}, 1600),
        ({"text_config": shape, "tie_word_embeddings": False}, 1600),
        ({}, None),
    ):
        (tmp_path / "config.json").write_text(json.dumps(config))
        assert resolve.embedding_count(model) == count


def test_what_a_training_lacks_here_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_llm.distill.trainer_choice.has_gpu", lambda: False)
    (made,) = estimate_trainings(make_plan([prepared(tmp_path, "lora=distilled_tiny", "lora.trainer=unsloth", "limit=1")]))
    assert "tiny_student: lora.trainer is 'unsloth', but there is no GPU here" in all_notes([made])[0]


def test_a_plan_made_without_a_gpu_says_that_it_is_for_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def said(model: str) -> bool:
        run = prepare(experiment(f"model={model}", "limit=1", f"paths.outputs={tmp_path}"), planning=True)
        return any("engine=vllm_a100 plans for a machine that has some" in note for note in notes(only(run)))

    monkeypatch.setattr("har_llm.sweep.estimates.has_gpu", lambda: False)
    assert said("qwen3_32b") and not said("tiny_student"), "the embedded models need no GPU"
    monkeypatch.setattr("har_llm.sweep.estimates.has_gpu", lambda: True)
    assert not said("qwen3_32b")
