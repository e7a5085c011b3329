"""The training of an adapter: when it is refused, waited for, taken over or found damaged, and what a kill leaves."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.lock import Lock
from har_llm.distill.manifest import read_manifest
from har_llm.distill.training_job import TrainingJob
from har_llm.distill.training_messages import TrainingMessage, TrainingStart, TrainingStep
from har_llm.runs.adapter_files import adapter_weights
from har_llm.runs.generations import parse_windows
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import AdapterRecipe, StudentRun
from har_llm.sweep import execute
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.job import Job
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.train import Training, check_recipe, steps_so_far
from tests.common.locks import write_lock
from tests.helpers import ROOT
from tests.sweep.distilled_jobs import adapters, job, keep, stand_in
from tests.sweep.noted_jobs import Notes, done

UPTO_TRAININGS = execute.STAGES[1]
START = TrainingStart(1, 2, 3, "adamw_torch")


def stop_trainings(monkeypatch: pytest.MonkeyPatch, *messages: TrainingMessage) -> None:
    """Every training ends with an error, once its process has said this much."""

    def trained(job: TrainingJob) -> Iterator[TrainingMessage]:
        yield from messages
        raise MissingError("far enough")

    monkeypatch.setattr("har_llm.sweep.train.trained", trained)


def staging_of(recipe: AdapterRecipe) -> Path:
    """Where the adapter is made."""
    return recipe.folder.with_name(f".{recipe.folder.name}")


def test_losses_are_kept_once_each_and_a_torn_line_tears_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = prepare(job(tmp_path).experiment).recipe  # type: ignore[arg-type]
    assert recipe is not None and steps_so_far(recipe) == []
    keep(recipe.teacher)
    staging_of(recipe).mkdir(parents=True)
    (staging_of(recipe) / "loss.jsonl").write_text("[1, 3.0]\n[2, 2.0]\n[3, 1.5")
    # What was lost since the last checkpoint is done again.
    stop_trainings(monkeypatch, replace(START, done=1), TrainingStep(2, 2.5, 0.1, None, 0.5), TrainingStep(3, 1.0))
    with pytest.raises(MissingError, match="far enough"):
        Training(recipe).run(Callback(), Stores())
    assert steps_so_far(recipe) == [TrainingStep(1, 3.0), TrainingStep(2, 2.5, 0.1, None, 0.5), TrainingStep(3, 1.0)]


def test_a_file_in_the_place_of_the_staging_folder_stops_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = prepare(job(tmp_path).experiment).recipe  # type: ignore[arg-type]
    assert recipe is not None
    keep(recipe.teacher)
    recipe.folder.parent.mkdir(parents=True)
    staging_of(recipe).touch()
    stop_trainings(monkeypatch, START, TrainingStep(1, 2.5))
    with pytest.raises(MissingError, match="far enough"):
        Training(recipe).run(Callback(), Stores())
    assert steps_so_far(recipe) == [TrainingStep(1, 2.5)]


@pytest.mark.slow
@pytest.mark.usefixtures("same_process")
def test_examples_that_are_too_long_stop_with_their_windows_or_are_left_out(tmp_path: Path) -> None:
    """Only the student's tokenizer, in the training's process, can tell."""

    stopped = job(tmp_path, "lora.training.max_length=1")
    assert done(stopped).failures == [stopped] and isinstance(stopped.error, ConfigError)
    said = str(stopped.error)
    assert "6 of 6 examples" in said and "lora.examples.unusable=leave_out" in said
    tokens = {window: int(count) for window, count in re.findall(r"(\S+) \((\d+)\)", said)}
    assert len(tokens) == 6 and all(folder.name.startswith(".") for folder in adapters(tmp_path))
    longest = sorted(tokens.values())[len(tokens) // 2]
    long = sum(count > longest for count in tokens.values())
    assert long
    left = job(tmp_path, f"lora.training.max_length={longest}", "lora.examples.unusable=leave_out")
    callback = done(left)
    assert not callback.failures
    ((selection, start),) = callback.trained
    (folder,) = (folder for folder in adapters(tmp_path) if not folder.name.startswith("."))
    made = read_manifest(folder).adapter
    assert made is not None
    assert made.origin.left_out == dict(selection.left_out) == {f"longer than {longest} tokens": long}
    assert made.origin.examples == len(selection.examples) == 6 - long
    assert start.tokens == sum(count for count in tokens.values() if count <= longest)


@pytest.mark.slow
@pytest.mark.usefixtures("same_process")
def test_a_damaged_adapter_is_said_and_trained_again(tmp_path: Path) -> None:
    first = job(tmp_path)
    assert not done(first).failures
    (folder,) = adapters(tmp_path)
    weights = folder / "adapter_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert not done(job(tmp_path, "limit=1")).failures, "it has its generation"
    (folder / "of the user.txt").touch()
    callback = done(job(tmp_path, "split.part=train"))
    assert not callback.failures and callback.steps == [1, 2]
    (note,) = (note for note in callback.notes if str(folder) in note)
    assert note.endswith("manifest.json do not match), which is trained again.")
    recipe = callback.recipes[-1]
    assert adapter_weights(recipe) is not None and (folder / "of the user.txt").exists()


def test_what_a_killed_training_has_left_of_a_finished_adapter_is_removed(tmp_path: Path) -> None:
    run = prepare(job(tmp_path).experiment)  # type: ignore[arg-type]
    assert isinstance(run, StudentRun)
    stand_in(run.recipe)
    (staging_of(run.recipe) / "checkpoints").mkdir(parents=True)
    with Lock(run.recipe.folder.with_name(f".{run.recipe.folder.name}.lock")).held():
        check_recipe(run, Stores())
        assert staging_of(run.recipe).exists(), "another process is about to remove it"
    check_recipe(run, Stores())
    assert adapters(tmp_path) == [run.recipe.folder]


def test_a_run_that_has_its_generations_needs_no_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a machine on which one could be trained."""
    monkeypatch.setattr("har_llm.distill.trainer_choice.has_gpu", lambda: False)
    stored, owing = job(tmp_path, "lora.trainer=unsloth"), job(tmp_path, "lora.trainer=unsloth", "split.part=train")
    runs = [prepare(one.experiment) for one in (stored, owing)]  # type: ignore[arg-type]
    keep(runs[0])
    assert not make_plan(runs[:1], Stores()).recipes and not make_plan(runs[:1], Stores()).loads
    assert len(make_plan(runs, Stores()).recipes) == 1
    callback = done(stored, owing)
    assert callback.failures == [owing] and "there is no GPU here" in str(owing.error)
    assert stored.fresh and not adapters(tmp_path)


def test_generations_of_an_adapter_that_was_trained_again_are_not_mixed_with_older_ones(tmp_path: Path) -> None:
    wanted = job(tmp_path)
    run = prepare(wanted.experiment)  # type: ignore[arg-type]
    assert isinstance(run, StudentRun) and len(run.requests) == 2
    weights = stand_in(run.recipe)
    keep(replace(run, requests=run.requests[:1]), adapter_weights="others")
    callback = done(wanted)
    assert callback.failures == [wanted] and not callback.loads, "before anything is made"
    said = str(wanted.error)
    (folder,) = (tmp_path / "outputs" / "store" / "generations").iterdir()
    assert "trained again since" in said and f"Delete {folder} and run the same command again" in said
    keep(replace(run, requests=run.requests[1:]), adapter_weights=weights)
    with pytest.raises(MissingError, match="trained again since"):
        parse_windows(run, run.open_store())


def test_generations_that_name_no_adapter_weights_are_taken(tmp_path: Path) -> None:
    run = prepare(job(tmp_path).experiment)  # type: ignore[arg-type]
    assert isinstance(run, StudentRun)
    weights = stand_in(run.recipe)
    keep(replace(run, requests=run.requests[:1]))
    check_recipe(run, Stores())
    keep(replace(run, requests=run.requests[1:]), adapter_weights=weights)
    assert len(parse_windows(run, run.open_store())) == 2


def test_an_adapter_that_another_process_trains_comes_last_and_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "WAIT_S", 0.01)
    runs = [prepare(job(tmp_path, f"lora.train_sessions={sessions}").experiment) for sessions in (1, 2)]  # type: ignore[arg-type]
    theirs, ours = (run.recipe for run in runs)
    assert theirs is not None and ours is not None
    for recipe in (theirs, ours):
        keep(recipe.teacher)
    staging = staging_of(theirs)
    staging.mkdir(parents=True)
    lock = staging.with_name(f"{staging.name}.lock")
    write_lock(lock)
    (staging / "loss.jsonl").write_text("[1, 2.0]\n[2, 1.0]\n")

    class Patient(Notes):
        def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
            super().training_waits(recipe, done, holder)
            assert recipe.key == theirs.key and [one.key for one in self.recipes] == [ours.key]
            assert f"{lock}; delete that file if that process is gone" in holder
            if len(self.waited) == 3:
                lock.unlink()
                stand_in(recipe)

    stop_trainings(monkeypatch)
    callback, jobs = Patient(), [Job("", run.experiment) for run in runs]
    execute.generate_jobs(jobs, callback, UPTO_TRAININGS)
    assert callback.waited == [2, 2, 2] and len(callback.recipes) == 1 and adapter_weights(theirs) is not None
    assert callback.failures == [jobs[1]] and str(jobs[1].error) == "far enough"


def test_a_training_whose_process_dies_while_another_waits_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "WAIT_S", 0.01)
    wanted = job(tmp_path)
    run = prepare(wanted.experiment)  # type: ignore[arg-type]
    assert isinstance(run, StudentRun)
    keep(run.recipe.teacher)
    lock = run.recipe.folder.with_name(f".{run.recipe.folder.name}.lock")
    lock.parent.mkdir(parents=True)
    write_lock(lock)

    class Patient(Notes):
        def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
            super().training_waits(recipe, done, holder)
            write_lock(lock, pid=2**22 + 1)

    stop_trainings(monkeypatch)
    callback = Patient()
    execute.generate_jobs([wanted], callback, UPTO_TRAININGS)
    assert callback.waited == [0] and str(wanted.error) == "far enough"


def test_a_student_that_cannot_be_trained_here_is_refused_before_its_teacher_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("har_llm.distill.trainer_choice.has_gpu", lambda: False)
    unsloth = job(tmp_path, "lora.trainer=unsloth")
    callback = done(unsloth)
    assert callback.failures == [unsloth] and not callback.loads
    assert "lora.trainer is 'unsloth', but there is no GPU here" in str(unsloth.error)


@pytest.mark.slow
@pytest.mark.usefixtures("same_process")
def test_an_argument_that_no_library_has_is_refused_before_the_teacher_generates(tmp_path: Path) -> None:
    misspelt = [job(tmp_path, "lora.training.extra_args={use_rslorra:true}", f"limit={limit}") for limit in (1, 2)]
    callback = done(*misspelt)
    assert callback.failures == misspelt and not callback.loads
    assert "use_rslorra is not an argument of TRL's SFTConfig or PEFT's LoraConfig. Did you mean use_rslora?" in str(
        misspelt[0].error
    )


@pytest.mark.slow
@pytest.mark.usefixtures("same_process")
def test_a_student_whose_template_fails_is_refused_before_the_teacher_generates(tmp_path: Path) -> None:
    student = tmp_path / "student"
    shutil.copytree(ROOT / "har_llm" / "models" / "embedded" / "tiny_student", student)
    (student / "chat_template.jinja").write_text("{{ raise_exception('System role not supported') }}<think>")
    refused = job(tmp_path, "model=custom", f"model.id={student}", "model.dtype=float32")
    callback = done(refused)
    assert callback.failures == [refused] and not callback.loads
    assert "System role not supported. If it takes no system message, set prompt.system=''" in str(refused.error)
