"""An adapter's model card, ready for the hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CURVE = "loss.png"
USE = """```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("{student}", revision="{revision}", dtype="{dtype}")
model = PeftModel.from_pretrained(base, "this folder or repository")
```

In vLLM: `enable_lora=True, max_lora_rank={rank}` (or the next that it takes), and `LoRARequest("taught", 1, "this folder")`.
It was trained on the prompts that har_llm's `task=prompt` shows, and on no others.
"""


def card_title(manifest: Mapping[str, Any]) -> str:
    return f"{manifest['student']}, taught by {manifest['teacher']['id']} on {manifest['dataset']}"


def model_card(manifest: Mapping[str, Any]) -> str:
    """README.md of an adapter, from its manifest."""
    synthetic = manifest["provenance"]
    lines = [
        "---",
        *_base(manifest),
        "library_name: peft",
        "pipeline_tag: text-generation",
        "tags: [lora, human-activity-recognition, knowledge-distillation]",
        "---",
        "",
        f"# {card_title(manifest)}",
        "",
        *([f"**{synthetic}**: nothing here says anything about language models or homes.", ""] if synthetic else []),
        "A LoRA adapter for human activity recognition from the events of ambient sensors, made by har_llm after *Knowledge "
        "distillation for LLM-based human activity recognition in homes* (arXiv 2601.07469): the student learned the "
        "teacher's reasoning and answers, word for word.",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in _facts(manifest).items()),
        "",
        f"![Loss by step]({CURVE})",
        "",
        *_use(manifest),
        "manifest.json has every setting, the key of every text, the versions and the whole loss curve.",
        "",
    ]
    return "\n".join(lines)


def _base(manifest: Mapping[str, Any]) -> list[str]:
    """The hub takes the name of a model that it has, and no other."""
    return [f"base_model: {manifest['student']}"] if _on_hub(manifest) else []


def _use(manifest: Mapping[str, Any]) -> list[str]:
    if not _on_hub(manifest):
        return []
    student, revision, rank = manifest["student"], manifest["student_revision"], manifest["training"]["rank"]
    return [USE.format(student=student, revision=revision, dtype=manifest["recipe"]["base"][2], rank=rank)]


def _on_hub(manifest: Mapping[str, Any]) -> bool:
    return str(manifest["student"]).count("/") == 1


def _facts(manifest: Mapping[str, Any]) -> dict[str, str]:
    teacher, training, losses = manifest["teacher"], manifest["training"], manifest["loss"]
    share = 100 * manifest["trainable_parameters"] / manifest["parameters"]
    left_out = "; ".join(f"{count} {reason}" for reason, count in manifest["left_out"].items())
    return {
        "teacher": f"{teacher['id']}, version {teacher['revision']}, {teacher['dtype']}",
        "sessions": f"{len(manifest['sessions'])} of the training part of {manifest['dataset']}",
        "windows; texts; learned from": f"{manifest['windows']}; {manifest['texts']}; {manifest['examples']}",
        **({"texts left out": left_out} if left_out else {}),
        "gold activities used to choose texts or events": _gold(manifest),
        "trainable parameters": f"{manifest['trainable_parameters']:,} of {manifest['parameters']:,} ({share:.2f} %)",
        "rank, alpha, learning rate": f"{training['rank']}, {training['alpha']}, {training['learning_rate']}",
        "optimizer; loss on": f"{manifest['optimizer']}; {training['loss_on']}",
        "steps, examples a step": f"{training['steps']}, {training['batch_size']}",
        "epochs, and begun": f"{manifest['epochs']:.2f}, {manifest['epochs_begun']}",
        "loss, first and last step": f"{losses[0][1]:.4f}, {losses[-1][1]:.4f}",
        "trained with": f"{manifest['trainer']}, {manifest['hardware']}",
    }


def _gold(manifest: Mapping[str, Any]) -> str:
    if manifest.get("null_class") == "dropped":
        return "yes: events of the null class are left out by them"
    return "yes" if manifest["uses_gold"] else "no"
