"""A teacher behind a server, its student here: `+engine@lora.engine=openai`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from har_llm.distill.manifest import read_manifest
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import StudentRun
from har_llm.sweep import execute
from har_llm.sweep.job import Job
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from tests.engines.failing_server import FailingServer, completion
from tests.sweep.distilled_jobs import adapters, job
from tests.sweep.noted_jobs import Notes, done, kept

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("same_process")]
ANSWER = json.dumps(completion("<think>\nSo.\n</think>\n\n[]"))
TEACHERS_ONLY = execute.STAGES[0]


def served(tmp_path: Path, url: str, *overrides: str) -> Job:
    engine = ("+engine@lora.engine=openai", f"lora.engine.base_url={url}", "lora.engine.concurrency=1")
    return job(tmp_path, "lora.teacher.id=org/large", *engine, "lora.engine.max_retries=0", *overrides)


@pytest.fixture
def server() -> Iterator[FailingServer]:
    with FailingServer({None: (ANSWER,)}) as running:
        yield running


def test_its_generations_are_planned_without_files_or_memory_for_it_and_are_its_own(tmp_path: Path) -> None:
    run, here = (
        prepare(one.experiment)  # type: ignore[arg-type]
        for one in (served(tmp_path, "http://127.0.0.1:9/v1"), job(tmp_path))
    )
    (teacher, student) = make_plan([run], Stores()).loads
    assert (teacher.engine.engine_name, student.engine.engine_name) == ("OpenAI", "Transformers")
    assert not teacher.engine.needs_model() and teacher.model.path is None
    assert isinstance(run, StudentRun) and isinstance(here, StudentRun) and run.recipe.key != here.recipe.key
    assert run.recipe.identity["examples"] == [request.key for request in run.recipe.teacher.requests]


def test_only_the_models_that_run_here_are_fetched(tmp_path: Path) -> None:
    callback = Notes()
    execute.fetch_models([served(tmp_path, "http://127.0.0.1:9/v1")], callback)
    assert not callback.failures and [folder.name for folder in callback.folders] == ["tiny_student"]


def test_what_the_server_had_answered_when_it_died_is_not_asked_again(tmp_path: Path) -> None:
    recipe = prepare(served(tmp_path, "http://127.0.0.1:9/v1").experiment).recipe  # type: ignore[arg-type]
    assert recipe is not None and recipe.teacher is not None
    answered = [prompt.messages[-1]["content"] for prompt in recipe.teacher.prompts[:3]]
    with FailingServer({**dict.fromkeys(answered, (ANSWER,)), None: ("reset",)}) as server:
        killed, callback = served(tmp_path, server.url), Notes()
        execute.generate_jobs([killed], callback, TEACHERS_ONLY)
    assert callback.failures == [killed] and server.url in str(killed.error)
    before = kept(tmp_path)
    assert len(before) == 3
    port = int(re.search(r":(\d+)/", server.url)[1])  # type: ignore[index]
    with FailingServer({None: (ANSWER,)}, port=port) as again:
        resumed = served(tmp_path, again.url)
        execute.generate_jobs([resumed], Notes(), TEACHERS_ONLY)
        assert resumed.error is None and resumed.run is not None and isinstance(resumed.run, StudentRun)
        assert len(again.bodies) == len(resumed.run.recipe.teacher.requests) - len(before)
    assert {body["model"] for body in again.bodies} == {"org/large"}
    assert sorted(kept(tmp_path)) == sorted(resumed.run.recipe.identity["examples"])


@pytest.mark.slow
def test_a_student_is_trained_here_and_says_where_its_teacher_was(tmp_path: Path, server: FailingServer) -> None:
    student = served(tmp_path, server.url, "limit=1")
    assert not done(student).failures and student.folder is not None
    (folder,) = adapters(tmp_path)
    adapter = read_manifest(folder).adapter
    assert adapter is not None
    assert (adapter.origin.teacher.id, adapter.origin.teacher.engines) == ("org/large", ["OpenAI"])
    card = (folder / "README.md").read_text()
    assert "org/large, as a server has it (version and number format unknown), on OpenAI" in card
    assert str(tmp_path) not in card + (folder / "manifest.json").read_text()
    assert not done(served(tmp_path, "http://127.0.0.1:9/v1", "limit=1")).loads, "the server's address is in no key"
