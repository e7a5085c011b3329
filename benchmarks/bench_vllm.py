"""`engine=vllm` against a bare script with one `LLM.chat` call for the same prompts, and what the prefix cache served.

    python benchmarks/bench_vllm.py [--repeats 3] [--sessions 30] [--model tiny_teacher] [--small]

Whole processes, start-up and imports included, with fresh outputs each time and in turns; the same model, sampling, longest
sequence, number of sequences at once, eager or compiled as our engine decides, prefix caching, cache and processes of vLLM's
own; all else is vLLM's default. The bare script neither parses nor scores generations. It runs twice a round, the second
time with threads that spin as briefly as those of our worker (GOMP_SPINCOUNT), which on a CPU makes most of the difference
when the machine is busy. Goal: at most 1.05 times either. Generations are compared as well.

Served from the prefix cache: for each prompt except the first, the cache could serve the common beginning of all prompts, in
whole blocks. Goal: 95 % of these tokens. With the embedded tokenizer they are few: one block on a CPU.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from timing import ROOT, report, seconds

sys.path.insert(0, str(ROOT))

BARE = """
import json, os, sys

job = json.load(open(sys.argv[1]))
os.environ.update(job["environment"])

from vllm import LLM, SamplingParams

model = LLM(**job["arguments"])
sampling = SamplingParams(**job["sampling"])
outputs = model.chat(job["conversations"], sampling, use_tqdm=False, chat_template_kwargs=job["template_options"])
made = {
    "block": model.llm_engine.vllm_config.cache_config.block_size,
    "prompts": [output.prompt_token_ids for output in outputs],
    "texts": [output.outputs[0].text for output in outputs],
}
json.dump(made, open("made.json", "w"))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=30, help="of the simulated home, 10 of which are for training")
    parser.add_argument("--model", default="tiny_teacher")
    parser.add_argument("--small", action="store_true", help="a single session and round, to see that it works")
    arguments = parser.parse_args()
    sessions, repeats = (11, 1) if arguments.small else (arguments.sessions, arguments.repeats)
    overrides = [
        "engine=vllm",
        f"model={arguments.model}",
        f"dataset.sessions.count={sessions}",
        f"+dataset.paper_split={{{sessions}: 10}}",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        keys = write_job(folder / "job.json", overrides)
        taken = rounds(folder, overrides, repeats)
        bare, records = json.loads((folder / "made.json").read_text()), stored(folder)
    for bare_way in ("bare", "bare, brief spinning"):
        report(f"engine=vllm, {len(keys)} windows, to {bare_way}", taken["har_llm"], taken[bare_way], 1.05)
    same = sum(records[key]["text"] == text for key, text in zip(keys, bare["texts"], strict=True))
    print(f"generations equal to the bare script's: {same} of {len(keys)}")
    report_cache(bare, list({key: records[key] for key in keys}.values()))


def rounds(folder: Path, overrides: Sequence[str], repeats: int) -> dict[str, float]:
    """Median seconds of each, in an order that changes from round to round."""
    bare = [sys.executable, "bare.py", "job.json"]
    commands = {
        "bare": bare,
        "bare, brief spinning": ["env", "GOMP_SPINCOUNT=10000", *bare],
        "har_llm": [sys.executable, "-m", "har_llm", *overrides, "baselines=none"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(repeats):
        for name in sorted(commands, reverse=number % 2 == 1):
            if name == "har_llm":
                shutil.rmtree(folder / "outputs", ignore_errors=True)
            taken[name].append(seconds(commands[name], folder))
    return {name: median(values) for name, values in taken.items()}


def write_job(path: Path, overrides: Sequence[str]) -> list[str]:
    """Write the bare script's job, with our engine's arguments; returns the keys of the generations, in its order."""
    from har_llm.common.hardware import has_gpu
    from har_llm.engines.base import LoadedModel
    from har_llm.engines.chat import PromptEncoder
    from har_llm.runs.prepare import prepare
    from tests.composing import experiment

    run = prepare(experiment(*overrides))
    model, engine = run.experiment.model, run.engine
    chat = PromptEncoder(LoadedModel(str(run.model.path), model.id, model.dtype, model.context, model.trust_remote_code))
    lengths = [len(chat.encode(request)) for request in run.requests]
    longest = max(length + chat.new_tokens(request, length) for length, request in zip(lengths, run.requests, strict=True))
    cpu = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_KVCACHE_SPACE": str(engine.cpu_kvcache_space)}
    sampling = model.sampling
    job: dict[str, Any] = {
        "environment": {"VLLM_NO_USAGE_STATS": "1", **({} if has_gpu() else cpu)},
        "arguments": {
            "model": str(run.model.path),
            "dtype": model.dtype,
            "max_model_len": longest,
            "max_num_seqs": engine.sequences_at_once(),
            "enforce_eager": not has_gpu(),
            "enable_prefix_caching": True,
            "disable_cascade_attn": True,
            "generation_config": "vllm",
            "seed": 0,
            **({"gpu_memory_utilization": engine.gpu_memory_utilization} if has_gpu() else {}),
        },
        "sampling": {**sampling_of(sampling), "skip_special_tokens": False, "spaces_between_special_tokens": False},
        "template_options": model.template_options(),
        "conversations": [list(request.messages) for request in run.requests],
    }
    path.write_text(json.dumps(job))
    return [request.key for request in run.requests]


def sampling_of(sampling: Any) -> dict[str, Any]:
    if not sampling.greedy:
        raise SystemExit("The bare script samples with one seed for all prompts; compare a model with temperature 0.")
    return {"temperature": 0.0, "max_tokens": sampling.max_new_tokens}


def stored(folder: Path) -> dict[str, dict[str, Any]]:
    shards = folder.glob("outputs/store/generations/*/*.jsonl")
    records = [json.loads(line) for shard in shards for line in shard.read_text().splitlines()]
    return {record["key"]: record for record in records}


def report_cache(bare: dict[str, Any], records: Sequence[dict[str, Any]]) -> None:
    first, last = (
        min(bare["prompts"]),
        max(bare["prompts"]),
    )  # in sorted order, all others share the common beginning of these two
    static = next(place for place, tokens in enumerate(zip(first, last, strict=False)) if len(set(tokens)) == 2)
    whole = static // bare["block"] * bare["block"]
    most = whole * (len(records) - 1)
    total = sum(record["prompt_tokens"] for record in records)
    served = sum(min(record["cached_tokens"], whole) for record in records)
    print(
        f"all prompts begin with the same {static} of {total / len(records):.0f} tokens: {whole} in whole blocks of "
        f"{bare['block']}, {most:,} in all but the first prompt"
    )
    share = f"{100 * served / most:.1f} %" if most else "nothing to serve"
    every = sum(record["cached_tokens"] for record in records)
    print(f"of these served from the prefix cache: {served:,}, {share} (goal: 95 %); with what else was alike: {every:,}")


if __name__ == "__main__":
    main()
