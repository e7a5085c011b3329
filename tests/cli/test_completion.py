"""The Tab key: the script of each shell is read by that shell, and asked as the shell would ask it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from har_llm.cli.completion import candidates, completion
from har_llm.cli.shells import BASH, FISH, ZSH
from har_llm.common.errors import ConfigError
from tests.helpers import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("har-llm task=pl", ["task=plan"]),
        ("har-llm tas", ["task="]),
        ("har-llm", []),
        ("har-llm dataset=mar", ["dataset=marble"]),
        ("har-llm -m model=qwen3_0.6b,qwen3_32", ["model=qwen3_0.6b,qwen3_32b"]),
        ("har-llm model@lora.teacher=qwen3_32", ["model@lora.teacher=qwen3_32b"]),
        ("har-llm experiment=fig", ["experiment=figure4"]),
        ("har-llm metrics.headline=acc", ["metrics.headline=accuracy"]),
        ("har-llm task=report runs=l", ["runs=last"]),
        ("har-llm pat", ["paths."]),
        ("har-llm paths.o", ["paths.outputs="]),
        ("har-llm model=qwen3_0.6b model.sampling.tem", ["model.sampling.temperature="]),
        ("har-llm model=qwen3_0.6b model.samp", ["model.sampling."]),
        ("har-llm model.thinking=", ["model.thinking=false", "model.thinking=true"]),
        ("har-llm --ver", ["--version"]),
        ("har-llm bundle/real_small", ["bundle/real_small="]),
        ("har-llm export.format=g", ["export.format=gguf"]),
        ("har-llm -m model=tiny_teacher,tiny_student window.ev", ["window.events="]),
        ("har-llm experiment=null window.ev", ["window.events="]),
        ("har-llm dataset=events dataset.path=a(1).csv window.ev", ["window.events="]),
        ("har-llm nothing=", []),
        ("har-llm nothing.at.all", []),
        ("har-llm model=nothing model.x", []),
    ],
)
def test_what_a_word_may_become(line: str, found: list[str]) -> None:
    assert candidates(line) == found


def test_at_the_beginning_there_are_groups_and_settings() -> None:
    assert {"task=", "model=", "paths.", "seed="} <= {*candidates("har-llm ")}
    assert "task=report" in candidates("har-llm task=")


def test_options_of_a_users_own_folder_are_offered(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "my_own.yaml").touch()
    assert candidates(f"har-llm --config-dir {tmp_path} model=my") == ["model=my_own"]


def test_other_shells_and_nothing_are_refused_with_the_line_to_type() -> None:
    with pytest.raises(ConfigError, match=r'in bash, eval "\$\(har-llm -sc install=bash\)"; in zsh, .*fish \| source\.'):
        completion(["-sc"])
    with pytest.raises(ConfigError, match="-sc install is 'tcsh'; it must be one of bash, zsh, fish"):
        completion(["--shell-completion", "install=tcsh"])


LINES = pytest.mark.parametrize(
    ("program", "typed", "shown"),
    [
        ("har-llm", "task=de", ["task=describe"]),
        ("python -m har_llm", "-m dataset=mu", ["dataset=mural"]),
        ("python -m har_llm", "expe", ["experiment="]),
        ("python -m json.tool", "task=de", []),
    ],
)


def asked(tmp_path: Path, *command: str) -> list[str]:
    """What a shell prints that has our commands on its path; in a folder without other files, whose names it would offer."""
    for name, arguments in (("har-llm", "-m har_llm"), ("python", "")):
        (tmp_path / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=True)
    assert not done.stderr
    return done.stdout.split()


def without(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"no {shell}")


@without("bash")
@LINES
def test_bash_completes(tmp_path: Path, program: str, typed: str, shown: list[str]) -> None:
    line = f"{program} {typed}"
    script = f"""{BASH}
        COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}; COMP_WORDS=({shlex.join(line.replace("=", " = ").split())})
        $(complete -p {program.split()[0]} | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    # It replaces what stands behind =
    assert asked(tmp_path, "bash", "-c", script) == [one.rpartition("=")[2] or one for one in shown]


@without("zsh")
@LINES
def test_zsh_completes(tmp_path: Path, program: str, typed: str, shown: list[str]) -> None:
    *before, last = f"{program} {typed}".split()
    script = f"""{ZSH}
        compadd() {{ shift $argv[(i)--]; print -rl -- $argv }}
        _python() {{ }}
        words=({shlex.join([*before, last])}); CURRENT=$#words; PREFIX={last}
        $_comps[{program.split()[0]}]
    """
    assert asked(tmp_path, "zsh", "-f", "-c", script) == shown


@without("fish")
@LINES
def test_fish_completes(tmp_path: Path, program: str, typed: str, shown: list[str]) -> None:
    script = f"{FISH}complete --do-complete={shlex.quote(f'{program} {typed}')}"
    assert asked(tmp_path, "fish", "--no-config", "-c", script) == shown
