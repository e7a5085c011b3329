"""Training through har_llm against a bare SFTTrainer script with the same rows, model and settings: speed and memory.

    python benchmarks/bench_training.py [--repeats 3] [--steps 60] [--small]

The teacher's generations are made once and exported with `task=export export.what=examples`; the bare script reads that
file. Both then train from the beginning with the same settings, including logging and checkpoints, in an order that changes
from round to round.

Samples a second: the examples of all steps but the first, over the time from the first step's end to the last one's. The
bare script prints these times; for har_llm, new lines of its loss.jsonl are looked for every 20 ms. Memory: the most that
the training's process has held (RSS). Goals: at least 0.97 times the bare script's samples a second, at most 1.05 times its
memory. Whole commands are shown too; har_llm's also composes the config, writes the adapter's folder and scores a window.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
from timing import ROOT, seconds

BARE = """
import json, sys, time
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

job = json.load(open(sys.argv[1]))
tokenizer = AutoTokenizer.from_pretrained(job["base"])


def tokens(row):
    prompt = tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True, enable_thinking=True)
    before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    after = tokenizer(row["completion"][0]["content"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    return {"input_ids": before + after, "labels": [-100] * len(before) + after}


class Clock(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        print(json.dumps({"step": state.global_step, "at": time.time()}), flush=True)


SFTTrainer(
    model=AutoModelForCausalLM.from_pretrained(job["base"], dtype=torch.float32),
    args=SFTConfig(**job["arguments"]),
    train_dataset=Dataset.from_list([tokens(json.loads(line)) for line in open(job["rows"])]),
    processing_class=tokenizer,
    peft_config=LoraConfig(**job["lora"]),
    callbacks=[Clock()],
).train()
"""
LOOK_EVERY_S = 0.02
SEARCH_EVERY_S = 0.2
TRAINED = ("model=tiny_student", "lora=distilled_tiny", "engine=transformers", "limit=1")


class Measured(NamedTuple):
    samples: float
    """Samples a second."""
    memory: float
    """Bytes."""
    seconds: float
    """Seconds of the whole command."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--small", action="store_true", help="a few steps in a single round, to see that it works")
    arguments = parser.parse_args()
    steps, repeats = (6, 1) if arguments.small else (arguments.steps, arguments.repeats)
    few = ["lora.train_sessions=1"] if arguments.small else []
    ours = [sys.executable, "-m", "har_llm", *TRAINED, f"lora.training.max_steps={steps}", "baselines=none", *few]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        rows = make_rows(folder, ours)
        batch = write_job(folder, ours)
        taken: dict[str, list[Measured]] = {"bare": [], "har_llm": []}
        for number in range(repeats):
            for way in sorted(taken, reverse=number % 2 == 1):
                taken[way].append(bare(folder, batch) if way == "bare" else har_llm(folder, ours, batch))
    show(taken, rows, steps, batch)


def make_rows(folder: Path, ours: Sequence[str]) -> int:
    """Make the teacher's generations, with a training of one step, whose run and adapter are removed."""
    seconds([*ours, "lora.training.max_steps=1", "lora.training.warmup_steps=0"], folder)
    forget(folder)
    seconds([*ours, "task=export", "export.what=examples", "export.path=rows.jsonl"], folder)
    return len((folder / "rows.jsonl").read_text().splitlines())


def forget(folder: Path) -> None:
    """Remove everything except the teacher's generations, so that the next command trains again."""
    for generations in folder.glob("outputs/store/generations/*tiny_student*"):
        shutil.rmtree(generations)
    shutil.rmtree(folder / "outputs" / "runs", ignore_errors=True)
    shutil.rmtree(folder / "outputs" / "store" / "adapters", ignore_errors=True)
    shutil.rmtree(folder / "bare", ignore_errors=True)


def write_job(folder: Path, ours: Sequence[str]) -> int:
    """Write the bare script's job: the arguments that har_llm gives the trainer."""
    sys.path.insert(0, str(ROOT))
    from har_llm.distill.trl_arguments import arguments
    from har_llm.runs.adapter_files import training_job
    from har_llm.runs.prepare import prepare
    from tests.composing import experiment

    recipe = prepare(experiment(*ours[3:])).recipe
    assert recipe is not None and recipe.student.path is not None
    job = training_job(
        recipe,
        base=recipe.student.path,
        rows=folder / "rows.jsonl",
        folder=folder / "unused",
        checkpoints=folder / "bare",
        trainer="trl",
    )
    made, lora = arguments(job)
    on = {"use_cpu": made.use_cpu, "bf16": made.bf16}
    default = type(made)(output_dir="unused", **on).to_dict()
    changed = {name: value for name, value in made.to_dict().items() if value != default.get(name)}
    content = {
        "base": job.base,
        "rows": job.rows,
        "arguments": {**changed, **on},
        "lora": {**lora, "task_type": "CAUSAL_LM"},
    }
    (folder / "job.json").write_text(json.dumps(content))
    return job.settings.batch_size


def bare(folder: Path, batch: int) -> Measured:
    forget(folder)
    taken, memory, output = watched([sys.executable, "bare.py", "job.json"], folder, "bare.py")
    times = [json.loads(line)["at"] for line in output.splitlines() if line.startswith('{"step"')]
    return Measured((len(times) - 1) * batch / (times[-1] - times[0]), memory, taken)


def har_llm(folder: Path, command: Sequence[str], batch: int) -> Measured:
    """The times of its steps are those at which new lines of its loss.jsonl are seen."""
    forget(folder)
    times: list[float] = []
    taken, memory, _ = watched(command, folder, "har_llm.distill.worker", lambda: note_steps(folder, times))
    return Measured((len(times) - 1) * batch / (times[-1] - times[0]), memory, taken)


def note_steps(folder: Path, times: list[float]) -> None:
    for log in folder.glob("outputs/store/adapters/.*/loss.jsonl"):
        try:
            written = log.read_bytes().count(b"\n")
        except FileNotFoundError:  # the adapter has just been renamed into place
            return
        times += [time.time()] * (written - len(times))


def watched(
    command: Sequence[str], folder: Path, trains: str, look: Callable[[], None] = lambda: None
) -> tuple[float, float, str]:
    """Seconds of a command, the peak memory of its process whose command line has `trains`, and its output."""
    started, memory = time.perf_counter(), 0.0
    with (folder / "printed").open("w+") as printed, (folder / "log").open("w+") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=printed, stderr=log, text=True)
        trainer: psutil.Process | None = None
        looked = started
        while process.poll() is None:
            if trainer is None and time.perf_counter() - looked > SEARCH_EVERY_S:
                trainer, looked = training(process.pid, trains), time.perf_counter()
            memory = max(memory, held(trainer))
            look()
            time.sleep(LOOK_EVERY_S)
        taken = time.perf_counter() - started
        printed.seek(0)
        log.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{log.read()}")
        return taken, memory, printed.read()


def training(leader: int, trains: str) -> psutil.Process | None:
    """The process that trains, once there is one."""
    try:
        whole = psutil.Process(leader)
        return next((one for one in (whole, *whole.children(recursive=True)) if trains in one.cmdline()[1:3]), None)
    except psutil.NoSuchProcess:
        return None


def held(process: psutil.Process | None) -> float:
    """Bytes of main memory that a process has now."""
    try:
        return 0.0 if process is None else float(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0.0


def environment() -> dict[str, str]:
    # For both as in our own workers: on a busy machine, threads that wait by spinning starve the others.
    return {"GOMP_SPINCOUNT": "10000", **os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}


def show(taken: Mapping[str, Sequence[Measured]], rows: int, steps: int, batch: int) -> None:
    middle = {way: Measured(*map(median, zip(*each, strict=True))) for way, each in taken.items()}
    ours, theirs = middle["har_llm"], middle["bare"]
    print(f"{rows} rows, {steps} steps of {batch}, median of {len(taken['bare'])} (synthetic home, synthetic model):")
    print(
        f"  samples a second: har_llm {ours.samples:.2f}, bare {theirs.samples:.2f}, "
        f"ratio {ours.samples / theirs.samples:.3f} (goal: at least 0.97)"
    )
    print(
        f"  peak memory of the training's process: har_llm {ours.memory / 1e6:.0f} MB, bare {theirs.memory / 1e6:.0f} MB, "
        f"ratio {ours.memory / theirs.memory:.3f} (goal: at most 1.05)"
    )
    print(
        f"  whole command: har_llm {ours.seconds:.1f} s, bare {theirs.seconds:.1f} s, "
        f"ratio {ours.seconds / theirs.seconds:.2f} (no goal: har_llm's also scores a window)"
    )


if __name__ == "__main__":
    main()
