"""Whole commands with the real client, not logged in: what it wrote is read back."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import har_llm
from tests.scripted_runs import SMALL, gold_script
from tests.tracking.fake_wandb import KEY, fake_wandb
from tests.tracking.wandb_file import OfflineRun, published_runs

pytestmark = pytest.mark.slow

NOT_LOGGED_IN = "because this machine is not logged in to W&B; after `wandb login`, this sends what is kept: "


@pytest.fixture
def script(tmp_path: Path) -> str:
    return f"engine.path={gold_script(tmp_path / 'gold.jsonl', wrong=24)}"


def command_of(message: str) -> list[str]:
    return shlex.split(message.rpartition("this sends what is kept: ")[2].strip())


def run_folder(folder: Path) -> Path:
    (found,) = (folder / "outputs" / "runs").iterdir()
    return found


def test_a_run_becomes_one_wandb_run_that_says_what_its_directory_says(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "a-secret-of-the-environment")
    before = set(tmp_path.iterdir())
    done = har_llm(
        tmp_path, *SMALL, script, "tracker=wandb", "tracker.samples=12", "tracker.tags=[mine]", WANDB_RUN_ID="mine"
    )
    (line,) = [line for line in done.stderr.splitlines() if "W&B" in line]
    assert line.startswith("2 W&B runs are kept here, " + NOT_LOGGED_IN + "wandb sync outputs/wandb/offline-run-")
    assert "wandb:" not in done.stderr and "Run directory: " in done.stdout
    assert {path.name for path in set(tmp_path.iterdir()) - before} == {"outputs"}, "nothing lies about"
    (sent,) = published_runs(tmp_path / "outputs")
    folder = run_folder(tmp_path)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (sent.run.project, sent.run.display_name, sent.run.job_type) == ("har_llm", folder.name, "run")
    assert sent.run.run_group == "simulated_flat-tiny_student-test" and sent.exit_code == 0
    assert list(sent.run.tags)[-3:] == ["synthetic home", "synthetic model", "mine"]
    assert sent.run.run_id == "mine", "as an agent of W&B's sweeps says it"
    assert sent.run.notes == "synthetic home; synthetic model"
    assert sent.summary["strict/f1_weighted"] == metrics["strict"]["all"]["mean"]["f1_weighted"]["mean"]
    assert sent.config["model"]["name"] == "tiny_student"
    assert len(sent.table("samples")) == 12 and not sent.table("samples")[0]["right"]
    assert {row["session"] for row in sent.table("session_scores")} == metrics["strict"]["all"]["sessions"].keys()
    assert sum(row["nPredictions"] for row in sent.table("confusion_table")) == metrics["events"]
    assert len(sent.history) == 1, "everything is logged once"
    files = {path for paths in sent.artifacts.values() for path in paths.values()}
    assert {kind.partition("/")[0] for kind in sent.artifacts} == {"predictions", "generations"}
    assert {Path(path).name for path in files} >= {"predictions.jsonl", "windows.jsonl", "metrics.json"}
    everything = sent.everything()
    assert "a-secret-of-the-environment" not in everything and sent.run.host == ""
    assert str(tmp_path / "outputs") not in everything


def test_asked_again_it_is_neither_run_nor_written_again(tmp_path: Path, script: str) -> None:
    asked = [*SMALL, script, "limit=2", "tracker=wandb", "tracker.mode=offline"]
    har_llm(tmp_path, *asked)
    content = {path: path.read_bytes() for path in run_folder(tmp_path).iterdir()}
    again = har_llm(tmp_path, *asked)
    assert "because tracker.mode is offline" in again.stderr and len(published_runs(tmp_path / "outputs")) == 1
    assert {path: path.read_bytes() for path in run_folder(tmp_path).iterdir()} == content


def test_a_sweep_is_one_group_and_one_sentence(tmp_path: Path, script: str) -> None:
    sweep = ["-m", *SMALL, script, "limit=1,2", "metrics.parsing=strict,lenient", "report.after_sweep=false"]
    done = har_llm(tmp_path, *sweep, "tracker=wandb")
    told = done.stderr.replace("W&B is still at work", "")  # on a slow machine
    assert told.count("W&B") == 2 and "3 W&B runs are kept here, " in told, "with that of generating"
    runs = published_runs(tmp_path / "outputs")
    (group,) = {run.run.run_group for run in runs}
    assert len(runs) == 2 and group.startswith("sweep-")
    for run in runs:
        config = (tmp_path / "outputs" / "runs" / run.run.display_name / "config.yaml").read_text()
        assert f"group: {group}" in config, "so that a later sync finds it"


def test_what_is_kept_offline_is_sent_by_the_command_that_was_shown(tmp_path: Path, script: str) -> None:
    done = har_llm(tmp_path, *SMALL, script, "limit=2", "tracker=wandb")
    (kept,) = published_runs(tmp_path / "outputs")
    with fake_wandb() as server:
        environment = {**os.environ, "WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY}
        command = [str(Path(sys.executable).parent / "wandb"), *command_of(done.stderr)[1:]]
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=120)
    assert server.runs() == [kept.run.run_id] and server.finished() == 1
    sent = {name.rpartition("/")[2]: content for name, content in server.uploads.items()}
    assert sent["windows.jsonl"] == (run_folder(tmp_path) / "windows.jsonl").read_bytes()
    again = har_llm(tmp_path, *SMALL, script, "limit=2", "tracker=wandb")
    assert "W&B has the run already: sent by wandb sync" in again.stderr
    assert len(published_runs(tmp_path / "outputs")) == 1


def test_without_artifacts_and_samples_no_generation_leaves_the_machine(tmp_path: Path, script: str) -> None:
    options = ["tracker=wandb", "tracker.artifacts=false", "tracker.samples=0"]
    har_llm(tmp_path, *SMALL, script, "limit=2", *options)
    (sent,) = published_runs(tmp_path / "outputs")
    assert not sent.artifacts and not list(sent.folder.glob("files/media/table/samples*"))
    assert "It is so." not in sent.everything()


def test_an_outputs_folder_elsewhere_holds_everything(tmp_path: Path, script: str) -> None:
    har_llm(tmp_path, *SMALL, script, "limit=1", "tracker=wandb", "paths.outputs=a b/out")
    runs: list[OfflineRun] = published_runs(tmp_path / "a b" / "out")
    assert len(runs) == 1 and not (tmp_path / "outputs").exists() and not (tmp_path / "wandb").exists()
