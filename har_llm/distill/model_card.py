"""The model card, ready for the hub, of an adapter and of a model that one was merged into."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from har_llm.common.markdown import inline, table
from har_llm.common.numbers import decimals, percent
from har_llm.common.provenance import Provenance
from har_llm.common.tables import Table
from har_llm.distill.examples_config import gold_in_words
from har_llm.distill.manifest import AdapterOrigin, MergedModel, Teacher, TrainedAdapter
from har_llm.distill.training_config import TrainingSettings
from har_llm.models.resolve import UNRESOLVED

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

CURVE = "loss.png"
STORY = "for human activity recognition from the events of ambient sensors, made by har_llm"
DISTILLED = (
    " after *Knowledge distillation for LLM-based human activity recognition in homes* (arXiv 2601.07469): the student was "
    "trained on the teacher's reasoning and answers, word for word."
)
GOLD_ANSWERS = ": the student was trained on the gold activities as answers, without a teacher and without reasoning."
GIVEN = ": the student was trained on examples that somebody gave in a file, of which har_llm knows nothing more."
PROMPTS = "It was trained on the prompts that har_llm's `task=prompt prompt={prompt}` shows, and on no others."
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


def card_title(origin: AdapterOrigin) -> str:
    if origin.method == "file":
        return f"{origin.student}, trained on examples of {origin.dataset}"
    examples = "gold answers" if origin.teacher is None else f"generations of {origin.teacher.id}"
    return f"{origin.student}, trained on {examples} for {origin.dataset}"


def model_card(adapter: TrainedAdapter, provenance: Provenance) -> str:
    """README.md of an adapter."""
    student = adapter.origin.student
    distilled = [] if adapter.origin.teacher is None else ["knowledge-distillation"]
    data = _metadata(student, "peft", ["lora", "human-activity-recognition", *distilled])
    use = [_use(adapter.origin)] if _on_hub(student) else []
    paragraphs = [f"A LoRA adapter {_story(adapter.origin)}", *_recipe(adapter), *use, *_prompts(adapter.origin)]
    return _card(provenance, data, card_title(adapter.origin), paragraphs)


def merged_card(merged: MergedModel, adapter: TrainedAdapter | None, provenance: Provenance) -> str:
    """README.md of a model that an adapter was merged into. `adapter`: None for one that was made elsewhere."""
    title = f"{merged.base} with an adapter" if adapter is None else card_title(adapter.origin)
    from_adapter = f"{inline(merged.adapter)}, version {inline(merged.adapter_revision)}"
    base = f"{inline(merged.base)}, version {inline(merged.base_revision)}"
    paragraphs = [f"A LoRA adapter ({from_adapter}) merged into its base ({base}), in {merged.dtype}."]
    if adapter is not None:
        paragraphs += [f"The adapter is {_story(adapter.origin)}", *_recipe(adapter)]
    paragraphs += [MERGED_USE.format(overrides=_overrides(merged)), *([] if adapter is None else _prompts(adapter.origin))]
    return _card(provenance, _metadata(merged.base, "transformers", ["human-activity-recognition"]), title, paragraphs)


def _card(provenance: Provenance, data: ModelCardData, title: str, paragraphs: Sequence[str]) -> str:
    synthetic = provenance.label
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


def _story(origin: AdapterOrigin) -> str:
    if origin.method == "file":
        return STORY + GIVEN
    return STORY + (GOLD_ANSWERS if origin.teacher is None else DISTILLED)


def _prompts(origin: AdapterOrigin) -> list[str]:
    """Of the rows of a file it is not known whose prompts they have."""
    return [] if origin.method == "file" else [PROMPTS.format(prompt=origin.prompt)]


def _use(origin: AdapterOrigin) -> str:
    """How to load the adapter. Values become Python literals, so that none can break out of its line."""
    student, revision, dtype = map(json.dumps, (origin.student, origin.student_revision, origin.dtype))
    return USE.format(student=student, revision=revision, dtype=dtype, rank=origin.training.r)


def _overrides(merged: MergedModel) -> str:
    """The settings that a run needs to prompt and sample the merged model as its student was."""
    sampling = (f"model.sampling.{name}={value}" for name, value in merged.sampling.items())
    own = {"reasoning_marks": merged.reasoning_marks, "chat_template_kwargs": merged.chat_template_kwargs}
    told = [shlex.quote(f"model.{name}={_typed(value)}") for name, value in own.items() if value]
    asked = [f"prompt={merged.prompt}", f"model.dtype={merged.dtype}", f"model.thinking={str(merged.thinking).lower()}"]
    return " ".join([*asked, *told, *sampling])


def _typed(value: Any) -> str:
    """A value as Hydra reads it on the command line: as JSON, but for the keys of mappings, which have no quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_typed(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_typed, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _recipe(adapter: TrainedAdapter) -> list[str]:
    """What it was trained on and how, as a table, with the picture of the loss that lies beside the card."""
    return [
        table(Table("training", "Training", ("", ""), list(_facts(adapter))), level=2),
        f"![Loss by step]({CURVE})",
        "manifest.json has every setting, the key of every generation, the versions, and what was logged of each step.",
    ]


def _facts(adapter: TrainedAdapter) -> Iterator[tuple[str, str]]:
    origin, record, steps = adapter.origin, adapter.record, adapter.steps
    training = origin.training
    share = percent(record.trainable_parameters / record.parameters)
    left_out = "; ".join(f"{count} {reason}" for reason, count in origin.left_out.items())
    yield from _examples(origin)
    if left_out:
        yield "left out", left_out
    yield "gold activities used", _gold(origin)
    yield "trainable parameters", f"{record.trainable_parameters:,} of {record.parameters:,} ({share} %)"
    yield "r, lora_alpha, learning_rate", f"{training.r}, {training.lora_alpha}, {training.learning_rate}"
    yield "optimizer; loss on", f"{record.optimizer}; {_loss_on(training)}"
    yield "steps, examples a step", f"{training.max_steps}, {training.batch_size}"
    yield "epochs, and begun", f"{decimals(origin.epochs, 2)}, {origin.epochs_begun}"
    yield "loss, first and last step", f"{decimals(steps[0].loss, 4)}, {decimals(steps[-1].loss, 4)}"
    yield "trained with", f"{record.trainer}, {record.hardware}"


def _examples(origin: AdapterOrigin) -> Iterator[tuple[str, str]]:
    if origin.method == "file":
        yield "examples", f"{origin.dataset}, SHA-256 {origin.recipe['file']}"
        yield "rows; trained on", f"{origin.generations}; {origin.examples}"
        return
    if (teacher := origin.teacher) is not None:
        yield "teacher", f"{teacher.id}, {_version(teacher)}, on {', '.join(teacher.engines)}"
    yield "sessions", f"{len(origin.sessions)} of the training part of {origin.dataset}"
    if teacher is None:
        yield "windows; trained on", f"{origin.windows}; {origin.examples}"
    else:
        yield "windows; generations; trained on", f"{origin.windows}; {origin.generations}; {origin.examples}"


def _version(teacher: Teacher) -> str:
    if teacher.revision.startswith(UNRESOLVED):
        return "as a server has it (version and number format unknown)"
    return f"version {teacher.revision}, {teacher.dtype}"


def _loss_on(training: TrainingSettings) -> str:
    return "reasoning and answer" if training.completion_only_loss else "the prompt too"


def _gold(origin: AdapterOrigin) -> str:
    said = gold_in_words(origin.method, origin.uses_gold)
    dropped = "events of the null class are left out by them" if said and origin.null_class == "dropped" else ""
    return "; ".join(filter(None, [said, dropped])) or "no"
