"""A process of its own that lets vLLM answer prompts: `python vllm_texts.py JOB.json ANSWERS.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(job_path: str, answers_path: str) -> None:
    from vllm import LLM, SamplingParams

    job = json.loads(Path(job_path).read_text(encoding="utf-8"))
    model = LLM(job["path"], dtype=job["dtype"], max_model_len=job["context"], max_num_seqs=8, enforce_eager=True, seed=0)
    sampling = SamplingParams(temperature=0.0, max_tokens=job["max_new_tokens"])
    outputs = model.chat(job["conversations"], sampling, use_tqdm=False, chat_template_kwargs=job["template_options"])
    answers = [
        {
            "text": output.outputs[0].text,
            "finish_reason": output.outputs[0].finish_reason,
            "prompt_tokens": len(output.prompt_token_ids),
            "completion_tokens": len(output.outputs[0].token_ids),
        }
        for output in outputs
    ]
    Path(answers_path).write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
