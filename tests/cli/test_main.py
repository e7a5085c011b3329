"""Whole commands: an interrupt says how to go on, and a sweep is answered as one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import har_llm
from har_llm.cli.main import main
from har_llm.common.errors import ConfigError
from tests.commands import har_llm as command
from tests.commands import plain_environment, wait_for_lines
from tests.scripted_runs import SMALL

pytestmark = pytest.mark.slow


def test_ctrl_c_prints_the_command_that_goes_on(tmp_path: Path, script: str) -> None:
    arguments = [*SMALL, script, "engine.delay_s=0.2"]
    command = [sys.executable, "-m", "har_llm", *arguments]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=plain_environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background jobs ignore SIGINT, and their children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for_lines(tmp_path, 2)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted. What is finished is kept; to resume:\n  python -m har_llm dataset.sessions.count=4 " in errors
    assert "'+dataset.paper_split={4:2}'" in errors
    assert "Traceback" not in errors
    assert not list((tmp_path / "outputs").glob("runs/*"))


INTERRUPTED = "\nInterrupted. What is finished is kept; to resume:\n  har-llm task=describe\n"
INTERRUPTED_AT_IMPORT = """
import os, runpy, signal, sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

module, sys.argv[:] = sys.argv[1], ["har-llm", "task=describe"]
sys.meta_path.insert(0, Interrupting())
runpy.run_module("har_llm", run_name="__main__", alter_sys=False)
"""


@pytest.mark.parametrize(
    ("module", "code", "errors"),
    [
        ("har_llm.cli.main", -signal.SIGINT, ""),
        ("har_llm.cli.help", -signal.SIGINT, ""),
        ("har_llm.cli.arguments", 130, INTERRUPTED),
        ("hydra.core.utils", 130, INTERRUPTED),
    ],
)
def test_ctrl_c_while_the_command_begins_shows_no_traceback(tmp_path: Path, module: str, code: int, errors: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_IMPORT, module],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=plain_environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert (done.returncode, done.stderr) == (code, errors)


@pytest.mark.parametrize("arguments", [["--version"], ["dataset=marble", "--version"]])
def test_the_version_is_our_own(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["har-llm", *arguments])
    main()
    assert capsys.readouterr().out == f"har_llm {har_llm.__version__}\n"


def test_a_sweep_has_one_task(tmp_path: Path) -> None:
    swept = command(tmp_path, "-m", "task=describe,plan", expect=1)
    assert swept.stderr == "error: task is describe and plan in one sweep; all its jobs must have the same task.\n"


def test_what_hydra_cannot_compose_in_a_sweep_is_answered_as_elsewhere(tmp_path: Path) -> None:
    swept = command(tmp_path, "-m", "limit=1,2", "~nothing", expect=1)
    assert swept.stderr == "error: Could not delete from config. 'nothing' does not exist.\n"


def test_jobs_that_fail_with_hydras_own_launcher_say_so_once_each(tmp_path: Path) -> None:
    swept = command(tmp_path, "-m", "limit=0,-1", "hydra/launcher=basic", expect=1)
    for limit in (0, -1):
        assert swept.stderr.count(f"error: limit is {limit}; it must be at least 1, or null for all windows.") == 1
    assert swept.stderr.count("limit is ") == 2


def test_a_job_that_failed_in_another_process_says_why_here(tmp_path: Path) -> None:
    """Its own output is in a log of the launcher's."""
    swept = command(tmp_path, "-m", "limit=0", "hydra/launcher=submitit_local", expect=1)
    assert "error: limit is 0; it must be at least 1, or null for all windows." in swept.stderr
    assert "above" not in swept.stderr


def test_with_whole_errors_each_job_still_says_its_own(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "har_llm", "-m", "limit=0,-1", "hydra/launcher=basic"]
    whole = {**plain_environment(), "HYDRA_FULL_ERROR": "1"}
    swept = subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path, env=whole)
    assert "error: limit is 0;" in swept.stderr and "error: limit is -1;" in swept.stderr
    assert "Traceback" in swept.stderr and "ConfigError: limit is 0;" in swept.stderr


UNREAD = {
    "task=prompt model=tiny_student limit=60": "<|im_start|>system\n",
    "-m task=prompt model=tiny_student limit=60 seed=0,1": "<|im_start|>system\n",
    "--help": "har_llm: human activity recognition in homes with language models.\n",
}


@pytest.mark.parametrize("arguments", UNREAD)
def test_output_that_nobody_reads_is_no_fault(tmp_path: Path, arguments: str) -> None:
    """Written at once too, as in containers, where the first line is gone before the last is written."""
    command = f"{sys.executable} -u -m har_llm {arguments} | (head -1; exec <&-; sleep 1)"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, env=plain_environment())
    assert done.stdout == UNREAD[arguments]
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def locked(folder: Path) -> list[str]:
    """Lock a folder, and what a command begins with so that it may not enter it, also where the tests run as root."""
    folder.mkdir()
    if os.geteuid() != 0:
        folder.chmod(0)
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("only setpriv takes root's right to enter any folder")
    os.chown(folder, 65534, 65534)
    folder.chmod(0o700)
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["limit=1", "paths.outputs=LOCKED/outputs"],
        ["task=runs", "paths.outputs=LOCKED/outputs"],
        ["task=describe", "dataset=marble", "paths.data=LOCKED"],
        ["-m", "seed=0,1", "model=custom", "model.id=LOCKED/model"],
        ["task=export", "export.path=LOCKED/rows.jsonl", "lora=adapter", "lora.path=LOCKED/adapter"],
    ],
)
def test_a_folder_that_may_not_be_entered_is_named(tmp_path: Path, arguments: list[str]) -> None:
    folder = tmp_path / "locked"
    given = [one.replace("LOCKED", str(folder)) for one in arguments]
    command = [*locked(folder), sys.executable, "-m", "har_llm", *given]
    done = subprocess.run(command, cwd=tmp_path, env=plain_environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"{folder}/" in done.stderr and "Permission denied" in done.stderr


def test_a_folder_that_may_not_be_entered_fails_the_jobs_that_need_it_and_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    begin = locked(folder)
    jobs = ["-m", "dataset=marble,simulated_flat", f"paths.data={folder}", "model=majority", "limit=1"]
    command = [*begin, sys.executable, "-m", "har_llm", *jobs]
    done = subprocess.run(command, cwd=tmp_path, env=plain_environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "error: dataset=marble: " in done.stderr and "Permission denied" in done.stderr
    assert [one.name.partition("-")[0] for one in (tmp_path / "outputs" / "runs").iterdir()] == ["simulated_flat"]


def test_where_an_error_came_from_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["har-llm", "help"])
    with pytest.raises(SystemExit):
        main()
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ConfigError, match="'help' is a flag"):
        main()
