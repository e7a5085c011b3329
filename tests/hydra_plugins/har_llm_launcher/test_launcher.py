"""The launcher for Hydra: it composes the jobs, runs them together and reports each result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext, RunMode

from har_llm.common.shipped import conf_folder
from har_llm.config.settings import PARSINGS
from hydra_plugins.har_llm_launcher.launcher import HarLauncher, titled
from tests.commands import har_llm
from tests.scripted_runs import SMALL, gold_script

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    gold_script(tmp_path / "gold.jsonl")
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        yield


def launched(*jobs: list[str]) -> list[JobReturn]:
    """These jobs, each with the overrides of a small scripted run, as Hydra's sweeper launches them."""
    loader = GlobalHydra.instance().config_loader()
    launcher = HarLauncher()
    launcher.setup(
        hydra_context=HydraContext(loader, Callbacks()),
        task_function=lambda cfg: None,
        config=loader.load_configuration("config", [], run_mode=RunMode.MULTIRUN),
    )
    return list(launcher.launch([[*SMALL, "engine.path=gold.jsonl", "baselines=none", *job] for job in jobs], 0))


def runs(folder: Path) -> list[Path]:
    return list(folder.glob("outputs/runs/*"))


def test_each_job_returns_its_headline_score(tmp_path: Path) -> None:
    wrong = ["limit=3", "engine.path=null"]
    returns = launched(["limit=2"], wrong, [*wrong, "metrics.headline=missed"])
    assert [one.status for one in returns] == [JobStatus.COMPLETED] * 3
    assert [one.return_value for one in returns] == [1.0, 0.0, 1.0]
    assert len(runs(tmp_path)) == 2


def test_all_jobs_are_made_with_one_load(capfd: pytest.CaptureFixture[str]) -> None:
    launched(["limit=2"], ["limit=3"], ["limit=4", "metrics.parsing=lenient"])
    shown = capfd.readouterr()
    assert shown.err.count("loading the model") == 1 and "4 generations to make" in shown.err
    for title in ("limit=2", "limit=3", "limit=4 metrics.parsing=lenient"):
        assert title in shown.out


def test_a_job_that_fails_is_told_with_its_own_name_and_the_command_ends_with_1(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        launched(["limit=2"], ["seed=-1"], ["split.part=test", "window.min_events=99"])
    assert ended.value.code == 1
    errors = capfd.readouterr().err.splitlines()
    told = [line for line in errors if line.startswith("error: ")]
    assert len(told) == 2
    assert told[0].startswith("error: seed=-1: seed is -1; it must be")
    assert told[1].startswith("error: split.part=test window.min_events=99: ")
    assert errors[-1] == "2 of 3 jobs failed; their errors are above."
    assert len(runs(tmp_path)) == 1


def test_when_all_jobs_fail_nothing_is_loaded(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        launched(["seed=-1"], ["seed=-2"])
    shown = capfd.readouterr()
    assert "2 of 2 jobs failed" in shown.err and "loading" not in shown.err
    assert not shown.out and not runs(tmp_path)


@pytest.mark.parametrize("task", ["describe", "validate", "prompt", "plan"])
def test_every_task_tells_of_each_job_that_fails(task: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        launched([f"task={task}"], [f"task={task}", "seed=-1"])
    assert ended.value.code == 1
    shown = capfd.readouterr()
    assert "error: seed=-1: seed is -1" in shown.err and "1 of 2 jobs failed" in shown.err
    assert shown.out, "the other one is done"


def test_jobs_of_different_tasks_are_refused_in_one_sentence() -> None:
    with pytest.raises(SystemExit, match="error: task is plan and run in one sweep; all its jobs must have the same task"):
        launched(["task=plan"], ["task=run"])


def test_a_task_without_a_score_returns_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (planned,) = launched(["task=plan", "limit=2"])
    assert (planned.status, planned.return_value) == (JobStatus.COMPLETED, None)
    assert "2 are to be made" in capfd.readouterr().out
    assert not list(tmp_path.glob("outputs/*"))


def test_a_plan_counts_what_is_finished_and_what_is_stored(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    launched(["limit=2"])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    launched(*(["task=plan", f"limit={limit}", f"metrics.parsing={parsing}"] for limit in (2, 3, 5) for parsing in PARSINGS))
    said = capfd.readouterr().out
    needed = "6 runs, 2 finished. Generations needed: 5, of which 2 are stored and 3 are to be made."
    assert needed in said
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before, "nothing is written"


def test_a_damaged_run_directory_is_made_anew_and_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    launched(["limit=1"])
    damaged = runs(tmp_path)[0] / "metrics.json"
    damaged.unlink()
    launched(["limit=1"], ["limit=2"])
    shown = capfd.readouterr()
    assert "is damaged (metrics.json: No such file or directory); it is made anew" in shown.err
    assert damaged.exists() and "limit=2" in shown.out


@pytest.mark.parametrize(
    ("jobs", "titles"),
    [
        ([["model=a", "++seed=0"], ["model=a", "++seed=1"]], ["seed=0", "seed=1"]),
        ([["model=a", "+x.y={1:2}"], ["model=b"]], ["model=a x.y={1:2}", "model=b"]),
        ([["model=a", "seed=0"]], ["model=a seed=0"]),
        ([["model=a"], ["model=a"]], ["", ""]),
        ([["hydra.verbose=true", "seed=0"], ["seed=1"]], ["seed=0", "seed=1"]),
        ([[]], [""]),
    ],
)
def test_a_title_is_what_tells_a_job_from_the_others(jobs: list[list[str]], titles: list[str]) -> None:
    assert [titled(job, jobs) for job in jobs] == titles


def test_equal_jobs_are_numbered_and_told(capfd: pytest.CaptureFixture[str]) -> None:
    launched(["limit=1"], ["limit=1"])
    shown = capfd.readouterr()
    assert "job 0" in shown.out and "job 1" in shown.out
    assert "note: job 0, job 1 are the same experiment" in shown.err


def test_bundles_that_the_command_line_overrules_are_told(capfd: pytest.CaptureFixture[str]) -> None:
    launched(*(["task=describe", f"bundle/miniature={name}", "model=tiny_teacher"] for name in ("teacher", "student")))
    assert "note: bundle/miniature=teacher, bundle/miniature=student are the same" in capfd.readouterr().err


def test_a_faulty_program_is_no_failed_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(cfg: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("har_llm.config.read.read_experiment", broken)
    with pytest.raises(ZeroDivisionError):
        launched(["limit=1"])


def test_hydra_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)  # a test before may have run a command in this process
    launched(["limit=1"])
    assert not HydraConfig.initialized()


def test_a_sweep_without_jobs_is_no_success(tmp_path: Path) -> None:
    slip = har_llm(tmp_path, "experiment=paper", "bundle/paper=glob(marbel_*)", "task=plan", expect=1)
    assert slip.stderr.strip() == (
        "error: this sweep has no jobs, because bundle/paper=glob(marbel_*) matches nothing; --help lists the options."
    )
