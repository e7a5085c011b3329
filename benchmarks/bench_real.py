"""Both engines with a real model on MARBLE, against bare scripts of the same libraries that write the same generations.

    HAR_LLM_DATA=DATA python benchmarks/bench_real.py MODEL [--windows 24] [--tokens 400] [--engines transformers vllm]

MODEL: a folder of tools/real_models.py, such as MODELS/qwen2.5-coder-0.5b. Whole processes, start-up and imports included,
with fresh outputs each time and in turns; greedy, in 32 bits. The bare scripts neither parse nor score. That of Transformers
calls `generate` on batches of 32 prompts, padded on the left; that of vLLM is one call of `LLM.chat`. Goals: Transformers at
most 0.7 times the bare script, vLLM at most 1.00. Generations are compared too: another order of the sums may turn a greedy
choice, and all that follows.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

import bench_vllm
from timing import ROOT, report, seconds

sys.path.insert(0, str(ROOT))

BARE_TRANSFORMERS = """
import json, sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

job = json.load(open(sys.argv[1]))
path = job["arguments"]["model"]
tokenizer = AutoTokenizer.from_pretrained(path, padding_side="left")
model = AutoModelForCausalLM.from_pretrained(path, dtype=job["arguments"]["dtype"])
texts = []
for start in range(0, len(job["conversations"]), 32):
    batch = tokenizer.apply_chat_template(
        job["conversations"][start : start + 32],
        add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True, **job["template_options"],
    )
    with torch.inference_mode():
        output = model.generate(**batch, do_sample=False, max_new_tokens=job["sampling"]["max_tokens"])
    texts += tokenizer.batch_decode(output[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
json.dump({"texts": texts}, open("made.json", "w"))
"""
BARE = {"transformers": (BARE_TRANSFORMERS, 0.7), "vllm": (bench_vllm.BARE, 1.0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--dtype", default="float32", help="bfloat16 is slow on many CPUs")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--engines", nargs="*", default=list(BARE), choices=list(BARE))
    arguments = parser.parse_args()
    for engine in arguments.engines:
        compare(engine, arguments)


def compare(engine: str, arguments: argparse.Namespace) -> None:
    overrides = [
        *("dataset=marble", "baselines=none", f"engine={engine}", f"limit={arguments.windows}"),
        *("model=custom", f"model.id={arguments.model.resolve()}", "model.thinking=false", f"model.dtype={arguments.dtype}"),
        *("model.sampling.temperature=0", f"model.sampling.max_new_tokens={arguments.tokens}"),
    ]
    script, goal = BARE[engine]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare.py").write_text(script)
        keys = bench_vllm.write_job(folder / "job.json", [*overrides[:2], "engine=vllm", *overrides[3:]])
        taken: dict[str, list[float]] = {"bare": [], "har_llm": []}
        for number in range(arguments.repeats):
            for way in sorted(taken, reverse=number % 2 == 1):
                if way == "har_llm":
                    shutil.rmtree(folder / "outputs", ignore_errors=True)
                command = ["bare.py", "job.json"] if way == "bare" else ["-m", "har_llm", *overrides]
                taken[way].append(seconds([sys.executable, *command], folder))
        bare, ours = json.loads((folder / "made.json").read_text())["texts"], bench_vllm.stored(folder)
    report(f"engine={engine}, {len(keys)} windows", median(taken["har_llm"]), median(taken["bare"]), goal)
    same = sum(ours[key]["text"] == text for key, text in zip(keys, bare, strict=True))
    lengths = sorted(ours[key]["completion_tokens"] for key in keys)
    print(f"generations equal to the bare script's: {same} of {len(keys)}; of {lengths[0]} to {lengths[-1]} tokens")


if __name__ == "__main__":
    main()
