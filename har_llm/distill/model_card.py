"""The model card, ready for the hub, of an adapter and of a model that one was merged into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CURVE = "loss.png"
STORY = (
    "for human activity recognition from the events of ambient sensors, made by har_llm after *Knowledge distillation for "
    "LLM-based human activity recognition in homes* (arXiv 2601.07469): the student learned the teacher's reasoning and "
    "answers, word for word."
)
PROMPTS = "It was trained on the prompts that har_llm's `task=prompt` shows, and on no others."
USE = """```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("{student}", revision="{revision}", dtype="{dtype}")
model = PeftModel.from_pretrained(base, "this folder or repository")
```

In vLLM: `enable_lora=True, max_lora_rank={rank}` (or the next that it takes), and `LoRARequest("taught", 1, "this folder")`.
"""
MERGED_USE = """It needs no adapter, and loads like any other model. In har_llm:

```
python -m har_llm model=custom model.id=FOLDER_OR_REPOSITORY {overrides}
```
"""


def card_title(manifest: Mapping[str, Any]) -> str:
    return f"{manifest['student']}, taught by {manifest['teacher']['id']} on {manifest['dataset']}"


def model_card(manifest: Mapping[str, Any]) -> str:
    """README.md of an adapter, from its manifest."""
    head = ["library_name: peft", "tags: [lora, human-activity-recognition, knowledge-distillation]"]
    told = [f"A LoRA adapter {STORY}", "", *_recipe(manifest), *_use(manifest), PROMPTS]
    return _card(manifest, [*_base(manifest["student"]), *head], card_title(manifest), told)


def merged_card(manifest: Mapping[str, Any]) -> str:
    """README.md of a model that an adapter was merged into. Of an adapter that was made elsewhere little is known."""
    merged, taught = manifest["merged"], "teacher" in manifest
    base, adapter = (f"{merged[one]}, version {merged[f'{one}_revision']}" for one in ("base", "adapter"))
    told = [f"A LoRA adapter ({adapter}) merged into its base ({base}), in {merged['dtype']}.", ""]
    if taught:
        told += [f"The adapter is {STORY}", "", *_recipe(manifest)]
    told += [MERGED_USE.format(overrides=_overrides(merged)), *([PROMPTS] if taught else [])]
    head = [*_base(merged["base"]), "library_name: transformers", "tags: [human-activity-recognition]"]
    return _card(manifest, head, card_title(manifest) if taught else f"{merged['base']} with an adapter", told)


def _overrides(merged: Mapping[str, Any]) -> str:
    """What a run says to ask the model as the one that it was merged from was asked."""
    sampling = (f"model.sampling.{name}={value}" for name, value in merged["sampling"].items())
    return " ".join([f"model.dtype={merged['dtype']}", f"model.thinking={str(merged['thinking']).lower()}", *sampling])


def _card(manifest: Mapping[str, Any], head: Sequence[str], title: str, told: Sequence[str]) -> str:
    synthetic = manifest["provenance"]
    lines = [
        "---",
        *head,
        "pipeline_tag: text-generation",
        "---",
        "",
        f"# {title}",
        "",
        *([f"**{synthetic}**: nothing here says anything about language models or homes.", ""] if synthetic else []),
        *told,
        "",
    ]
    return "\n".join(lines)


def _base(model: str) -> list[str]:
    """The hub takes the name of a model that it has, and no other."""
    return [f"base_model: {model}"] if _on_hub(model) else []


def _use(manifest: Mapping[str, Any]) -> list[str]:
    student, revision, rank = manifest["student"], manifest["student_revision"], manifest["training"]["r"]
    if not _on_hub(student):
        return []
    return [USE.format(student=student, revision=revision, dtype=manifest["recipe"]["base"][2], rank=rank)]


def _on_hub(model: str) -> bool:
    return model.count("/") == 1


def _recipe(manifest: Mapping[str, Any]) -> list[str]:
    """What was learned and how, as a table, with the picture of the loss that lies beside the card."""
    return [
        "| | |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in _facts(manifest).items()),
        "",
        f"![Loss by step]({CURVE})",
        "",
        "manifest.json has every setting, the key of every generation, the versions and the whole loss curve.",
        "",
    ]


def _facts(manifest: Mapping[str, Any]) -> dict[str, str]:
    teacher, training, losses = manifest["teacher"], manifest["training"], manifest["loss"]
    share = 100 * manifest["trainable_parameters"] / manifest["parameters"]
    left_out = "; ".join(f"{count} {reason}" for reason, count in manifest["left_out"].items())
    return {
        "teacher": f"{teacher['id']}, version {teacher['revision']}, {teacher['dtype']}",
        "sessions": f"{len(manifest['sessions'])} of the training part of {manifest['dataset']}",
        "windows; generations; trained on": f"{manifest['windows']}; {manifest['generations']}; {manifest['examples']}",
        **({"generations left out": left_out} if left_out else {}),
        "gold activities used to choose generations or events": _gold(manifest),
        "trainable parameters": f"{manifest['trainable_parameters']:,} of {manifest['parameters']:,} ({share:.2f} %)",
        "r, lora_alpha, learning_rate": f"{training['r']}, {training['lora_alpha']}, {training['learning_rate']}",
        "optimizer; loss on": f"{manifest['optimizer']}; {_loss_on(training)}",
        "steps, examples a step": f"{training['max_steps']}, {training['batch_size']}",
        "epochs, and begun": f"{manifest['epochs']:.2f}, {manifest['epochs_begun']}",
        "loss, first and last step": f"{losses[0][1]:.4f}, {losses[-1][1]:.4f}",
        "trained with": f"{manifest['trainer']}, {manifest['hardware']}",
    }


def _loss_on(training: Mapping[str, Any]) -> str:
    return "reasoning and answer" if training["completion_only_loss"] else "the prompt too"


def _gold(manifest: Mapping[str, Any]) -> str:
    if not manifest["uses_gold"]:
        return "no"
    return "yes: events of the null class are left out by them" if manifest.get("null_class") == "dropped" else "yes"
