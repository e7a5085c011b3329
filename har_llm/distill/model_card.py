"""The model card, ready for the hub, of an adapter and of a model that one was merged into."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from har_llm.common.markdown import inline, table
from har_llm.common.numbers import decimals, percent
from har_llm.common.tables import Table

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

CURVE = "loss.png"
STORY = (
    "for human activity recognition from the events of ambient sensors, made by har_llm after *Knowledge distillation for "
    "LLM-based human activity recognition in homes* (arXiv 2601.07469): the student was trained on the teacher's reasoning "
    "and answers, word for word."
)
PROMPTS = "It was trained on the prompts that har_llm's `task=prompt` shows, and on no others."
USE = """```python
import transformers
from peft import PeftModel

config = transformers.AutoConfig.from_pretrained({student}, revision={revision})
model_class = getattr(transformers, config.architectures[0])  # another class may have other names for its layers
base = model_class.from_pretrained({student}, revision={revision}, dtype={dtype})
model = PeftModel.from_pretrained(base, "this folder or repository")
```

In vLLM: `enable_lora=True, max_lora_rank={rank}` (or the next that it takes), and
`LoRARequest("adapter", 1, "this folder")`."""
MERGED_USE = """It needs no adapter, and loads like any other model. In har_llm:

```
python -m har_llm model=custom model.id=FOLDER_OR_REPOSITORY {overrides}
```"""


def card_title(manifest: Mapping[str, Any]) -> str:
    return f"{manifest['student']}, trained on generations of {manifest['teacher']['id']} for {manifest['dataset']}"


def model_card(manifest: Mapping[str, Any]) -> str:
    """README.md of an adapter, from its manifest."""
    student = manifest["student"]
    data = _metadata(student, "peft", ["lora", "human-activity-recognition", "knowledge-distillation"])
    use = [_use(manifest)] if _on_hub(student) else []
    return _card(manifest, data, card_title(manifest), [f"A LoRA adapter {STORY}", *_recipe(manifest), *use, PROMPTS])


def merged_card(manifest: Mapping[str, Any]) -> str:
    """README.md of a model that an adapter was merged into. Of an adapter that was made elsewhere little is known."""
    merged, trained_here = manifest["merged"], "teacher" in manifest
    base, adapter = (f"{inline(merged[one])}, version {inline(merged[f'{one}_revision'])}" for one in ("base", "adapter"))
    title = card_title(manifest) if trained_here else f"{merged['base']} with an adapter"
    paragraphs = [f"A LoRA adapter ({adapter}) merged into its base ({base}), in {merged['dtype']}."]
    if trained_here:
        paragraphs += [f"The adapter is {STORY}", *_recipe(manifest)]
    paragraphs += [MERGED_USE.format(overrides=_overrides(merged)), *([PROMPTS] if trained_here else [])]
    return _card(manifest, _metadata(merged["base"], "transformers", ["human-activity-recognition"]), title, paragraphs)


def _card(manifest: Mapping[str, Any], data: ModelCardData, title: str, paragraphs: Sequence[str]) -> str:
    synthetic = manifest["provenance"]
    warning = [f"**{inline(synthetic)}**: nothing here says anything about language models or homes."] if synthetic else []
    body = "\n\n".join([f"# {inline(title)}", *warning, *paragraphs])
    return f"---\n{data.to_yaml()}\n---\n\n{body}\n"


def _metadata(base: str, library: str, tags: Sequence[str]) -> ModelCardData:
    """What the hub sorts models by. The hub accepts only its own models as a base model.

    Datasets are left out, because the homes' are not on the hub; the licence, because the publisher decides on it; and
    scores, because a card is written before any run.
    """
    from huggingface_hub import ModelCardData

    return ModelCardData(
        base_model=base if _on_hub(base) else None, library_name=library, pipeline_tag="text-generation", tags=list(tags)
    )


def _on_hub(model: str) -> bool:
    return model.count("/") == 1


def _use(manifest: Mapping[str, Any]) -> str:
    """How to load the adapter. Values become Python literals, so that none can break out of its line."""
    values = manifest["student"], manifest["student_revision"], manifest["recipe"]["base"][2]
    student, revision, dtype = map(json.dumps, values)
    return USE.format(student=student, revision=revision, dtype=dtype, rank=int(manifest["training"]["r"]))


def _overrides(merged: Mapping[str, Any]) -> str:
    """The settings that a run needs to prompt and sample the merged model as its student was."""
    sampling = (f"model.sampling.{name}={value}" for name, value in merged["sampling"].items())
    return " ".join([f"model.dtype={merged['dtype']}", f"model.thinking={str(merged['thinking']).lower()}", *sampling])


def _recipe(manifest: Mapping[str, Any]) -> list[str]:
    """What it was trained on and how, as a table, with the picture of the loss that lies beside the card."""
    return [
        table(Table("training", "Training", ("", ""), list(_facts(manifest))), level=2),
        f"![Loss by step]({CURVE})",
        "manifest.json has every setting, the key of every generation, the versions and the whole loss curve.",
    ]


def _facts(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    teacher, training, losses = manifest["teacher"], manifest["training"], manifest["loss"]
    share = percent(manifest["trainable_parameters"] / manifest["parameters"])
    left_out = "; ".join(f"{count} {reason}" for reason, count in manifest["left_out"].items())
    yield "teacher", f"{teacher['id']}, version {teacher['revision']}, {teacher['dtype']}"
    yield "sessions", f"{len(manifest['sessions'])} of the training part of {manifest['dataset']}"
    yield "windows; generations; trained on", f"{manifest['windows']}; {manifest['generations']}; {manifest['examples']}"
    if left_out:
        yield "generations left out", left_out
    yield "gold activities used to choose generations or events", _gold(manifest)
    yield "trainable parameters", f"{manifest['trainable_parameters']:,} of {manifest['parameters']:,} ({share} %)"
    yield "r, lora_alpha, learning_rate", f"{training['r']}, {training['lora_alpha']}, {training['learning_rate']}"
    yield "optimizer; loss on", f"{manifest['optimizer']}; {_loss_on(training)}"
    yield "steps, examples a step", f"{training['max_steps']}, {training['batch_size']}"
    yield "epochs, and begun", f"{decimals(manifest['epochs'], 2)}, {manifest['epochs_begun']}"
    yield "loss, first and last step", f"{decimals(losses[0][1], 4)}, {decimals(losses[-1][1], 4)}"
    yield "trained with", f"{manifest['trainer']}, {manifest['hardware']}"


def _loss_on(training: Mapping[str, Any]) -> str:
    return "reasoning and answer" if training["completion_only_loss"] else "the prompt too"


def _gold(manifest: Mapping[str, Any]) -> str:
    if not manifest["uses_gold"]:
        return "no"
    return "yes: events of the null class are left out by them" if manifest.get("null_class") == "dropped" else "yes"
