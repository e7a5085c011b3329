"""The command line: the help lists what there is, what is misspelt is answered, an interrupt says how to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from har_llm.cli import help_text
from har_llm.common.shipped import conf_folder
from har_llm.tasks import TASKS
from tests.commands import har_llm, plain_environment, wait_for_lines
from tests.scripted_runs import SMALL


@pytest.mark.slow
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


def test_a_misspelt_field_is_answered_by_the_schema(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "model.thinkin=false", expect=1)
    assert done.stderr.startswith("error: model.thinkin is not a setting. Did you mean thinking? It has: name, id,")
    assert len(done.stderr.splitlines()) == 1


def test_a_misspelt_task_is_answered_with_those_there_are(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "task=describ", expect=1)
    assert done.stderr.startswith("error: task is 'describ'; it must be one of run, plan, ")
    assert done.stderr.endswith("Did you mean describe?\n") and not done.stdout
    swept = har_llm(tmp_path, "-m", "task=describe,plan", expect=1)
    assert swept.stderr == "error: task is describe and plan in one sweep; all its jobs must have the same task.\n"


def test_an_option_that_does_not_exist_is_answered_with_those_there_are(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "model=tiny", expect=1)
    assert done.stderr.startswith("error: In 'config': Could not find 'model/tiny'") and not done.stdout
    assert "tiny_student" in done.stderr and "Traceback" not in done.stderr
    swept = har_llm(tmp_path, "-m", "model=tiny", expect=1)
    assert "Could not find 'model/tiny'" in swept.stderr and "Traceback" not in swept.stderr


def test_a_list_of_values_needs_m(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "seed=1,2", expect=1)
    assert done.stderr.startswith("error: Ambiguous value for argument 'seed=1,2'") and "--multirun" in done.stderr


@pytest.mark.slow
def test_output_that_nobody_reads_is_no_fault(tmp_path: Path) -> None:
    command = f"{sys.executable} -m har_llm task=prompt model=tiny_student limit=60 | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, env=plain_environment())
    assert done.stdout == "<|im_start|>system\n"
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def groups(text: str) -> dict[str, list[str]]:
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.startswith("  ") and ", " in line]
    return {words[0]: words[1].split(", ") for words in lines if len(words) == 2}


def test_models_are_listed_by_size() -> None:
    models = groups(help_text([]))["model"]
    sizes = [name for name in models if name.startswith("qwen3")]
    assert sizes == ["qwen3_0.6b", "qwen3_1.7b", "qwen3_4b", "qwen3_8b", "qwen3_14b", "qwen3_32b"]


def test_a_users_own_options_are_listed(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "my_home.yaml").touch()
    for arguments in (["--config-dir", str(tmp_path)], [f"--config-dir={tmp_path}"], ["-cd", str(tmp_path)]):
        listed = groups(help_text(arguments))["dataset"]
        assert "my_home" in listed and "marble" in listed
    assert "my_home" not in help_text(["--config-dir"])


def test_conf_is_beside_the_package_in_a_checkout() -> None:
    assert (conf_folder() / "config.yaml").is_file()


def test_every_task_is_named_with_what_it_does() -> None:
    lines = help_text([]).splitlines()
    for name, task in TASKS.items():
        (line,) = [line for line in lines if line.startswith(f"  {name} ") and line.endswith(".")]
        assert line.split(maxsplit=1)[1] == (task.__doc__ or "").splitlines()[0]
