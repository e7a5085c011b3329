"""Engine starts and wall time of whole sweeps, planned together, against Hydra's basic launcher, which runs job after job.

    python benchmarks/bench_sweep.py [--engine vllm] [--limit 20] [--adapters 3] [--sweep table1|figure4] [--small]

Two sweeps, each one command. Table 1's shape: every model on every dataset (the embedded ones, and a third that is the
student with slightly changed weights). Figure 4's: the teacher on the training part, and on the test part the plain student
and the student with each of several adapters, on every dataset; the adapters have random weights, which change generations.
Goal: one start of an engine for each distinct base model of a sweep. The basic launcher gets the same command, and starts an
engine for every job. The predictions of both are compared as well.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from timing import ROOT, seconds

DATASETS = ("simulated_flat", "simulated_house")
EMBEDDED = ROOT / "har_llm" / "models" / "embedded"
THIRD_MODEL = """
defaults:
  - tiny_student

name: tiny_third
id: {path}
"""
TEACHER = """
# @package _global_
defaults:
  - override /model: tiny_teacher

split:
  part: train
"""
STUDENT = """
# @package _global_
defaults:
  - override /model: tiny_student
"""
WITH_ADAPTER = """
# @package _global_
defaults:
  - override /model: tiny_student
  - override /lora: adapter

lora:
  name: {name}
  path: {path}
"""


class Sweep(NamedTuple):
    name: str
    arguments: Sequence[str]
    models: int
    """Number of distinct base models."""
    jobs: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("vllm", "transformers"), default="vllm")
    parser.add_argument("--limit", type=int, default=20, help="windows of each job")
    parser.add_argument("--adapters", type=int, default=3)
    parser.add_argument("--sweep", choices=("table1", "figure4"), help="only this one")
    parser.add_argument("--small", action="store_true", help="two windows for each job, one adapter, to see that it works")
    arguments = parser.parse_args()
    limit, adapters = (2, 1) if arguments.small else (arguments.limit, arguments.adapters)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for sweep in (table1(folder), figure4(folder, adapters)):
            if arguments.sweep in (None, sweep.name):
                compare(folder, sweep, [f"engine={arguments.engine}", f"limit={limit}"])


def table1(folder: Path) -> Sweep:
    """Every model on every dataset; the third model's files and its option of conf/model are made here."""
    shaken_student(folder / "third")
    write(folder / "conf" / "model" / "tiny_third.yaml", THIRD_MODEL.format(path=folder / "third"))
    models = ("tiny_teacher", "tiny_student", "tiny_third")
    chosen = [f"model={','.join(models)}", f"dataset={','.join(DATASETS)}"]
    return Sweep("table1", chosen, len(models), len(models) * len(DATASETS))


def figure4(folder: Path, adapters: int) -> Sweep:
    """The jobs are no product of settings, so they are bundles, here options of conf/experiment."""
    options = folder / "conf" / "experiment"
    write(options / "teacher.yaml", TEACHER)
    write(options / "student.yaml", STUDENT)
    names = [f"adapter{number}" for number in range(1, adapters + 1)]
    for seed, name in enumerate(names):
        drawn_adapter(folder / name, seed)
        write(options / f"{name}.yaml", WITH_ADAPTER.format(name=name, path=folder / name))
    bundles = ["teacher", "student", *names]
    chosen = [f"experiment={','.join(bundles)}", f"dataset={','.join(DATASETS)}"]
    return Sweep("figure4", chosen, 2, len(bundles) * len(DATASETS))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.lstrip())


def shaken_student(folder: Path) -> None:
    """The student with each weight changed by about one percent: another model, whose generations are still ordinary."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(EMBEDDED / "tiny_student", folder)
    draws = torch.Generator().manual_seed(0)
    for file in folder.glob("*.safetensors"):
        tensors = load_file(file)
        shaken = {name: one * (1 + 0.01 * torch.randn(one.shape, generator=draws)) for name, one in tensors.items()}
        save_file(shaken, file, {"format": "pt"})


def drawn_adapter(folder: Path, seed: int) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(seed)
    settings: dict[str, Any] = {"r": 8, "lora_alpha": 2, "target_modules": ["q_proj", "v_proj", "o_proj"]}
    base = AutoModelForCausalLM.from_pretrained(EMBEDDED / "tiny_student", dtype=torch.float32)
    get_peft_model(base, LoraConfig(**settings, init_lora_weights=False)).save_pretrained(str(folder))


def compare(folder: Path, sweep: Sweep, settings: Sequence[str]) -> None:
    """The same command with both launchers, each with outputs of its own."""
    command = [sys.executable, "-m", "har_llm", "--config-dir", "conf", "-m", *sweep.arguments, *settings, "baselines=none"]
    starts, taken, predictions = {}, {}, {}
    for launcher in ("har_llm", "basic"):
        outputs = folder / "outputs" / f"{sweep.name}-{launcher}"
        launched = [*command, f"hydra/launcher={launcher}", f"paths.outputs={outputs}"]
        taken[launcher] = seconds(launched, folder)
        starts[launcher] = len((outputs / "store" / "rates.jsonl").read_text().splitlines())  # a line for each load
        predictions[launcher] = {file.parent.name: file.read_bytes() for file in outputs.glob("runs/*/predictions.jsonl")}
    same = sum(predictions["basic"].get(run) == made for run, made in predictions["har_llm"].items())
    ratio = taken["har_llm"] / taken["basic"]
    print(f"{sweep.name}, {sweep.jobs} jobs, {' '.join(settings)}:")
    print(
        f"  engine starts: {starts['har_llm']} (goal: {sweep.models}, one for each base model); "
        f"basic launcher {starts['basic']}"
    )
    print(f"  har_llm {taken['har_llm']:.1f} s, basic launcher {taken['basic']:.1f} s, ratio {ratio:.2f}")
    print(f"  runs with equal predictions: {same} of {sweep.jobs}")


if __name__ == "__main__":
    main()
