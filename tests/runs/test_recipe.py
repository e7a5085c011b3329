"""The recipe of a student's adapter is known, whole and checked before anything is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError
from har_llm.config.experiment import Experiment
from har_llm.data.records import Recordings
from har_llm.runs.adapter_files import adapter_weights
from har_llm.runs.prepare import prepare, read_recordings
from har_llm.runs.recipe import StudentRun, find_adapter
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.train import check_recipe
from tests.sweep.distilled_jobs import job, stand_in

pytestmark = pytest.mark.slow


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
        ("lora.training.extra_args={use_rslora: true}",),
        ("lora.training.extra_args={use_rslora: false}",),
        ("lora.examples.well_formed=true",),
        ("lora.examples.unusable=leave_out",),
        ("lora.examples.unusable=leave_out", "model.context=4000"),
        ("lora.teacher.sampling.max_new_tokens=99",),
        ("window.events=2",),
        ("model.thinking=false", "lora.teacher.thinking=false"),
        ("model.reasoning_marks=['<a>','</a>']", "lora.teacher.reasoning_marks=['<a>','</a>']"),
        ("dataset.seed=1",),
    )
    keys = {key(*overrides) for overrides in others}
    assert len(keys) == len(others) and base not in keys
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("several", [(), ("lora.examples.samples=2", "lora.teacher.sampling.temperature=1")])
def test_a_teacher_may_generate_first_with_an_engine_of_its_own(tmp_path: Path, several: tuple[str, ...]) -> None:
    recipe = prepare(job(tmp_path, *several).experiment).recipe  # type: ignore[arg-type]
    alone = ["decoding.samples=2", "model.sampling.temperature=1"] if several else []
    teacher = job(tmp_path, "lora=none", "model=tiny_teacher", "split.part=train", "engine=vllm", *alone)
    assert recipe is not None
    assert [one.key for one in prepare(teacher.experiment).requests] == recipe.identity["examples"]  # type: ignore[arg-type]


def without_gold(of: Experiment) -> Recordings:
    recordings = read_recordings(of)
    sessions = [
        replace(session, events=[event._replace(activities=(), subjects=()) for event in session.events])
        for session in recordings.sessions
    ]
    return replace(recordings, sessions=sessions)


def test_a_home_without_labels_is_learned_from_as_one_with_labels_and_can_be_scored_afterwards(tmp_path: Path) -> None:
    """What was made without labels is found under the same keys once there are labels: only scores are new."""
    hidden, labelled = (prepare(job(tmp_path).experiment, read=read) for read in (without_gold, read_recordings))  # type: ignore[arg-type]
    assert hidden.recipe is not None and labelled.recipe is not None
    assert hidden.recipe.key == labelled.recipe.key and not hidden.recipe.source.uses_gold
    assert [one.key for one in hidden.requests] == [one.key for one in labelled.requests]
    assert hidden.folder != labelled.folder, "the run with scores is a run of its own"


def test_an_adapter_lies_where_its_key_says_whatever_the_student_is_called(tmp_path: Path) -> None:
    runs = [prepare(job(tmp_path, *name).experiment) for name in ((), ("model.name=mine",))]  # type: ignore[arg-type]
    one, other = (run.recipe for run in runs)
    assert one is not None and other is not None and len(make_plan(runs, Stores()).recipes) == 1
    assert one.folder == other.folder and one.folder.name == f"tiny_student-{one.key[:16]}"
    assert {request.adapter for run in runs for request in run.requests} == {runs[0].requests[0].adapter}
    store = tmp_path / "outputs" / "store"
    one.folder.with_name(f".{one.folder.name}").mkdir(parents=True)
    assert find_adapter(store, one.key) is None, "what is being made is not there yet"
    stand_in(one)
    assert adapter_weights(one) is not None and find_adapter(store, one.key) == one.folder


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
    assert isinstance(made, StudentRun)
    assert (made.recipe.provenance.label, made.provenance.label) == (adapter, run)


def test_a_student_may_use_other_windows_than_its_teacher(tmp_path: Path) -> None:
    plain = prepare(job(tmp_path).experiment)  # type: ignore[arg-type]
    sliding = ("window=sliding", "window.stride=2")
    own = prepare(job(tmp_path, *sliding).experiment)  # type: ignore[arg-type]
    fixed = ("+window@lora.window=fixed", "lora.window.events=3")
    apart = prepare(job(tmp_path, *sliding, *fixed).experiment)  # type: ignore[arg-type]
    assert isinstance(plain, StudentRun) and isinstance(own, StudentRun) and isinstance(apart, StudentRun)
    assert apart.recipe.key == plain.recipe.key != own.recipe.key
    assert len(own.recipe.teacher.prompts) > len(plain.recipe.teacher.prompts)
    assert (
        [prompt.window for prompt in apart.prompts]
        == [prompt.window for prompt in own.prompts]
        != [prompt.window for prompt in plain.prompts]
    )


def test_a_recipe_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
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
        check_recipe(prepare(job(tmp_path, "lora.training.target_modules=[q_proj,c_attn]").experiment), Stores())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="the engine runs the model elsewhere"):
        job(tmp_path, "engine=scripted")
