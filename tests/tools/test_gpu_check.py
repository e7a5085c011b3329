"""tools/gpu_check on a machine without a GPU: what it cannot run it says, and only a failed part is a failure."""

from __future__ import annotations

import json
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT
from tests.runs.sampled_runs import answered, sampled


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The tool as a module, in a folder for its report."""
    loader = SourceFileLoader("gpu_check", str(ROOT / "tools" / "gpu_check"))
    spec = spec_from_loader("gpu_check", loader)
    assert spec is not None
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = module_from_spec(spec)
    loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    return module


def checked(check: Any, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    """The exit code and the report."""
    monkeypatch.setattr(sys, "argv", ["gpu_check", *arguments])
    return check.main(), Path("gpu_check.md").read_text()


def nvidia_smi(monkeypatch: pytest.MonkeyPatch, folder: Path, answer: str) -> None:
    """Lets the PATH have a driver's program that answers so, and nothing else."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize("driver", [None, "echo No devices were found >&2; exit 6"])
def test_without_a_gpu_nothing_is_checked_and_the_reason_is_said(
    check: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, driver: str | None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if driver:
        nvidia_smi(monkeypatch, tmp_path, driver)
    code, report = checked(check, monkeypatch)
    assert code == 0 and "- GPU: none" in report
    assert report.count("| NOT CHECKED: nvidia-smi shows no GPU here | 0 |") == len(check.PARTS) > 10


def test_what_a_part_lacks_is_named(check: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nvidia_smi(monkeypatch, tmp_path, "echo NVIDIA A, 81920 MiB, 8.0, 600.1")
    monkeypatch.setattr(check.importlib.util, "find_spec", lambda name: None if name == "unsloth" else name)
    code, report = checked(check, monkeypatch, "unsloth", "tensor-parallel", "slurm")
    assert code == 0 and "- GPU: NVIDIA A, 81920 MiB, 8.0, 600.1" in report
    assert "| NOT CHECKED: the package unsloth is not installed | 0 |" in report
    assert "| NOT CHECKED: it needs 2 GPUs, and there is 1 here | 0 |" in report
    assert "| NOT CHECKED: there is no sbatch here | 0 |" in report


def test_a_part_that_fails_is_shown_and_makes_the_command_fail(
    check: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nvidia_smi(monkeypatch, tmp_path, "echo NVIDIA A, 81920 MiB, 8.0, 600.1")
    monkeypatch.setattr(check, "PARTS", {name: check.Part("a row", ("task=nonsense",)) for name in ("one", "two")})
    monkeypatch.setattr(check.sys, "executable", "/bin/echo")
    assert checked(check, monkeypatch)[0] == 0
    monkeypatch.setattr(check.sys, "executable", "/bin/false")
    code, report = checked(check, monkeypatch, "two")
    assert code == 1 and "| two | a row | FAILED: exit code 1 | 0 |" in report
    assert "`task=nonsense`" in report


NO_START = "vLLM cannot start with /a (up to 900 tokens of a prompt and its generation)"


@pytest.mark.parametrize(
    ("part", "code", "output", "status"),
    [
        ("vllm", 0, "16 passed, 2 deselected in 80 s", "passed"),
        ("vllm", 0, "16 skipped in 1 s", "NOT CHECKED"),
        ("vllm", 0, "1 passed, 17 skipped in 80 s", "NOT CHECKED"),
        ("vllm", 1, "1 failed, 15 passed in 80 s", "FAILED"),
        ("qwen3", 1, "error: Qwen/Qwen3-0.6B is not on this machine and could not be downloaded from", "NOT CHECKED"),
        ("vllm-failure", 1, f"error: {NO_START}: 0.1 GiB KV cache is needed, which is larger than 0.0 GiB.", "passed"),
        ("vllm-failure", 1, f"error: {NO_START}: No available memory for the cache blocks.", "passed"),
        ("vllm-failure", 1, f"error: {NO_START}: Engine core initialization failed. See root cause above.", "FAILED"),
        ("vllm-failure", 1, "Traceback (most recent call last)", "FAILED"),
        ("vllm-failure", 0, "", "FAILED"),
    ],
)
def test_a_part_is_judged_by_its_exit_code_and_by_what_it_ran(
    check: Any, part: str, code: int, output: str, status: str
) -> None:
    assert check.judged(check.PARTS[part], code, output)[0] == status


@pytest.mark.parametrize(
    ("part", "texts", "status"),
    [
        ("tensor-parallel", {"tensor_parallel_size=2": "3 3 3 3 1", "": "3 3 3 3 1"}, "passed: "),
        ("tensor-parallel", {"tensor_parallel_size=2": "3 3 3 3 2", "": "3 3 3 3 1"}, "FAILED: 1 of 1 generations are not"),
        ("data-parallel", {"": "- - - - 1"}, "FAILED: what it is compared with misses 4 of 5 events"),
        ("kv-cache", {"kv_cache_dtype": "3 3 3 3 2", "": "3 3 3 3 1"}, "passed: "),
        ("kv-cache", {"kv_cache_dtype": "- - - - -", "": "3 3 3 3 1"}, "FAILED: 0 of 5 events are answered as"),
        ("kv-cache", {"kv_cache_dtype": "3 3 3 3 1"}, "FAILED: what it is compared with (engine=vllm "),
    ],
)
def test_what_should_change_no_generation_or_few_answers_is_held_against_a_run_without_it(
    check: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, part: str, texts: dict[str, str], status: str
) -> None:
    """F1 0.00 with every event missed was called passed."""
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    stand_in = tmp_path / "har_llm"
    stand_in.write_text(STAND_IN.format(python=sys.executable, texts=tmp_path / "texts.json"))
    stand_in.chmod(0o755)
    monkeypatch.setattr(check.sys, "executable", str(stand_in))
    result = check.run(check.PARTS[part], 60.0)
    assert f"{result.status}: {result.why}".startswith(status)


def test_runs_are_compared_as_har_llm_writes_them(check: Any, tmp_path: Path) -> None:
    answered(sampled(tmp_path / "one"), "$ids:3", "nothing")
    answered(sampled(tmp_path / "other"), "$ids:3", "$ids:2")
    one, other = (tmp_path / name / "outputs" for name in ("one", "other"))
    assert check.same_generations(one, one) == check.like_answers(one, one) == ""
    assert check.same_generations(one, other) == "1 of 2 generations are not those of one plain engine"
    answers = list(check._answers(one))
    assert set(answers) == {3, None}
    assert check.like_answers(one, other).startswith(f"{answers.count(3)} of {len(answers)} events")


STAND_IN = """#!{python}
import json, pathlib, sys
arguments = " ".join(sys.argv)
texts = json.loads(pathlib.Path("{texts}").read_text())
text = next((text for setting, text in texts.items() if setting in arguments), None)
if text is None:
    sys.exit(1)
run = pathlib.Path(arguments.partition("paths.outputs=")[2]) / "runs" / "one"
run.mkdir(parents=True)
if "baselines=none" not in arguments:
    (run.parent / "a baseline's").mkdir()
    (run.parent / "a baseline's" / "predictions.jsonl").touch()
answers = [None if one == "-" else int(one) for one in text.split()]
said = [{{"missed": "omitted"}} if one is None else {{"activity": one}} for one in answers]
rows = [{{"strict": one}} for one in said] + [{{"excluded": "window beyond limit"}}]
(run / "predictions.jsonl").write_text("\\n".join(map(json.dumps, rows)))
(run / "windows.jsonl").write_text(json.dumps({{"generations": [{{"text": text}}]}}))
"""
"""Stands for har_llm: the text is that of the first setting which it is given, each word of it an answer."""


def test_parts_for_which_no_time_is_left_are_not_checked(
    check: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nvidia_smi(monkeypatch, tmp_path, "echo NVIDIA A, 81920 MiB, 8.0, 600.1")
    monkeypatch.setattr(check, "PARTS", {"one": check.Part("a row", ())})
    monkeypatch.setattr(check, "BUDGET_S", 0.0)
    code, report = checked(check, monkeypatch)
    assert code == 0 and "| NOT CHECKED: the time was over | 0 |" in report


ELSEWHERE = {
    "GGUF file as a model": "it becomes a folder of safetensors before an engine sees it",
    "llama": "for machines without a GPU",
    "other published models": "they would have to be downloaded",
    "locks/": "the environment that the command runs in is made of them",
}
"""Words of rows of README's table that no part is for, with the reason."""


def test_there_is_a_part_for_every_row_that_was_not_run_on_a_gpu(check: Any) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("`", "")
    rows = [line.split(" | ") for line in text.partition("\n## Status\n")[2].partition("\n## ")[0].splitlines()]
    unchecked = [cells[0].removeprefix("| ") for cells in rows if len(cells) == 4 and cells[2] == "no"]
    assert len(unchecked) > 15
    named = {part.row.partition(":")[0] for part in check.PARTS.values()}
    for row in unchecked:
        assert any(words in row for words in (*named, *ELSEWHERE)), row
    assert all(any(words in row for row in unchecked) for words in (*named, *ELSEWHERE))


@pytest.mark.slow
def test_every_command_of_a_part_can_be_composed(check: Any) -> None:
    """Its settings exist; what they do needs a GPU."""
    from tests.composing import experiment

    for part in check.PARTS.values():
        if "pytest" not in part.command and "-m" not in part.command:
            experiment(*part.command)
        if part.beside:
            experiment(*part.beside)
    tests = [ROOT / argument for part in check.PARTS.values() for argument in part.command if argument.endswith(".py")]
    assert tests and all(test.is_file() for test in tests)
