"""Gold activities get into trainings only where they are asked for, and only those of the training part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from har_llm.config.experiment import Experiment
from har_llm.data.records import Event, Recordings
from har_llm.runs.prepare import prepare, read_recordings
from har_llm.runs.recipe import StudentRun
from har_llm.runs.run import PreparedRun
from tests.composing import experiment
from tests.sweep.distilled_jobs import SMALL

pytestmark = pytest.mark.slow

TINY = (*(one for one in SMALL if not one.startswith("lora")), "limit=1")
TEACHER = "model@lora.teacher=tiny_teacher"
METHODS = {
    "distilled": [TEACHER],
    "rationalization": [TEACHER],
    "rejection_sampling": [TEACHER, "lora.teacher.sampling.temperature=1"],
    "gold_answers": ["model.thinking=false"],
}


def prepared(tmp_path: Path, method: str, session: Callable[[str], bool] = lambda name: False) -> PreparedRun:
    """With the gold activities of these sessions changed."""

    def other(event: Event) -> Event:
        return event._replace(activities=(event.activities[0] % 12 + 1,))

    def read(wanted: Experiment) -> Recordings:
        found = read_recordings(wanted)
        changed = [
            replace(one, events=[other(event) for event in one.events]) if session(one.id) else one for one in found.sessions
        ]
        return replace(found, sessions=changed)

    addressed = [f"++{one}" if one.startswith(("lora.", "dataset.")) else one for one in (*TINY, f"lora={method}")]
    return prepare(experiment(*addressed, *METHODS[method], f"paths.outputs={tmp_path}"), read=read)


@pytest.mark.parametrize("method", METHODS)
def test_gold_of_the_training_part_alone_reaches_a_training(tmp_path: Path, method: str) -> None:
    plain = prepared(tmp_path, method)
    assert isinstance(plain, StudentRun)
    trained_on = {session.id for session in plain.recipe.source.run.sessions}  # type: ignore[union-attr]
    scored = {session.id for session in plain.sessions}
    assert trained_on and scored and not trained_on & scored
    of_test, of_train = (prepared(tmp_path, method, names.__contains__) for names in (scored, trained_on))
    assert isinstance(of_test, StudentRun) and isinstance(of_train, StudentRun)
    assert of_test.recipe.key == plain.recipe.key and of_test.requests == plain.requests
    # Without the choice, the teacher's key has no gold; the student is asked the same in every case.
    assert (of_train.recipe.key == plain.recipe.key) == (method == "distilled")
    assert [one.messages for one in of_train.requests] == [one.messages for one in plain.requests]
    asked, before = (one.recipe.source.run.requests for one in (of_train, plain))  # type: ignore[union-attr]
    assert ([one.messages for one in asked] == [one.messages for one in before]) == (method != "rationalization")


def test_a_teacher_is_told_the_activities_after_the_prompt_that_its_student_is_trained_on(tmp_path: Path) -> None:
    recipe = prepared(tmp_path, "rationalization").recipe
    assert recipe is not None and recipe.teacher is not None
    prompt, request = recipe.teacher.prompts[0], recipe.teacher.requests[0]
    *before, plain = prompt.messages
    *same, told = request.messages
    assert before == same and told["content"].startswith(f"{plain['content']}\n\n")
    more = told["content"].removeprefix(plain["content"])
    names = recipe.teacher.recordings.home.activities
    for shown, event in zip(prompt.ids, prompt.window.events, strict=True):
        assert f"\n{shown}: {names[event.activities[0]]}\n" in more
    assert "$" not in more
