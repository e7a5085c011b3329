"""Students without a teacher: trained on gold answers, or on examples that somebody gives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError
from har_llm.distill.manifest import AdapterOrigin, read_manifest
from har_llm.runs.adapter_files import select_examples
from har_llm.runs.export import export
from har_llm.runs.facts import facts
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import AdapterRecipe, StudentRun
from har_llm.sweep.job import Job
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.train import check_recipe
from tests.composing import experiment
from tests.sweep.distilled_jobs import SMALL, adapters
from tests.sweep.noted_jobs import done

pytestmark = pytest.mark.usefixtures("same_process")
GOLD = ("lora=gold_answers", "model.thinking=false")
TRAINED = (*(one for one in SMALL if not one.startswith("lora")), *(one for one in SMALL if one.startswith("lora.")))


def job(tmp_path: Path, *overrides: str) -> Job:
    wanted = [f"++{one}" if one.startswith(("lora.", "dataset.")) else one for one in (*TRAINED, *overrides)]
    return Job(" ".join(overrides), experiment(*wanted, f"paths.outputs={tmp_path / 'outputs'}"))


def recipe_of(one: Job) -> AdapterRecipe:
    recipe = prepare(one.experiment).recipe  # type: ignore[arg-type]
    assert recipe is not None
    return recipe


def origin_of(tmp_path: Path) -> AdapterOrigin:
    (folder,) = adapters(tmp_path)
    adapter = read_manifest(folder).adapter
    assert adapter is not None
    assert str(tmp_path) not in (folder / "README.md").read_text() + (folder / "manifest.json").read_text()
    return adapter.origin


def test_gold_answers_need_no_teacher_and_are_those_of_the_training_part(tmp_path: Path) -> None:
    one = job(tmp_path, *GOLD)
    run = prepare(one.experiment)  # type: ignore[arg-type]
    (load,) = make_plan([run], Stores()).loads
    assert load.model.config.name == "tiny_student" and isinstance(run, StudentRun) and run.recipe.teacher is None
    selection = select_examples(run.recipe, None)
    assert selection.summary() == "6 of 6 gold answers are used for training; examples made of gold activities"
    asked = [event for prompt in run.recipe.source.run.prompts for event in prompt.window.events]  # type: ignore[union-attr]
    said = [row["activity"] for example in selection.examples for row in json.loads(example.text)]
    assert said == [event.activities[0] for event in asked]
    scored = {prompt.window.session for prompt in run.prompts}
    assert not scored & {example.place.split()[1].partition("#")[0] for example in selection.examples}


def test_windows_with_an_unlabelled_event_are_left_out(tmp_path: Path) -> None:
    def unlabelled(recipe: AdapterRecipe, count: int) -> AdapterRecipe:
        run = recipe.source.run  # type: ignore[union-attr]
        prompts = [
            replace(prompt, window=replace(prompt.window, events=(prompt.window.events[0]._replace(activities=()),)))
            if place < count
            else prompt
            for place, prompt in enumerate(run.prompts)
        ]
        return replace(recipe, source=replace(recipe.source, run=replace(run, prompts=prompts)))

    recipe = recipe_of(job(tmp_path, *GOLD))
    selection = select_examples(unlabelled(recipe, 2), None)
    assert (len(selection.examples), selection.left_out) == (4, {"with unlabelled events": 2})
    with pytest.raises(ConfigError, match="Every window of the training part has an event without a gold activity"):
        select_examples(unlabelled(recipe, 6), None)


def test_the_key_changes_with_the_gold_answers_and_with_a_file(tmp_path: Path) -> None:
    gold = {recipe_of(job(tmp_path, *GOLD, *more)).key for more in ((), ("dataset.seed=1",), ("lora.train_sessions=1",))}
    assert len(gold) == 3
    file, same = tmp_path / "rows.jsonl", tmp_path / "folder" / "others.jsonl"
    same.parent.mkdir()
    for path in (file, same):
        path.write_text('{"prompt": "?", "completion": "<think>a</think>b"}\n')
    keys = [recipe_of(job(tmp_path, "lora=examples", f"lora.examples.path={path}")).key for path in (file, same)]
    assert keys[0] == keys[1], "the file's name and place are in no key"
    given = ("lora=examples", f"lora.examples.path={file}", "model.thinking=false")
    forms = (("prompt=direct",), ("prompt=step_by_step",), ("prompt=direct", "prompt.answer_format=json"))
    prompts = {recipe_of(job(tmp_path, *given, *form)).key for form in forms}
    assert len(prompts) == 3, "which rows are usable depends on the form of answer that the prompt asks for"
    home = "dataset.home.activities={1: rest, 2: work}"
    keys_of_homes = {recipe_of(job(tmp_path, *given, "prompt=direct", *one)).key for one in ((), (home,))}
    assert len(keys_of_homes) == 2, "and on the activities, where it shows no numbers"
    file.write_text('{"prompt": "?", "completion": "<think>a</think>c"}\n')
    assert recipe_of(job(tmp_path, "lora=examples", f"lora.examples.path={file}")).key != keys[0]


def test_rows_in_another_form_than_the_prompt_asks_for_are_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"prompt": "?", "completion": '[{"id": 0, "activity": "eating"}]'}))
    given = ("lora=examples", f"lora.examples.path={tmp_path / 'rows.jsonl'}", "model.thinking=false", "prompt=direct")
    run = prepare(job(tmp_path, *given).experiment)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"rows\.jsonl:1 \(in JSON, not in lines\)\. Choose the prompt that they answer"):
        check_recipe(run, Stores())


@pytest.mark.slow
def test_gold_answers_are_exported_and_train_the_same_student_again(tmp_path: Path) -> None:
    student = job(tmp_path / "one", *GOLD, "limit=1")
    assert not done(student).failures
    origin = origin_of(tmp_path / "one")
    assert (origin.teacher, origin.method, origin.uses_gold, origin.examples) == (None, "gold_answers", True, 6)
    assert student.result is not None
    assert "trained on gold answers for all 3 sessions (6 windows)" in dict(facts(student.result))["adapter"]
    rows = tmp_path / "rows.jsonl"
    assert student.experiment is not None
    student.experiment.settings.export.what, student.experiment.settings.export.path = "examples", str(rows)
    export(student.experiment)
    again = job(tmp_path / "two", "lora=examples", f"lora.examples.path={rows}", "model.thinking=false", "limit=1")
    assert not done(again).failures
    given = origin_of(tmp_path / "two")
    assert given.dataset.startswith("file rows.jsonl (")
    assert (given.method, given.uses_gold, given.examples) == ("file", True, 6)
