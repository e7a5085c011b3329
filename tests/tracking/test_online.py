"""Against a server on the loopback: what it is sent, and that a server that hangs, refuses or fails costs one sentence."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.commands import har_llm, run_folders, started
from tests.scripted_runs import SMALL, gold_script
from tests.tracking.conftest import REFUSED
from tests.tracking.fake_wandb import KEY, Received, fake_wandb
from tests.tracking.wandb_file import offline_runs

pytestmark = pytest.mark.slow

PATIENT = ["tracker=wandb", "tracker.init_timeout=60", "tracker.finish_timeout=90"]


AFTER_INIT = "graphql"
"""Everything but the stream and the uploads, which come when a run has begun."""


@pytest.fixture
def server() -> Iterator[Received]:
    with fake_wandb() as received:
        yield received


def test_a_run_arrives_once(tmp_path: Path, script: str, server: Received) -> None:
    asked = [*SMALL, script, "limit=3", "tracker=wandb", "tracker.project=mine"]
    done = har_llm(tmp_path, *asked, WANDB_BASE_URL=server.url, WANDB_API_KEY=KEY)
    (id,) = server.runs()
    assert f"W&B has the run: {server.url}/team/mine/runs/{id}" in done.stderr.splitlines()
    (folder,) = run_folders(tmp_path)
    first = next(made for made in server.sent("UpsertBucket") if made["jobType"] == "run")  # after that of the generating
    assert (first["displayName"], first["groupName"], first["jobType"]) == (
        folder.name,
        "simulated_flat-tiny_student-test",
        "run",
    )
    assert first["notes"] == "synthetic home; synthetic model; partial: first 3 windows only" and not first["host"]
    assert json.loads(first["config"])["run"]["value"]["directory"] == folder.name
    assert len(server.history()) == 1 and server.finished() == 1
    artifacts = {made["input"]["artifactTypeName"] for made in server.sent("CreateArtifact")}
    assert artifacts == {"run_table", "predictions", "generations"}
    assert server.uploads[f"generations-{id}/windows.jsonl"] == (folder / "windows.jsonl").read_bytes()
    assert server.keys <= {"", "Basic YXBpOjAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODk="}
    assert not any(KEY.encode() in content for content in server.uploads.values())
    seen = len(server.queries)
    again = har_llm(tmp_path, *asked, WANDB_BASE_URL=server.url, WANDB_API_KEY=KEY)
    assert f"W&B has the run already: {server.url}/team/mine/runs/{id}" in again.stderr
    assert len(server.queries) == seen and not offline_runs(tmp_path / "outputs")


def test_a_login_in_netrc_is_found(tmp_path: Path, script: str, server: Received) -> None:
    (tmp_path / "home" / "netrc").write_text(
        f"machine {server.url.removeprefix('http://')}\n  login user\n  password {KEY}\n"
    )
    (tmp_path / "home" / "netrc").chmod(0o600)
    done = har_llm(tmp_path, *SMALL, script, "limit=1", "tracker=wandb", WANDB_BASE_URL=server.url)
    assert "W&B has the run: " in done.stderr and len(server.runs()) == 1


def test_a_key_that_is_missing_is_not_asked_for(tmp_path: Path, script: str) -> None:
    done = har_llm(tmp_path, *SMALL, script, "limit=1", *PATIENT, "tracker.mode=online")
    assert "The run is not published to W&B (No API key configured. Use `wandb login` to log in)" in done.stderr


TROUBLES = [
    ("refuses", "", "connection refused"),
    ("500", "", "HTTP 500"),
    ("hang", "", "Timed out initializing run"),
    ("500", AFTER_INIT, "500"),
    ("500", f"{AFTER_INIT}|upload", "500"),
    ("500", f"{AFTER_INIT}|file_stream", "500"),
    ("hang", AFTER_INIT, "Timed out finishing run"),
]
"""What the server does, the requests that it answers normally, and the reason that the user reads."""


SWEEP = ["-m", *SMALL, "limit=1,2,3", "report.after_sweep=false"]


@dataclass
class Swept:
    """A sweep's command and its results."""

    predictions: dict[str, bytes]
    shown: str
    message: str
    later: str = ""
    """The output of the task=sync that the message advises, with a server that works."""
    received: Received | None = None


def sweep(folder: Path, *options: str, url: str = REFUSED) -> Swept:
    done = har_llm(folder, *SWEEP, *options, **logged_in(folder, url))
    predictions = {run.name: (run / "predictions.jsonl").read_bytes() for run in run_folders(folder)}
    messages = [line for line in done.stderr.splitlines() if "W&B" in line and "still at work" not in line]
    assert len(messages) <= 1, "one sentence"
    return Swept(predictions, done.stdout, "".join(messages))


def logged_in(folder: Path, url: str) -> dict[str, str]:
    """The environment of a user with a key and nothing else."""
    return {"HOME": str(folder), "NETRC": str(folder / "netrc"), "WANDB_BASE_URL": url, "WANDB_API_KEY": KEY}


def troubled_sweep(folder: Path, script: str, trouble: str, spare: str) -> Swept:
    """Publish to a server in trouble; what failed from the start is then published to one that works."""
    quick = ["tracker.init_timeout=4"] if not spare else ["tracker.finish_timeout=8"] if trouble == "hang" else []
    with fake_wandb("" if trouble == "refuses" else trouble, spare) as server:
        swept = sweep(folder, script, *PATIENT, *quick, url=REFUSED if trouble == "refuses" else server.url)
    if not spare:
        with fake_wandb() as server:
            command = shlex.split(swept.message.rpartition("publish them later with: ")[2])
            assert command[:4] == ["python", "-m", "har_llm", "task=sync"]
            swept.later = har_llm(folder, *command[3:], *PATIENT, **logged_in(folder, server.url)).stdout
        swept.received = server
    return swept


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], Future[Swept]]]:
    """All of TROUBLES at once, as they mostly wait; and, under ("", ""), the same sweep with tracker=none."""
    script = f"engine.path={gold_script(tmp_path_factory.mktemp('script') / 'gold.jsonl')}"
    with ThreadPoolExecutor(len(TROUBLES) + 1) as pool:
        begun = {("", ""): pool.submit(sweep, tmp_path_factory.mktemp("untracked"), script)}
        for trouble, spare, _ in TROUBLES:
            folder = tmp_path_factory.mktemp("troubled")
            begun[trouble, spare] = pool.submit(troubled_sweep, folder, script, trouble, spare)
        yield begun


@pytest.mark.parametrize(("trouble", "spare", "reason"), TROUBLES)
def test_a_wandb_in_trouble_costs_one_sentence(
    troubled: dict[tuple[str, str], Future[Swept]], trouble: str, spare: str, reason: str
) -> None:
    tracked, untracked = troubled[trouble, spare].result(300), troubled["", ""].result(300)
    assert tracked.message.startswith("3 runs are not published to W&B (") and reason in tracked.message
    assert tracked.predictions == untracked.predictions and len(tracked.predictions) == 3
    assert tracked.shown == untracked.shown
    if not spare:
        server = tracked.received
        assert server is not None and f"W&B has all 3 runs: {server.url}/team/har_llm" in tracked.later
        groups = {sent["groupName"] for sent in server.sent("UpsertBucket") if sent["groupName"]}
        assert len(groups) == 1 and groups.pop().startswith("sweep-")
        assert len(server.runs()) == server.finished() == 3


def test_a_client_that_dies_costs_one_sentence(tmp_path: Path, script: str) -> None:
    with fake_wandb("hang") as server:
        environment = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            process = started(tmp_path, *SMALL, script, "limit=2", "tracker=wandb", "tracker.init_timeout=60")
            client = wait_for_client(process, tmp_path)
        client.kill()
        shown, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and "Run directory: " in shown
    assert "The run is not published to W&B (The process that talks to W&B was killed by signal 9" in errors


def test_ctrl_c_while_it_is_published_leaves_a_whole_result_and_no_process(tmp_path: Path, script: str) -> None:
    with fake_wandb("hang") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_BASE_URL", server.url)
        patch.setenv("WANDB_API_KEY", KEY)
        process = started(tmp_path, *SMALL, script, "limit=2", "tracker=wandb", "tracker.init_timeout=60")
        wait_for_client(process, tmp_path)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130 and "Traceback" not in errors and "to resume:" in errors
        gone, alive = psutil.wait_procs(children, timeout=20)
        assert gone and not alive
    (folder,) = run_folders(tmp_path)
    assert (folder / "metrics.json").is_file()


def wait_for_client(process: subprocess.Popen[str], folder: Path) -> psutil.Process:
    """The tracker's process, once the run is complete."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if list(folder.glob("outputs/runs/[!.]*/metrics.json")):
            for child in psutil.Process(process.pid).children():
                if "har_llm.tracking.worker:serve" in child.cmdline():
                    return child
        time.sleep(0.05)
    raise AssertionError("nothing was published")
