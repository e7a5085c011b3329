"""From a teacher's reasoning to the scores of its student: one command, everything made once."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.provenance import MANIFEST
from har_llm.distill.model_card import CURVE
from har_llm.models.adapters import adapter_digest
from har_llm.runs.adapter_files import adapter_weights, select_examples
from har_llm.runs.generations import parse_windows
from har_llm.runs.manifest import manifest
from har_llm.runs.prepare import prepare
from har_llm.runs.run import AdapterRecipe, PreparedRun
from har_llm.runs.store import Record
from har_llm.sweep import execute
from har_llm.sweep import train as teaching
from har_llm.sweep.execute import prepare_jobs
from har_llm.sweep.job import Job
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.train import check_recipe
from har_llm.tracking.training_content import adapter_folder
from tests.common.test_lock import write_lock
from tests.composing import experiment
from tests.sweep.test_execute import Notes, done, kept

SMALL = (
    "dataset.sessions.count=4",
    "+dataset.paper_split={4: 3}",
    "dataset.sessions.events=[6,6]",
    "window.events=3",
    "model=tiny_student",
    "engine=transformers",
    "lora=distilled_tiny",
    "lora.training.max_steps=2",
    "lora.training.warmup_steps=0",
    "lora.training.batch_size=2",
    "lora.training.per_device_train_batch_size=2",
)


def job(tmp_path: Path, *overrides: str) -> Job:
    wanted = [one for one in SMALL if "lora=none" not in overrides or not one.startswith("lora")]
    addressed = [f"++{one}" if one.startswith(("lora.", "dataset.")) else one for one in (*wanted, *overrides)]
    return Job(" ".join(overrides), experiment(*addressed, f"paths.outputs={tmp_path / 'outputs'}"))


def adapters(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "outputs" / "store" / "adapters").glob("*"))


def origins(tmp_path: Path) -> list[dict[str, str]]:
    shards = (tmp_path / "outputs" / "store" / "generations").glob("*/*.jsonl")
    return [json.loads(line)["about"] for shard in shards for line in shard.read_text().splitlines()]


def test_the_recipe_is_known_before_anything_is_made(tmp_path: Path) -> None:
    def key(*overrides: str) -> str:
        recipe = prepare(job(tmp_path, *overrides).experiment).recipe  # type: ignore[arg-type]
        assert recipe is not None
        return recipe.key

    base = key()
    same = [
        ("model.context=4000",),
        ("split.part=test",),
        ("limit=1",),
        ("lora.training.per_device_train_batch_size=1",),
        ("lora.trainer=trl",),
    ]
    assert {key(*overrides) for overrides in same} == {base}
    others: Sequence[tuple[str, ...]] = (
        ("lora.train_sessions=1",),
        ("lora.training.r=8",),
        ("lora.training.seed=1",),
        ("lora.examples.well_formed=true",),
        ("lora.examples.unusable=leave_out",),
        ("lora.examples.unusable=leave_out", "model.context=4000"),
        ("lora.teacher.sampling.max_new_tokens=99",),
        ("window.events=2",),
        ("model.thinking=false",),
        ("dataset.seed=1",),
    )
    keys = {key(*overrides) for overrides in others}
    assert len(keys) == len(others) and base not in keys
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("several", [(), ("lora.examples.samples=2", "lora.teacher.sampling.temperature=1")])
def test_a_teacher_may_write_first_with_an_engine_of_its_own(tmp_path: Path, several: tuple[str, ...]) -> None:
    recipe = prepare(job(tmp_path, *several).experiment).recipe  # type: ignore[arg-type]
    alone = ["decoding.samples=2", "model.sampling.temperature=1"] if several else []
    teacher = job(tmp_path, "lora=none", "model=tiny_teacher", "split.part=train", "engine=vllm", *alone)
    assert recipe is not None
    assert [one.key for one in prepare(teacher.experiment).requests] == recipe.identity["examples"]  # type: ignore[arg-type]


@pytest.mark.slow
def test_fewer_sessions_are_among_more_and_everything_is_made_once(tmp_path: Path) -> None:
    """Figure 4 in small: the teacher once, the student once, an adapter for each number of sessions."""
    jobs = [
        job(tmp_path, "lora.train_sessions=1"),
        job(tmp_path, "lora=none"),
        job(tmp_path, "lora.train_sessions=3"),
        job(tmp_path, "lora.train_sessions=0"),
        job(tmp_path, "lora=none", "model=tiny_teacher"),
    ]
    plan = make_plan([prepare(one.experiment) for one in jobs])  # type: ignore[arg-type]
    assert [load.model.config.name for load in plan.loads] == ["tiny_teacher", "tiny_student"]
    assert len(plan.recipes) == 2
    callback = done(*jobs)
    assert not callback.failures, [str(one.error) for one in callback.failures]
    assert [load.model.config.name for load in callback.loads] == ["tiny_teacher", "tiny_student"]
    keys = kept(tmp_path)
    assert len(set(keys)) == len(keys)
    manifests = [json.loads((folder / MANIFEST).read_text()) for folder in adapters(tmp_path)]
    assert {about.get("adapter_weights") for about in origins(tmp_path)} == {None, *(one["weights"] for one in manifests)}
    folders = [folder for folder in adapters(tmp_path) if not folder.name.startswith(".")]
    assert len(folders) == 2
    for folder in folders:
        content = json.loads((folder / MANIFEST).read_text())
        assert content["provenance"] == "synthetic home, synthetic model"
        assert [step for step, _ in content["loss"]] == [1, 2]
        assert (content["training"]["optim"], content["optimizer"]) == ("auto", callback.trained[0][1]["optimizer"])
        assert (folder / CURVE).read_bytes().startswith(b"\x89PNG")
    assert [about["trainable_parameters"] for _, about in callback.trained] == [content["trainable_parameters"]] * 2
    assert callback.steps == [1, 2, 1, 2]
    for folder in folders:
        assert "synthetic home, synthetic model" in (folder / "README.md").read_text()
    assert jobs[1].folder == jobs[3].folder or jobs[1].run.digest == jobs[3].run.digest  # type: ignore[union-attr]
    again = done(*(job(tmp_path, *one.title.split()) for one in jobs))
    assert not again.loads and not again.failures


@pytest.mark.slow
def test_examples_that_are_too_long_stop_with_their_windows_or_are_left_out(tmp_path: Path) -> None:
    """Only the student's tokenizer, in the training's process, can tell."""

    stopped = job(tmp_path, "lora.training.max_length=1")
    assert done(stopped).failures == [stopped] and isinstance(stopped.error, ConfigError)
    said = str(stopped.error)
    assert "6 of 6 examples" in said and "lora.examples.unusable=leave_out" in said
    tokens = {window: int(count) for window, count in re.findall(r"window (\S+) has (\d+)", said)}
    assert len(tokens) == 6 and all(folder.name.startswith(".") for folder in adapters(tmp_path))
    longest = sorted(tokens.values())[len(tokens) // 2]
    long = sum(count > longest for count in tokens.values())
    assert long
    left = job(tmp_path, f"lora.training.max_length={longest}", "lora.examples.unusable=leave_out")
    callback = done(left)
    assert not callback.failures
    ((selection, about),) = callback.trained
    (folder,) = (folder for folder in adapters(tmp_path) if not folder.name.startswith("."))
    content = json.loads((folder / MANIFEST).read_text())
    assert content["left_out"] == dict(selection.left_out) == {f"longer than {longest} tokens": long}
    assert content["examples"] == len(selection.examples) == 6 - long
    assert about["tokens"] == sum(count for count in tokens.values() if count <= longest)


@pytest.mark.slow
def test_a_damaged_adapter_is_noticed(tmp_path: Path) -> None:
    first = job(tmp_path)
    assert not done(first).failures
    (folder,) = adapters(tmp_path)
    weights = folder / "adapter_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert not done(job(tmp_path, "limit=1")).failures, "it has its text"
    again = job(tmp_path, "split.part=train")
    callback = done(again)
    assert callback.failures == [again] and isinstance(again.error, MissingError)
    assert "is damaged" in str(again.error)


ORIGIN = {"engine": "Scripted", "versions": {}, "hardware": "", "model": {}, "provenance": None}


def keep(run: PreparedRun, **about: str) -> None:
    with run.open_writer() as writer:
        for request in run.requests:
            writer.add(Record(request.key, "<think>\n</think>\n\n[]", "stop", 1, 1, 0.1, {**ORIGIN, **about}))


def test_a_run_that_has_its_texts_needs_no_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a machine on which one could be trained."""
    monkeypatch.setattr("har_llm.distill.trainer_choice.has_gpu", lambda: False)
    stored, owing = job(tmp_path, "lora.trainer=unsloth"), job(tmp_path, "lora.trainer=unsloth", "split.part=train")
    runs = [prepare(one.experiment) for one in (stored, owing)]  # type: ignore[arg-type]
    keep(runs[0])
    assert not make_plan(runs[:1]).recipes and not make_plan(runs[:1]).loads
    assert len(make_plan(runs).recipes) == 1
    callback = done(stored, owing)
    assert callback.failures == [owing] and "there is no GPU here" in str(owing.error)
    assert stored.fresh and not adapters(tmp_path)


def test_texts_of_an_adapter_that_was_trained_anew_are_not_mixed_with_older_ones(tmp_path: Path) -> None:
    wanted = job(tmp_path)
    run = prepare(wanted.experiment)  # type: ignore[arg-type]
    assert run.recipe is not None and len(run.requests) == 2
    weights = stand_in(run.recipe)
    keep(replace(run, requests=run.requests[:1]), adapter_weights="others")
    callback = done(wanted)
    assert callback.failures == [wanted] and not callback.loads, "before anything is made"
    said = str(wanted.error)
    (folder,) = (tmp_path / "outputs" / "store" / "generations").iterdir()
    assert "trained anew" in said and f"Delete {folder} and run the same command again" in said
    keep(replace(run, requests=run.requests[1:]), adapter_weights=weights)
    with pytest.raises(MissingError, match="trained anew"):
        parse_windows(run)


def test_texts_that_do_not_say_whose_they_are_are_taken(tmp_path: Path) -> None:
    run = prepare(job(tmp_path).experiment)  # type: ignore[arg-type]
    assert run.recipe is not None
    weights = stand_in(run.recipe)
    keep(replace(run, requests=run.requests[:1]))
    check_recipe(run)
    keep(replace(run, requests=run.requests[1:]), adapter_weights=weights)
    assert len(parse_windows(run)) == 2


def test_an_adapter_lies_where_its_key_says_whatever_the_student_is_called(tmp_path: Path) -> None:
    runs = [prepare(job(tmp_path, *name).experiment) for name in ((), ("model.name=mine",))]  # type: ignore[arg-type]
    one, other = (run.recipe for run in runs)
    assert one is not None and other is not None and len(make_plan(runs).recipes) == 1
    assert one.folder == other.folder and one.folder.name == f"tiny_student-{one.key[:16]}"
    assert {request.adapter for run in runs for request in run.requests} == {runs[0].requests[0].adapter}
    metrics: Any = SimpleNamespace(adapter=SimpleNamespace(revision=one.key, distillation=SimpleNamespace()))
    run_folder = tmp_path / "outputs" / "runs" / "a"
    run_folder.mkdir(parents=True)
    one.folder.with_name(f".{one.folder.name}").mkdir(parents=True)
    assert adapter_folder(run_folder, metrics) is None, "what is being made is not there yet"
    stand_in(one)
    assert adapter_weights(one) is not None and adapter_folder(run_folder, metrics) == one.folder


def test_an_adapter_that_another_process_trains_comes_last_and_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "WAIT_S", 0.01)
    runs = [prepare(job(tmp_path, f"lora.train_sessions={sessions}").experiment) for sessions in (1, 2)]  # type: ignore[arg-type]
    theirs, ours = (run.recipe for run in runs)
    assert theirs is not None and ours is not None
    for recipe in (theirs, ours):
        keep(recipe.teacher)
    staging = teaching._staging(theirs)
    staging.mkdir(parents=True)
    lock = staging.with_name(f"{staging.name}.lock")
    write_lock(lock)
    (staging / "loss.jsonl").write_text("[1, 2.0]\n[2, 1.0]\n")
    trained: list[AdapterRecipe] = []

    def train(training: teaching.Training, *rest: object) -> None:
        trained.append(training.recipe)
        raise MissingError("far enough")

    class Patient(Notes):
        def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
            super().training_waits(recipe, done, holder)
            assert (
                recipe.key == theirs.key
                and trained == [ours]
                and f"{lock}; delete that file if that process is gone" in holder
            )
            if len(self.waited) == 3:
                lock.unlink()
                stand_in(recipe)

    monkeypatch.setattr(teaching.Training, "_train", train)
    callback, jobs = Patient(), [Job("", run.experiment) for run in runs]
    prepare_jobs(jobs, callback)
    execute._train(make_plan([one.run for one in jobs if one.run is not None]), jobs, callback, Stores())
    assert callback.waited == [2, 2, 2] and not callback.recipes and adapter_weights(theirs) is not None
    assert callback.failures == [jobs[1]] and str(jobs[1].error) == "far enough"


def test_a_training_whose_process_dies_while_another_waits_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "WAIT_S", 0.01)
    wanted = job(tmp_path)
    run = prepare(wanted.experiment)  # type: ignore[arg-type]
    assert run.recipe is not None
    keep(run.recipe.teacher)
    lock = run.recipe.folder.with_name(f".{run.recipe.folder.name}.lock")
    lock.parent.mkdir(parents=True)
    write_lock(lock)

    def train(training: teaching.Training, *rest: object) -> None:
        raise MissingError("far enough")

    class Patient(Notes):
        def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
            super().training_waits(recipe, done, holder)
            write_lock(lock, pid=2**22 + 1)

    monkeypatch.setattr(teaching.Training, "_train", train)
    callback = Patient()
    prepare_jobs([wanted], callback)
    execute._train(make_plan([run]), [wanted], callback, Stores())
    assert callback.waited == [0] and str(wanted.error) == "far enough"


@pytest.mark.parametrize(
    ("use", "null_class", "gold"), [("dropped", "[7]", True), ("dropped", "[]", False), ("label", "[7]", False)]
)
def test_events_that_were_left_out_by_gold_activities_are_said(
    tmp_path: Path, use: str, null_class: str, gold: bool
) -> None:
    """A home without such a class has nothing to leave out."""
    overrides = (
        f"dataset.null_class={use}",
        f"+dataset.home.null_class={null_class}",
        "lora.examples.unusable=leave_out",
    )
    run = prepare(job(tmp_path, *overrides).experiment)  # type: ignore[arg-type]
    assert run.recipe is not None
    keep(run.recipe.teacher)
    selection = select_examples(run.recipe)
    content = manifest(run.recipe, selection, {}, [])
    assert (content["null_class"], content["uses_gold"]) == (use, gold)
    assert selection.summary().endswith("chosen with gold activities") == gold


def stand_in(recipe: AdapterRecipe) -> str:
    """Something in the adapter's place; what it is."""
    recipe.folder.mkdir(parents=True)
    (recipe.folder / "adapter_config.json").write_text("{}")
    (recipe.folder / "adapter_model.safetensors").write_bytes(b"weights")
    weights = adapter_digest(recipe.folder)
    (recipe.folder / MANIFEST).write_text(json.dumps({"key": recipe.key, "weights": weights}))
    return weights


@pytest.mark.slow
def test_a_teacher_that_fails_costs_its_pupils_only(tmp_path: Path) -> None:
    jobs = [job(tmp_path, "lora.teacher.context=50"), job(tmp_path, "lora=none")]
    callback = done(*jobs)
    assert callback.failures == [jobs[0]] and "context is 50" in str(jobs[0].error)
    assert jobs[1].folder is not None


def test_a_student_that_cannot_be_trained_here_is_refused_before_its_teacher_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("har_llm.distill.trainer_choice.has_gpu", lambda: False)
    unsloth = job(tmp_path, "lora.trainer=unsloth")
    callback = done(unsloth)
    assert callback.failures == [unsloth] and not callback.loads
    assert "lora.trainer is 'unsloth', but there is no GPU here" in str(unsloth.error)


@pytest.mark.parametrize(
    ("synthetic", "adapter", "run"),
    [
        ((), None, None),
        (("dataset",), None, "synthetic home"),
        (("lora.source",), "synthetic home", "synthetic home"),
        (("model",), "synthetic model", "synthetic model"),
        (("lora.teacher",), "synthetic model", "synthetic model"),
        (("lora.source", "model"), *["synthetic home, synthetic model"] * 2),
        (("dataset", "lora.source", "model", "lora.teacher"), *["synthetic home, synthetic model"] * 2),
    ],
)
def test_what_is_synthetic_about_home_source_student_or_teacher_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synthetic: tuple[str, ...], adapter: str | None, run: str | None
) -> None:
    monkeypatch.setattr("har_llm.models.resolve.is_embedded", lambda model: False)
    places = ("dataset", "lora.source", "model", "lora.teacher")
    said = [f"{place}.synthetic={str(place in synthetic).lower()}" for place in places]
    made = prepare(job(tmp_path, "+dataset@lora.source=simulated_house", *said).experiment)  # type: ignore[arg-type]
    assert made.recipe is not None
    assert (made.recipe.provenance.label, made.provenance.label) == (adapter, run)


def test_a_student_is_asked_in_windows_that_its_teacher_did_not_see(tmp_path: Path) -> None:
    plain = prepare(job(tmp_path).experiment)  # type: ignore[arg-type]
    sliding = ("window=sliding", "window.stride=2")
    own = prepare(job(tmp_path, *sliding).experiment)  # type: ignore[arg-type]
    fixed = ("+window@lora.window=fixed", "lora.window.events=3")
    apart = prepare(job(tmp_path, *sliding, *fixed).experiment)  # type: ignore[arg-type]
    assert plain.recipe is not None and own.recipe is not None and apart.recipe is not None
    assert apart.recipe.key == plain.recipe.key != own.recipe.key
    assert len(own.recipe.teacher.prompts) > len(plain.recipe.teacher.prompts)
    assert (
        [prompt.window for prompt in apart.prompts]
        == [prompt.window for prompt in own.prompts]
        != [prompt.window for prompt in plain.prompts]
    )


def test_what_cannot_be_taught_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"lora\.train_sessions is 9, but the training part has 3 sessions"):
        prepare(job(tmp_path, "lora.train_sessions=9").experiment)  # type: ignore[arg-type]
    for name, group in (("window", "window"), ("source", "dataset")):
        with pytest.raises(ConfigError, match=rf"lora\.{name} is 'fixed'; .* chosen as in \+{group}@lora\.{name}=NAME"):
            job(tmp_path, f"lora.{name}=fixed")
    with pytest.raises(ConfigError, match=r"lora\.teacher is 'qwen3_32b'; .* as in model@lora\.teacher=NAME"):
        job(tmp_path, "lora.teacher=qwen3_32b")
    with pytest.raises(
        ConfigError, match=r"lora\.training\.target_modules has 'c_attn', but embedded:tiny_student .* k_proj"
    ):
        check_recipe(prepare(job(tmp_path, "lora.training.target_modules=[q_proj,c_attn]").experiment))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="the engine runs the model elsewhere"):
        job(tmp_path, "engine=scripted")


@pytest.mark.slow
def test_a_teacher_that_cannot_read_one_jobs_windows_still_teaches_the_other(tmp_path: Path) -> None:
    """Both teachers' texts are asked of one engine in one batch."""
    common = ("dataset.sessions.events=[30,30]", "lora.teacher.context=600", "lora.train_sessions=1", "limit=1")
    jobs = [job(tmp_path, *common, f"window.events={size}") for size in (30, 3)]
    callback = done(*jobs)
    assert callback.failures == [jobs[0]] and "context is 600" in str(jobs[0].error)
    assert jobs[1].folder is not None
    assert len(callback.recipes) == 1


def test_an_adapter_is_digested_once_for_all_that_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [prepare(job(tmp_path, f"seed={seed}").experiment) for seed in (0, 1)]  # type: ignore[arg-type]
    assert runs[0].recipe is not None
    weights, stores = stand_in(runs[0].recipe), Stores()
    digested: list[Path] = []

    def digest(folder: Path) -> str:
        digested.append(folder)
        return adapter_digest(folder)

    monkeypatch.setattr("har_llm.runs.adapter_files.adapter_digest", digest)
    for run in runs:
        check_recipe(run, stores)
        assert run.recipe is not None and stores.weights(run.recipe) == weights
    assert not make_plan(runs, stores).recipes
    assert len(digested) == len({run.recipe.key for run in runs if run.recipe is not None})
