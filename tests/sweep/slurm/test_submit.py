"""Sweeps on Slurm; most are skipped where there is none (tools/slurm/single_node.sh starts one of a single node)."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from har_llm.common.errors import MissingError
from har_llm.runs.prepare import prepare
from har_llm.sweep.slurm import submit
from har_llm.sweep.slurm.settings import SlurmSettings
from har_llm.sweep.slurm.submit import SCORES, Sources, Work, run_jobs
from tests.commands import har_llm
from tests.scripted_runs import SMALL
from tests.sweep import distilled_jobs
from tests.sweep.noted_jobs import Notes

pytestmark = pytest.mark.slow


def slurm_answers() -> bool:
    if shutil.which("sbatch") is None:
        return False
    return subprocess.run(["sinfo"], capture_output=True, timeout=60).returncode == 0


on_slurm = pytest.mark.skipif(
    not slurm_answers(), reason="no Slurm answers here; tools/slurm/single_node.sh starts one of a single node"
)


OURS = ["hydra/launcher=har_llm_slurm", "hydra.launcher.gpus=0", "hydra.launcher.cpus=1", "hydra.launcher.mem_gb=2"]


def predictions(folder: Path) -> dict[str, str]:
    return {path.parent.name: path.read_text() for path in folder.glob("outputs/runs/*/predictions.jsonl")}


@on_slurm
def test_a_sweep_is_one_slurm_job_for_each_model_and_one_that_scores(tmp_path: Path, script: str) -> None:
    sweep = ["-m", *SMALL, script, "model=tiny_student,tiny_teacher", "window.events=5,10"]
    done = har_llm(tmp_path, *OURS, *sweep)
    submitted = [line for line in done.stdout.splitlines() if line.startswith("Slurm job") and "log:" in line]
    assert [line.split(": ", 1)[1].split("; log")[0] for line in submitted] == [
        "tiny_student for 2 run(s)",
        "tiny_teacher for 2 run(s)",
        "score for 4 run(s)",
    ]
    on_cluster = predictions(tmp_path)
    assert len(on_cluster) == 4
    shards = [json.loads(line) for path in tmp_path.glob("outputs/store/generations/*/*.jsonl") for line in path.open()]
    assert len({row["key"] for row in shards}) == len(shards)
    again = har_llm(tmp_path, *OURS, *sweep)
    assert "Slurm job" not in again.stdout, "nothing is owed, so nothing is submitted"
    (tmp_path / "here").mkdir()
    har_llm(tmp_path / "here", *sweep)
    assert predictions(tmp_path / "here") == on_cluster


@on_slurm
def test_a_model_that_fails_on_the_cluster_fails_its_runs_with_the_end_of_its_log(tmp_path: Path, script: str) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text((tmp_path / "gold.jsonl").read_text().replace("<think>", ""))
    sweep = ["-m", *SMALL[:2], "engine=transformers", "model=tiny_student", "model.context=50,4096", "limit=1"]
    done = har_llm(tmp_path, *OURS, *sweep, expect=1)
    assert "has ended and the run is not complete" in done.stderr
    assert "context is 50; use smaller windows" in done.stderr
    assert "1 of 2 jobs failed" in done.stderr
    assert len(predictions(tmp_path)) == 1


@on_slurm
def test_teacher_trainings_and_student_are_stages_that_wait_for_each_other(tmp_path: Path) -> None:
    short = ["dataset.sessions.events=[6,6]", "window.events=3", "model=tiny_student", "lora=distilled_tiny"]
    training = ["lora.training.max_steps=2", "lora.training.warmup_steps=0", "lora.train_sessions=1,2"]
    done = har_llm(tmp_path, *OURS, "-m", SMALL[0], "+dataset.paper_split={4:3}", *short, *training)
    submitted = [line for line in done.stdout.splitlines() if line.startswith("Slurm job") and "log:" in line]
    assert [line.split(": ", 1)[1].split(" for ")[0] for line in submitted] == [
        "tiny_teacher",
        "tiny_student_distilled1",
        "tiny_student_distilled2",
        "tiny_student",
        "score",
    ]
    assert len(predictions(tmp_path)) == 2
    assert len(list(tmp_path.glob("outputs/store/adapters/tiny_student-*"))) == 2


@pytest.mark.timeout(600)
@on_slurm
def test_a_job_whose_time_is_up_is_queued_again_and_goes_on(tmp_path: Path, script: str) -> None:
    """Two minutes are not enough for these generations, so the job is stopped at least once."""
    slow = [*OURS, "hydra.launcher.timeout_min=2", "engine.delay_s=4", "window.events=1", "limit=30"]
    done = har_llm(tmp_path, *slow, "-m", *SMALL, script, "seed=0")
    (job,) = re.findall(r"Slurm job (\d+): tiny_student", done.stdout)
    told = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, check=True).stdout
    assert int(re.findall(r"Restarts=(\d+)", told)[0]) >= 1
    made = [json.loads(line) for path in tmp_path.glob("outputs/store/generations/*/*.jsonl") for line in path.open()]
    assert len({row["key"] for row in made}) == len(made) == 30, "nothing is lost, and nothing is made twice"
    assert len(predictions(tmp_path)) == 1


@on_slurm
def test_a_request_that_the_cluster_refuses_is_one_sentence(tmp_path: Path, script: str) -> None:
    done = har_llm(tmp_path, *OURS, "hydra.launcher.partition=nowhere", "-m", *SMALL, script, "seed=0", expect=1)
    assert "Slurm refuses the job for tiny_student" in done.stderr
    assert "invalid partition" in done.stderr


@on_slurm
def test_hydras_own_slurm_launcher_works_too(tmp_path: Path, script: str) -> None:
    asked = ["hydra/launcher=submitit_slurm", "hydra.launcher.mem_gb=2", "hydra.launcher.timeout_min=10"]
    har_llm(tmp_path, *asked, "-m", *SMALL, script, "window.events=5,10")
    assert len(predictions(tmp_path)) == 2


def test_without_slurm_there_is_one_sentence(tmp_path: Path, script: str) -> None:
    done = har_llm(tmp_path, *OURS, "-m", *SMALL, script, "seed=0", expect=1, PATH="/nowhere")
    assert "error: hydra/launcher=har_llm_slurm needs sbatch, which is not installed here" in done.stderr


def test_where_srun_is_not_found_there_is_one_sentence_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sbatch").write_text(SBATCH)
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match="har_llm_slurm needs srun, which is not installed here"):
        run_jobs([], SlurmSettings(), done, Notes())


def test_other_tasks_are_done_here(tmp_path: Path, script: str) -> None:
    done = har_llm(tmp_path, *OURS, "-m", *SMALL, script, "task=plan", "seed=0", PATH="/nowhere")
    assert "are to be made" in done.stdout


def done(sources: Sources, stage: str) -> None:
    """Stands for the work of a Slurm job; submitit pickles it by name."""
    print(sources, stage)


SBATCH = """#!/bin/sh
number=$(ls "$STAND_IN" | wc -l)
touch "$STAND_IN/$number"
name=$(sed -n 's/^#SBATCH --job-name=har_llm_//p' "$1")
log=$(sed -n 's/^#SBATCH --error=//p' "$1" | sed "s/%j/$number/g; s/%t/0/g")
case " $WITHOUT_LOG " in *" $name "*) ;; *) mkdir -p "$(dirname "$log")" && echo "last words of $name" > "$log" ;; esac
echo "Submitted batch job $number"
"""
"""Stands for Slurm: a job ends at once, has made nothing and leaves a log."""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "numbers").mkdir()
    for name, script in (("sbatch", SBATCH), ("srun", "#!/bin/sh\n"), ("squeue", "#!/bin/sh\n")):
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("STAND_IN", str(tmp_path / "numbers"))


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("without_log", "shown"),
    [
        ("", "tiny_student"),
        ("tiny_student", "tiny_student_distilled"),
        ("tiny_student tiny_student_distilled", "tiny_teacher"),
    ],
)
def test_a_failed_run_shows_the_log_of_the_last_job_that_tried_it(
    without_log: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WITHOUT_LOG", without_log)
    student = distilled_jobs.job(tmp_path)
    run_jobs([student], SlurmSettings(wait=True), done, Notes())
    assert re.search(r"Slurm job \d \((.*)\) has ended", str(student.error))[1] == shown  # type: ignore[index]
    assert str(student.error).endswith(f"last words of {shown}")


@pytest.mark.usefixtures("stand_in")
def test_a_run_whose_generations_are_all_stored_shows_the_log_of_the_scoring(tmp_path: Path) -> None:
    job = distilled_jobs.job(tmp_path, "lora=none")
    assert job.experiment is not None
    distilled_jobs.keep(prepare(job.experiment))
    run_jobs([job], SlurmSettings(wait=True), done, Notes())
    assert str(job.error).endswith("last words of score")


@pytest.mark.usefixtures("stand_in")
def test_the_signal_before_the_time_limit_reaches_the_process_that_queues_the_job_again(tmp_path: Path) -> None:
    """Without B: only job steps get it, of which there are none; a shell would not pass it on."""
    run_jobs([distilled_jobs.job(tmp_path, "lora=none")], SlurmSettings(wait=True), done, Notes())
    scripts = [path.read_text() for path in tmp_path.glob("**/slurm/*/*submission.sh")]
    assert scripts
    for script in scripts:
        assert "#SBATCH --signal=B:USR2@30\n" in script
        assert re.search(r"^exec \S*python\S* -u -m submitit", script, re.MULTILINE)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("answer", ["sleep 20", "exit 1"])
def test_a_controller_that_does_not_answer_is_asked_again(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A squeue that hangs was a traceback."""
    squeue = f"#!/bin/sh\n[ -e {tmp_path}/asked ] && exit\ntouch {tmp_path}/asked\nexec {answer}\n"
    (tmp_path / "bin" / "squeue").write_text(squeue)
    monkeypatch.setattr(submit, "ANSWER_S", 2.0)
    monkeypatch.setattr(submit, "POLL_S", 0.0)
    job = distilled_jobs.job(tmp_path, "lora=none")
    assert job.experiment is not None
    distilled_jobs.keep(prepare(job.experiment))
    run_jobs([job], SlurmSettings(wait=True), done, Notes())
    shown = capsys.readouterr().out
    assert shown.index("(score): unknown") < shown.index("(score): ended")


def test_work_whose_time_is_up_is_queued_again(capsys: pytest.CaptureFixture[str]) -> None:
    work = Work(done, [("seed=0", {})], SCORES)
    again = pickle.loads(pickle.dumps(work.checkpoint()))
    assert again.function == work
    again.function(*again.args, **again.kwargs)
    assert capsys.readouterr().out == "[('seed=0', {})] scores\n"
