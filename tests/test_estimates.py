"""What a plan says of its cost: tokens counted or guessed, answers as long as those that are stored, hours once measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from har_llm import weights
from har_llm.engines import local, vllm
from har_llm.estimates import CHARACTERS_PER_TOKEN, Estimate, estimate
from har_llm.plan import make_plan
from har_llm.rates import Rate, note_rate
from har_llm.run import PreparedRun, prepare
from har_llm.store import Record
from tests.composing import experiment


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    weights._commit.cache_clear()


def prepared(tmp_path: Path, *overrides: str) -> PreparedRun:
    common = ("model=tiny_student", "engine=transformers", "engine.device=cpu", f"paths.outputs={tmp_path}")
    return prepare(experiment(*common, *overrides), planning=True)


def only(*runs: PreparedRun) -> Estimate:
    (estimated,) = estimate(make_plan(runs))
    return estimated


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
    assert (made.answer_tokens, made.time, made.download) == ("at most 1,536", "unknown", "-")
    assert any("no stored texts here" in note and "max_new_tokens" in note for note in made.notes)
    assert any("try limit=20 first" in note for note in made.notes)


def test_answers_are_expected_to_be_like_those_that_are_stored(tmp_path: Path) -> None:
    run = prepared(tmp_path, "limit=8")
    keep(run, 10, 30, 50)
    made = only(run)
    assert made.answer_tokens == "150", "five more, of 30 tokens each"
    assert not any("no stored texts" in note for note in made.notes)


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
    assert not any("Time is known" in note for note in made.notes)


def test_a_rate_serves_other_datasets_and_lengths_of_the_same_load(tmp_path: Path) -> None:
    (load,) = make_plan([prepared(tmp_path, "limit=1")]).loads
    (tmp_path / "store").mkdir()
    note_rate(tmp_path / "store", load.identity, Rate(0.0, 1.0, 1, 1))
    assert only(prepared(tmp_path, "limit=2", "dataset=simulated_house", "model.sampling.temperature=0.5")).time == "2 s"
    assert only(prepared(tmp_path, "limit=2", "engine.batch_size=1")).time == "unknown"


def test_a_model_out_of_reach_is_estimated_from_what_its_config_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(local, "free_memory", lambda place: 24e9)
    run = prepared(tmp_path, "model=qwen3_32b", "limit=2")
    made = only(run)
    assert made.download == "65.5 GB"
    assert made.answer_tokens == "at most 66 k"
    characters = sum(len(message["content"]) for request in run.requests for message in request.messages)
    assert made.prompt_tokens == f"{characters / CHARACTERS_PER_TOKEN:,.0f}"
    notes = " ".join(made.notes)
    assert "qwen3_32b needs about 72.1 GB, but memory here has 24.0 GB free." in notes
    assert "The hub does not say which version of Qwen/Qwen3-32B it has" in notes
    assert "estimated from the characters" in notes


def test_an_engine_without_a_model_downloads_nothing(tmp_path: Path) -> None:
    made = only(prepare(experiment("model=qwen3_32b", "engine=scripted", "limit=1", f"paths.outputs={tmp_path}")))
    assert made.download == "-"
    assert not any("GB" in note or "hub" in note for note in made.notes)


def test_a_tokenizer_that_cannot_be_read_is_estimated(tmp_path: Path) -> None:
    embedded = prepared(tmp_path).model.path
    assert embedded is not None
    shutil.copytree(embedded, tmp_path / "copy")
    (tmp_path / "copy" / "tokenizer.json").write_text(json.dumps({"version": "of another time"}))
    made = only(prepared(tmp_path, "model=custom", f"model.id={tmp_path / 'copy'}", "limit=1"))
    assert any("estimated from the characters" in note for note in made.notes)


def test_what_an_engine_lacks_here_is_a_note_and_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "has_gpu", lambda: False)
    monkeypatch.setattr(vllm, "installed", lambda: False)
    without_gpu = only(prepared(tmp_path, "engine.device=cuda", "limit=1"))
    assert "tiny_student: engine.device is 'cuda', but there is no GPU here" in without_gpu.notes[0]
    without_vllm = prepare(experiment("model=tiny_student", "engine=vllm", "limit=1", f"paths.outputs={tmp_path}"))
    assert "tiny_student: engine=vllm needs the package vllm" in only(without_vllm).notes[0]


def test_each_load_has_its_own_estimate_in_order(tmp_path: Path) -> None:
    plan = make_plan([prepared(tmp_path, "limit=1"), prepared(tmp_path, "limit=2", "model=tiny_teacher")])
    assert [made.answer_tokens for made in estimate(plan)] == ["at most 512", "at most 1,024"]
