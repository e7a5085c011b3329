"""An adapter's model card, ready for the hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def model_card(manifest: Mapping[str, Any]) -> str:
    """README.md of an adapter, from its manifest."""
    teacher, training = manifest["teacher"], manifest["training"]
    synthetic = manifest["provenance"]
    losses = manifest["loss"]
    lines = [
        "---",
        f"base_model: {manifest['student']}",
        "library_name: peft",
        "tags: [lora, human-activity-recognition, knowledge-distillation]",
        "---",
        "",
        f"# {manifest['student']}, taught by {teacher['id']} on {manifest['dataset']}",
        "",
        *([f"**{synthetic}**: nothing here says anything about language models or homes.", ""] if synthetic else []),
        "A LoRA adapter for human activity recognition from the events of ambient sensors, made by har_llm after *Knowledge "
        "distillation for LLM-based human activity recognition in homes* (arXiv 2601.07469): the student learned the "
        "teacher's reasoning and answers, word for word.",
        "",
        "| | |",
        "| --- | --- |",
        f"| teacher | {teacher['id']}, version {teacher['revision']}, {teacher['dtype']} |",
        f"| sessions | {len(manifest['sessions'])} of the training part of {manifest['dataset']} |",
        f"| windows; texts; learned from | {manifest['windows']}; {manifest['texts']}; {manifest['examples']} |",
        f"| gold activities used to choose texts | {'yes' if manifest['uses_gold'] else 'no'} |",
        f"| trainable parameters | {manifest['trainable_parameters']:,} of {manifest['parameters']:,} |",
        f"| rank, alpha, learning rate | {training['rank']}, {training['alpha']}, {training['learning_rate']} |",
        f"| steps, examples a step, epochs | {training['steps']}, {training['batch_size']}, {manifest['epochs']:.1f} |",
        f"| loss, first and last step | {losses[0][1]:.4f}, {losses[-1][1]:.4f} |",
        f"| trained with | {manifest['trainer']}, {manifest['hardware']} |",
        "",
        "manifest.json has every setting, the key of every text, the versions and the whole loss curve.",
        "",
    ]
    return "\n".join(lines)
