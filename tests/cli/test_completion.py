"""The Tab key in bash: the script is read by a real bash, and its function asked as the shell would ask it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from har_llm.cli.completion import INSTALL, candidates, completion
from har_llm.common.errors import ConfigError
from tests.helpers import ROOT


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("har-llm task=pl", ["task=plan"]),
        ("har-llm tas", ["task="]),
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


def test_other_shells_and_nothing_are_refused_with_the_line_to_type() -> None:
    with pytest.raises(ConfigError, match=r'eval "\$\(har-llm -sc install=bash\)"'):
        completion(["-sc"])
    with pytest.raises(ConfigError, match="-sc install is 'fish'; it must be one of bash"):
        completion(["--shell-completion", "install=fish"])


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("program", "typed", "shown"),
    [
        ("har-llm", "task=de", ["describe"]),  # bash replaces what stands behind =
        ("python -m har_llm", "-m dataset=mu", ["mural"]),
        ("python -m har_llm", "expe", ["experiment="]),
        ("python -m json.tool", "task=de", []),
    ],
)
def test_bash_itself_completes(tmp_path: Path, program: str, typed: str, shown: list[str]) -> None:
    for name, arguments in (("har-llm", "-m har_llm"), ("python", "")):
        (tmp_path / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
        (tmp_path / name).chmod(0o755)
    line = f"{program} {typed}"
    script = f"""{INSTALL}
        COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}; COMP_WORDS=({shlex.join(line.replace("=", " = ").split())})
        $(complete -p {program.split()[0]} | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == shown and not done.stderr
