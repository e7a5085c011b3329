"""The main job against a bare Transformers `generate` loop over the same prompts, and the rerun of the finished run.

    python benchmarks/bench_run.py [--repeats 3] [--model tiny_teacher]

Whole processes, start-up and imports included; the same model, batch size, precision and number of new tokens. Goals: at
most 1.1 times the bare loop, and under 3 s for the rerun. The generations of both are compared as well.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from timing import ROOT, report, seconds

BARE = """
import json, sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, prompts, out = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
messages = json.load(open(prompts))
texts = []
for start in range(0, len(messages), 32):
    batch = messages[start:start + 32]
    options = {"add_generation_prompt": True, "padding": True, "return_tensors": "pt", "return_dict": True}
    inputs = tokenizer.apply_chat_template(batch, **options)
    with torch.inference_mode():
        output = model.generate(**inputs, max_new_tokens=512, do_sample=False)
    for row in tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1]:]):
        texts.append(row.split("<|im_end|>")[0])
json.dump(texts, open(out, "w"))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default="tiny_teacher")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        write_prompts(folder / "prompts.json", arguments.model)
        model = ROOT / "har_llm" / "models" / "embedded" / arguments.model
        bare = [sys.executable, "bare.py", str(model), "prompts.json", "texts.json"]
        ours = [sys.executable, "-m", "har_llm", f"model={arguments.model}", "baselines=none"]
        taken: dict[str, list[float]] = {"bare": [], "run": [], "rerun": []}
        for _ in range(arguments.repeats):
            taken["bare"].append(seconds(bare, folder))
            shutil.rmtree(folder / "outputs", ignore_errors=True)
            taken["run"].append(seconds(ours, folder))
            taken["rerun"].append(seconds(ours, folder))
        same, windows = compare_generations(folder)
    report(f"the main job, {windows} windows", median(taken["run"]), median(taken["bare"]), 1.1)
    print(f"rerun of the finished run: {median(taken['rerun']):.2f} s (goal: under 3 s)")
    print(f"generations equal to the bare loop's: {same} of {windows}")


def write_prompts(path: Path, model: str) -> None:
    sys.path.insert(0, str(ROOT))
    from har_llm.runs.prepare import prepare
    from tests.composing import experiment

    prepared = prepare(experiment(f"model={model}"))
    path.write_text(json.dumps([list(prompt.messages) for prompt in prepared.prompts]))


def compare_generations(folder: Path) -> tuple[int, int]:
    bare = json.loads((folder / "texts.json").read_text())
    rows = [json.loads(line) for line in next(folder.glob("outputs/runs/*/predictions.jsonl")).read_text().splitlines()]
    keys = dict.fromkeys(row["generation"] for row in rows)
    kept = {}
    for shard in folder.glob("outputs/store/generations/*/*.jsonl"):
        kept.update({record["key"]: record["text"] for record in map(json.loads, shard.read_text().splitlines())})
    return sum(kept[key] == text for key, text in zip(keys, bare, strict=True)), len(bare)


if __name__ == "__main__":
    main()
