"""Jobs made together, with the real worker process: each generation once, and a job that fails does not stop others."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from har_llm import tasks
from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.hardware import Gpu
from har_llm.engines import transformers_config
from har_llm.engines.scripted import ScriptedEngineConfig
from har_llm.models.footprint import Footprint
from har_llm.sweep import execute, throughput
from har_llm.sweep.job import Job
from tests.composing import experiment
from tests.helpers import ROOT
from tests.lora_adapters import random_adapter
from tests.sweep.noted_jobs import Notes, done, kept

pytestmark = pytest.mark.slow


class Refused(ScriptedEngineConfig):
    def replicas(self, size: Footprint | None, tokens: int) -> Sequence[dict[str, str]]:
        raise ConfigError("There is no such GPU.")


def refused(job: Job) -> Job:
    """The same job with an engine that makes the same generations, but cannot run here."""
    assert job.experiment is not None
    return Job(job.title, replace(job.experiment, engine=Refused(**job.experiment.engine.__dict__)))


def windows(job: Job) -> int:
    assert job.run is not None
    return len(job.run.requests)


def workers() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [one for one in children if one.status() != psutil.STATUS_ZOMBIE and "har_llm.common.process" in one.cmdline()]


def kill_worker(at: int) -> Callable[[int], None]:
    def when(count: int) -> None:
        if count == at:
            for worker in workers():
                os.kill(worker.pid, signal.SIGKILL)

    return when


def test_a_number_format_that_the_gpu_lacks_is_refused_before_the_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformers_config, "gpus", lambda: [Gpu("0", "Tesla V100", 16e9, 16e9, 7.0)])
    one = Job(
        "",
        experiment(
            "model=tiny_student", "model.dtype=bfloat16", "engine=transformers", "limit=1", f"paths.outputs={tmp_path}"
        ),
    )
    execute.generate_jobs([one], Notes())
    assert isinstance(one.error, ConfigError) and "set model.dtype=float16" in str(one.error)


def test_each_generation_is_made_once_over_all_jobs(tmp_path: Path, job: Callable[..., Job]) -> None:
    jobs = [job("limit=3"), job(), job("metrics.parsing=lenient"), job("seed=1"), job("limit=5", "seed=2")]
    callback = done(*jobs)
    assert not callback.failures and len(callback.loads) == 1
    assert len(callback.keys) == windows(jobs[1])
    assert sorted(kept(tmp_path)) == sorted(set(callback.keys))
    assert all(each.folder is not None and (each.folder / "metrics.json").is_file() for each in jobs)
    assert len({each.folder for each in jobs}) == 4, "metrics.parsing makes no other run"
    assert [tasks.headline(each) for each in jobs] == [1.0] * 5


def test_a_finished_run_is_not_made_again_and_nothing_is_loaded_for_it(tmp_path: Path, job: Callable[..., Job]) -> None:
    done(job("limit=3"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "outputs").rglob("*")}
    again, other_reading = job("limit=3"), job("limit=3", "metrics.parsing=lenient")
    callback = done(again, other_reading)
    assert not callback.loads and not callback.keys
    assert (again.fresh, other_reading.fresh) == (False, False)
    assert again.folder == other_reading.folder is not None
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "outputs").rglob("*")} == before


def test_stored_generations_are_scored_without_an_engine(tmp_path: Path, job: Callable[..., Job]) -> None:
    done(job("limit=6"))
    shorter = job("limit=3")
    callback = done(shorter)
    assert not callback.loads and shorter.fresh and shorter.folder is not None


def test_a_job_that_cannot_be_prepared_does_not_stop_the_others(job: Callable[..., Job]) -> None:
    wrong = Job("seed=-1", error=ConfigError("seed is -1."))
    jobs = [job("limit=2"), job("dataset.sessions.events=[5,5]", "window.min_events=10"), wrong, job("limit=3")]
    callback = done(*jobs)
    assert callback.failures == [jobs[1], wrong], "each is reported once"
    assert "No window is left" in str(jobs[1].error) and jobs[1].reported and jobs[1].folder is None
    assert jobs[0].folder and jobs[3].folder and len(callback.loads) == 1


def test_a_killed_worker_fails_only_the_jobs_that_still_owe_something(tmp_path: Path, job: Callable[..., Job]) -> None:
    jobs = [job("limit=2", "engine.delay_s=0.2"), job("limit=8", "engine.delay_s=0.2"), job("engine.text=other", "limit=2")]
    callback = done(*jobs, callback=Notes(on_generated=kill_worker(at=3)))
    assert callback.failures == [jobs[1]] and "was killed by signal 9" in str(jobs[1].error)
    assert jobs[0].fresh and jobs[2].fresh, "the first has all its generations, the third another engine"
    assert len(callback.loads) == 2
    made = len(callback.keys) - 2
    assert 3 <= made <= 4, "only what was in flight is lost"
    again = [job("limit=2", "engine.delay_s=0.2"), job("limit=8", "engine.delay_s=0.2")]
    assert len(done(*again).keys) == 8 - made
    assert again[1].fresh and not again[0].fresh
    assert len(kept(tmp_path)) == len(set(kept(tmp_path))) == 10


def test_where_an_engine_cannot_run_another_makes_the_generations_that_both_owe(job: Callable[..., Job]) -> None:
    cannot, can = refused(job("limit=4")), job("limit=4")
    callback = done(cannot, can)
    assert callback.failures == [cannot] and str(cannot.error) == "There is no such GPU."
    assert can.fresh and len(callback.keys) == 4 and len(callback.loads) == 1


def test_an_engine_that_has_nothing_to_make_is_not_needed(job: Callable[..., Job]) -> None:
    can, cannot = job("limit=4"), refused(job("limit=4"))
    assert not done(can, cannot).failures
    assert can.folder == cannot.folder is not None


def test_where_an_engine_dies_another_makes_what_is_left(tmp_path: Path, job: Callable[..., Job]) -> None:
    dying, other = job("limit=6", "engine.delay_s=0.2"), job("limit=4", "engine.delay_s=0.01")
    callback = done(dying, other, callback=Notes(on_generated=kill_worker(at=2)))
    assert callback.failures == [dying]
    assert other.fresh and [len(load.runs) for load in callback.loads] == [1, 1]
    assert len(kept(tmp_path)) == len(set(kept(tmp_path))) >= 4


def test_the_order_of_the_jobs_changes_no_result(tmp_path: Path, job: Callable[..., Job]) -> None:
    overrides = [["limit=3"], ["engine.text=other", "limit=2"], ["limit=4"], ["limit=3", "engine.text=other"]]
    seen = []
    for name, order in (("one", overrides), ("two", overrides[::-1])):
        jobs = [job(*each, f"paths.outputs={tmp_path / name}") for each in order]
        callback = done(*jobs)
        assert len(callback.loads) == 2
        seen.append(
            {each.folder.name: (each.folder / "predictions.jsonl").read_text() for each in jobs if each.folder is not None}
        )
    assert seen[0] == seen[1] and len(seen[0]) == 4


def test_outputs_that_cannot_be_written_fail_their_own_jobs_before_anything_is_loaded(
    tmp_path: Path, job: Callable[..., Job]
) -> None:
    (tmp_path / "file").touch()
    blocked = [
        job("limit=1", f"paths.outputs={tmp_path / 'file' / 'x'}"),
        job("limit=2", f"paths.outputs={tmp_path}/file/x"),
    ]
    sound = job("limit=2")
    callback = done(*blocked, sound)
    assert callback.failures == blocked and all(isinstance(each.error, MissingError) for each in blocked)
    assert "file is no folder, but outputs belong there" in str(blocked[0].error)
    assert sound.fresh and len(callback.loads) == 1


def test_two_outputs_folders_each_get_their_generations(tmp_path: Path, job: Callable[..., Job]) -> None:
    jobs = [job("limit=2", f"paths.outputs={tmp_path / name}") for name in ("one", "two")]
    assert not done(*jobs).failures
    assert len(list(tmp_path.glob("one/runs/*"))) == len(list(tmp_path.glob("two/runs/*"))) == 1


def test_generations_that_cannot_be_stored_are_one_sentence(tmp_path: Path, job: Callable[..., Job]) -> None:
    blocked, sound = job("limit=2"), job("limit=2", "engine.text=other")
    done(job("limit=1"))
    (folder,) = tmp_path.glob("outputs/store/generations/*")
    shutil.rmtree(folder)
    folder.touch()
    callback = done(blocked, sound)
    assert callback.failures == [blocked]
    assert "cannot be written (File exists); set paths.outputs otherwise" in str(blocked.error)
    assert sound.fresh


def test_a_run_directory_that_cannot_be_written_is_one_sentence(tmp_path: Path, job: Callable[..., Job]) -> None:
    jobs = [job("limit=2"), job("limit=3")]
    execute.generate_jobs(jobs, Notes())
    (tmp_path / "outputs" / "runs").rmdir()
    (tmp_path / "outputs" / "runs").touch()
    callback = Notes()
    execute.finish_jobs(jobs, callback)
    assert callback.failures == jobs
    assert "cannot be written (File exists)" in str(jobs[0].error) and "generations are stored" in str(jobs[0].error)


def test_a_damaged_run_directory_is_made_anew(job: Callable[..., Job]) -> None:
    first = job("limit=2")
    done(first)
    assert first.folder is not None
    (first.folder / "metrics.json").write_text("{")
    jobs = [job("limit=2"), job("limit=3")]
    assert not done(*jobs).failures
    assert jobs[0].folder == first.folder and jobs[0].fresh and tasks.headline(jobs[0]) == tasks.headline(first)
    assert jobs[1].fresh


def test_an_interrupt_keeps_what_is_made_and_leaves_no_process(tmp_path: Path, job: Callable[..., Job]) -> None:
    def interrupt(count: int) -> None:
        if count == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        done(job("engine.delay_s=0.05"), callback=Notes(on_generated=interrupt))
    assert not workers()
    assert len(kept(tmp_path)) == 2
    assert not list(tmp_path.glob("outputs/runs/*"))


def test_no_process_is_left_after_a_sweep(job: Callable[..., Job]) -> None:
    alive = []
    done(
        job("limit=2"),
        job("limit=2", "engine.text=other"),
        callback=Notes(on_generated=lambda count: alive.append(len(workers()))),
    )
    assert alive == [1, 1, 1, 1], "one engine at a time"
    assert not workers()


def test_a_load_leaves_its_rate(tmp_path: Path, job: Callable[..., Job]) -> None:
    callback = done(job("limit=3", "engine.delay_s=0.1"))
    rate = throughput.known_rate(tmp_path / "outputs" / "store", callback.loads[0].identity)
    stored = [json.loads(line) for path in tmp_path.glob("outputs/store/generations/*/*.jsonl") for line in path.open()]
    assert rate is not None and rate.units == sum(one["completion_tokens"] for one in stored) > 3
    assert 0 < rate.seconds <= 0.3 + 1e-9 and len({one["kind"] for one in stored} - {""}) == 1
    assert 0 < rate.start_seconds < 60


def test_a_plan_is_reported_before_anything_is_loaded(job: Callable[..., Job]) -> None:
    callback = Notes()
    seen: list[tuple[int, int]] = []
    callback.on_generated = lambda count: seen.append((len(callback.plans), callback.plans[0].owed))
    done(job("limit=2"), job("limit=3"), callback=callback)
    assert seen == [(1, 3)] * 3


def tiny(tmp_path: Path, *overrides: str) -> Job:
    common = ["model=tiny_student", "engine=transformers", "model.sampling.max_new_tokens=4", f"paths.outputs={tmp_path}"]
    return Job(" ".join(overrides), experiment(*common, "limit=2", *overrides))


@pytest.mark.usefixtures("same_process")
def test_a_prompt_that_is_too_long_costs_its_own_job_only(tmp_path: Path) -> None:
    """Both jobs go to one engine in one batch."""
    jobs = [tiny(tmp_path, f"window.events={size}", "model.context=400") for size in (30, 3)]
    callback = done(*jobs)
    assert len(callback.loads) == 1
    assert callback.failures == [jobs[0]] and "the model's context is 400" in str(jobs[0].error)
    assert jobs[1].folder is not None


@pytest.mark.usefixtures("same_process")
def test_an_adapter_that_does_not_fit_costs_its_own_job_only(tmp_path: Path) -> None:
    fitting, foreign = (random_adapter(tmp_path / name, f"tiny_{name}") for name in ("student", "teacher"))
    jobs = [tiny(tmp_path, "lora=adapter", f"lora.path={path}") for path in (foreign, fitting)]
    callback = done(*jobs)
    assert len(callback.loads) == 1
    assert callback.failures == [jobs[0]] and "The adapter in" in str(jobs[0].error)
    assert jobs[1].folder is not None


@pytest.mark.usefixtures("same_process")
def test_files_that_are_cut_short_cost_their_own_jobs_only_and_nothing_is_loaded_for_them(tmp_path: Path) -> None:
    adapter = random_adapter(tmp_path / "adapter", "tiny_student")
    model = Path(shutil.copytree(ROOT / "har_llm/models/embedded/tiny_student", tmp_path / "model"))
    for file in (adapter / "adapter_model.safetensors", model / "model.safetensors"):
        file.write_bytes(file.read_bytes()[:-1])
    of_the_model = ["model=custom", f"model.id={model}", "model.sampling.max_new_tokens=4"]
    jobs = [tiny(tmp_path, "lora=adapter", f"lora.path={adapter}"), tiny(tmp_path, *of_the_model), tiny(tmp_path)]
    callback = done(*jobs)
    assert len(callback.loads) == 1 and jobs[2].folder is not None
    assert [job.title for job in callback.failures] == [jobs[1].title, jobs[0].title]
    assert all("is cut short or damaged" in str(job.error) for job in jobs[:2])
