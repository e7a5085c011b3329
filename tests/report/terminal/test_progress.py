"""Progress is shown once, wherever it goes; a failure is told in full once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from har_llm.common.errors import EngineError
from har_llm.distill.examples import Example, Selection
from har_llm.distill.training_messages import LongExamples, TrainingStart
from har_llm.engines.base import Generation
from har_llm.report.terminal.progress import LiveProgress
from har_llm.runs.prepare import prepare
from har_llm.runs.run import PreparedRun
from har_llm.sweep.job import Job
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from tests.composing import experiment


def test_progress_without_a_terminal_is_a_few_plain_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [prepare(experiment(f"model={name}", "limit=2", f"paths.outputs={tmp_path}")) for name in TINY]
    plan = make_plan(runs, Stores())
    with LiveProgress() as progress:
        progress.planned(plan)
        for load in plan.loads:
            progress.loading(load)
            for request in load.requests:
                progress.generated(Generation(request.key, "text", "stop", 10, 5, 0.1))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" on ")[0] for line in lines[::2]] == ["model 1 of 2: tiny_student", "model 2 of 2: tiny_teacher"]
    assert "(synthetic home, synthetic model); engine: Transformers, because there is no GPU here" in lines[0]
    assert "; 2 generations to make" in lines[0]
    assert [line.rpartition(", ")[0] for line in lines[1::2]] == [
        f"{name} on simulated_flat: 2 of 2 generations" for name in TINY
    ]
    assert len(lines) == 4


def test_what_is_to_be_known_of_a_models_files_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [prepare(experiment("model=tiny_student", f"limit={n}", f"paths.outputs={tmp_path}")) for n in (1, 2)]
    monkeypatch.setattr(PreparedRun, "notes", ["it is a folder here."])
    with LiveProgress() as progress:
        progress.loading(make_plan(runs, Stores()).loads[0])
    assert capsys.readouterr().err.count("tiny_student: it is a folder here.\n") == 1


def test_of_a_server_nobody_says_that_a_model_is_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("engine=openai", "engine.base_url=http://127.0.0.1:9/v1", "limit=2", f"paths.outputs={tmp_path}")
    (load,) = make_plan([prepare(experiment("model=tiny_student", *asked))], Stores()).loads
    with LiveProgress() as progress:
        progress.loading(load)
    assert "; engine: OpenAI; 2 generations to make, asking http://127.0.0.1:9/v1" in capsys.readouterr().err


def test_a_training_says_what_is_trained_and_on_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    distilled = ("model=tiny_student", "lora=distilled_tiny", "lora.training.max_steps=120", f"paths.outputs={tmp_path}")
    recipe = prepare(experiment(*distilled)).recipe
    assert recipe is not None
    examples = [Example(f"window s#{number}", (), "text") for number in range(126)]
    selection = Selection(examples, 126, {}, False)
    start = TrainingStart(20_185_088, 616_235_008, tokens=400_000, optimizer="adamw_8bit")
    fewer_examples = selection.without_long(LongExamples(((0, 9999),), 4096, can_read_more=True), "leave_out")
    with LiveProgress() as progress:
        progress.training_starts(recipe, selection, 0)
        progress.training_described(recipe, selection, start)
        progress.training_starts(recipe, selection, 50)
        progress.training_described(recipe, fewer_examples, replace(start, note="it restarts from step 1"))
        progress.training_ends(recipe)
    begun, trained, again, fewer, restarts, _, ends = (
        line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()
    )
    assert begun == "126 of 126 generations of the teacher are used for training; 120 steps of 8, epochs: 7.5 (8 begun)"
    assert trained == "20,185,088 of 616,235,008 parameters are trained (3.28 %), on 400,000 tokens"
    assert again.endswith("it resumes near step 50")
    assert restarts == "it restarts from step 1"
    assert ends == f"its adapter is in {recipe.folder}, for lora.path"
    assert fewer.startswith(
        "125 of 126 generations of the teacher are used for training; left out: 1 longer than 4096 tokens"
    )


def test_waiting_for_the_training_of_another_process_is_said_once_and_now_and_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = prepare(experiment("model=tiny_student", "lora=distilled_tiny", f"paths.outputs={tmp_path}")).recipe
    assert recipe is not None
    with LiveProgress() as progress:
        for done in (3, 4, 5):
            progress.training_waits(recipe, done, "process 3 trains it")
        monkeypatch.setattr("har_llm.report.terminal.progress.PLAIN_REPORT_EVERY_S", 0.0)
        progress.training_waits(recipe, 6, "process 3 trains it")
        progress.training_waits(recipe, 6, "process 4 trains it")
    said = [line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()]
    assert said == [
        "waiting for its adapter: process 3 trains it",
        "waiting for its adapter, step 6 of 240",
        "waiting for its adapter: process 4 trains it",
        "waiting for its adapter, step 6 of 240",
    ]


TINY = ("tiny_student", "tiny_teacher")


def test_an_error_that_many_jobs_share_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveProgress() as progress:
        for seed in range(3):
            progress.failed(Job(f"seed={seed}", error=EngineError("It died. The last lines of its log:\n  one\n  two")))
        progress.failed(Job("limit=0", error=EngineError("Something else.")))
    assert capsys.readouterr().err.splitlines() == [
        "error: seed=0: It died. The last lines of its log:",
        "  one",
        "  two",
        "error: limit=0: Something else.",
        "error: 2 more with the error of seed=0: seed=1; seed=2",
    ]
