"""A teacher is asked again about a window until an answer is right, and no more often than that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from har_llm.data.gold_answer import gold_answer
from har_llm.data.records import Prompt
from har_llm.runs.adapter_files import select_examples
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import StudentRun
from har_llm.runs.run import PreparedRun
from har_llm.sweep import execute
from har_llm.sweep.estimates import estimate
from har_llm.sweep.job import Job
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from tests.engines.failing_server import FailingServer, completion
from tests.sweep.distilled_jobs import job as distilled
from tests.sweep.noted_jobs import Notes, kept

pytestmark = pytest.mark.usefixtures("same_process")
WRONG = "<think>\nSo.\n</think>\n\n[]"
CUT = "<think>\nSo."
TEACHERS_ONLY = execute.STAGES[0]


def job(tmp_path: Path, url: str) -> Job:
    engine = ("+engine@lora.engine=openai", f"lora.engine.base_url={url}", "lora.engine.max_retries=0")
    chosen = ("method=rejection_sampling", "samples=3", "min_correct=1.0", "unusable=leave_out")
    examples = [f"lora.examples.{one}" for one in chosen]
    return distilled(tmp_path, "lora.teacher.sampling.temperature=1", "lora.engine.concurrency=1", *engine, *examples)


def teacher_of(one: Job) -> PreparedRun:
    run = prepare(one.experiment)  # type: ignore[arg-type]
    assert isinstance(run, StudentRun) and run.recipe.teacher is not None
    return run.recipe.teacher


def answers(teacher: PreparedRun) -> dict[str | None, list[str]]:
    """By prompt: the second is right after a cut one, the third never, all others at once."""

    names, form = teacher.recordings.home.activities, teacher.experiment.prompt.form

    def right(prompt: Prompt) -> str:
        return f"<think>\nSo.\n</think>\n\n{gold_answer(prompt.window, prompt.ids, names, form)}"

    texts = {prompt.messages[-1]["content"]: [right(prompt)] for prompt in teacher.prompts}
    second, third = (teacher.prompts[place].messages[-1]["content"] for place in (1, 2))
    texts[second], texts[third] = [CUT, *texts[second]], [WRONG] * 3
    return {prompt: [json.dumps(completion(text)) for text in said] for prompt, said in texts.items()}


def test_only_as_many_generations_are_made_as_are_needed(tmp_path: Path) -> None:
    teacher = teacher_of(job(tmp_path, "http://127.0.0.1:9/v1"))
    with FailingServer(answers(teacher)) as server:
        asked = job(tmp_path, server.url)
        execute.generate_jobs([asked], Notes(), TEACHERS_ONLY)
        assert asked.error is None
    tries = [len(server.attempts[prompt.messages[-1]["content"]]) for prompt in teacher.prompts]
    assert tries == [1, 2, 3, 1, 1, 1] and len(kept(tmp_path)) == 9
    run = prepare(asked.experiment)  # type: ignore[arg-type]
    assert isinstance(run, StudentRun)
    selection = select_examples(run.recipe, Stores().of(teacher))
    assert [example.place.partition("#")[2] for example in selection.examples] == ["0", "1", "1", "0", "1"]
    assert selection.left_out == {"with unclosed reasoning": 1, "with too few events right": 3}
    assert (selection.generations, selection.uses_gold, selection.method) == (9, True, "rejection_sampling")
    assert make_plan([run], Stores()).teacher_loads == [], "nothing is owed any more"


def test_what_may_be_needed_is_planned_and_priced(tmp_path: Path) -> None:
    run = prepare(job(tmp_path, "http://127.0.0.1:9/v1").experiment)  # type: ignore[arg-type]
    plan = make_plan([run], Stores())
    (load,) = plan.teacher_loads
    assert (len(load.requests), load.further, plan.further) == (6, 12, 12)
    assert plan.wanted == plan.owed == 6 + len(run.requests)
    most = estimate(plan, Stores()).loads[0]
    assert most.answer_tokens == 18 * load.requests[0].decoding.sampling.max_new_tokens


def test_a_server_that_dies_between_tries_fails_the_job_and_the_next_command_goes_on(tmp_path: Path) -> None:
    teacher = teacher_of(job(tmp_path, "http://127.0.0.1:9/v1"))
    texts = answers(teacher)
    server = FailingServer(texts).__enter__()

    def die(count: int) -> None:
        if count == 7:  # in the second round
            server.__exit__(None, None, None)

    killed, callback = job(tmp_path, server.url), Notes(on_generated=die)
    execute.generate_jobs([killed], callback, TEACHERS_ONLY)
    assert callback.failures == [killed] and server.url in str(killed.error)
    before = len(kept(tmp_path))
    left = {prompt: said[len(server.attempts[prompt or ""]) :] or said for prompt, said in texts.items()}
    with FailingServer(left) as again:
        resumed = job(tmp_path, again.url)
        execute.generate_jobs([resumed], Notes(), TEACHERS_ONLY)
        assert resumed.error is None and len(again.bodies) == 9 - before
    assert len(kept(tmp_path)) == 9
