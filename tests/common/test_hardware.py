"""GPUs and free memory are found, and a model's need is estimated, without torch."""

from __future__ import annotations

import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from har_llm.common import hardware
from har_llm.common.errors import ConfigError


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets nvidia-smi say what a test wants."""

    def answer(text: str | Exception) -> None:
        def run(*arguments: Any, **options: Any) -> Any:
            if isinstance(text, Exception):
                raise text
            return subprocess.CompletedProcess([], 0, text, "")

        monkeypatch.setattr(hardware.shutil, "which", lambda name: name)
        monkeypatch.setattr(hardware.subprocess, "run", run)
        hardware.forget_gpus()

    yield answer
    monkeypatch.undo()
    hardware.forget_gpus()


def test_the_roomiest_gpu_counts(gpus: Any) -> None:
    gpus("0, NVIDIA A, 81920, 1024, 8.0\n1, NVIDIA A, 81920, 81920, 8.0\n")
    assert hardware.free_memory("cuda") == 81920 * 2**20
    assert hardware.available_memory() == ("the 2 GPUs", 82944 * 2**20)
    assert hardware.available_memory("cpu")[0] == "memory"
    assert [gpu.id for gpu in hardware.gpus()] == ["0", "1"]
    assert hardware.has_gpu()


@pytest.mark.parametrize(
    "answer",
    ["", "[N/A]\n", "0, NVIDIA A, [N/A], [N/A], [N/A]\n", OSError("gone"), subprocess.TimeoutExpired("nvidia-smi", 10)],
)
def test_a_gpu_that_does_not_answer_is_none(gpus: Any, answer: Any) -> None:
    gpus(answer)
    assert not hardware.has_gpu()
    assert hardware.free_memory("cuda") == 0.0


@pytest.mark.parametrize(
    ("told", "refused"), [("7.0", True), ("7.5", True), ("8.0", False), ("12.1", False), ("[N/A]", False)]
)
def test_bfloat16_is_refused_on_a_gpu_that_lacks_it(gpus: Any, told: str, refused: bool) -> None:
    gpus(f"0, Tesla T4, 16384, 16000, {told}\n")
    hardware.check_dtype("float16", hardware.gpus())
    message = rf"bfloat16.*\(Tesla T4: compute capability {told}, of 8.0 needed\); set model.dtype=float16"
    with pytest.raises(ConfigError, match=message) if refused else nullcontext():
        hardware.check_dtype("bfloat16", hardware.gpus())


def test_main_memory_is_what_may_be_taken() -> None:
    assert 1e8 < hardware.free_memory("cpu") < 1e14


def test_gpus_can_be_assumed_for_a_plan() -> None:
    before = hardware.gpus()
    with hardware.assumed(2, 80):
        assert [(gpu.id, gpu.total) for gpu in hardware.gpus()] == [("0", 80 * 2**30), ("1", 80 * 2**30)]
        assert hardware.has_gpu() and hardware.is_assumed()
    assert hardware.gpus() == before and not hardware.is_assumed()


def test_nvidia_smi_is_called_once_until_the_gpus_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho once >> {asked}\necho '0, NVIDIA A, 81920, 40960, 8.0'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    hardware.forget_gpus()
    try:
        assert [hardware.has_gpu(), hardware.free_memory("cuda") > 0, len(hardware.gpus())] == [True, True, 1]
        assert asked.read_text().split() == ["once"]
        hardware.forget_gpus()
        assert hardware.has_gpu() and asked.read_text().split() == ["once", "once"]
    finally:
        monkeypatch.undo()
        hardware.forget_gpus()
