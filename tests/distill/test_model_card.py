"""What an adapter's folder says of it: the model card, the picture of its loss, the name of its base."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from har_llm.common.markdown import inline
from har_llm.common.provenance import Provenance
from har_llm.distill.loss_curve import draw_losses
from har_llm.distill.manifest import MergedModel, Teacher
from har_llm.distill.model_card import CURVE, card_title, merged_card, model_card
from har_llm.distill.training_messages import TrainingStep
from tests.distill.manifests import trained_adapter

NOTHING, SYNTHETIC = Provenance(), Provenance(home=True, model=True)


def card_of(**changes: Any) -> str:
    return model_card(trained_adapter(**changes), NOTHING)


def test_a_card_says_what_was_trained_on_what_and_how() -> None:
    card = card_of()
    head = ModelCard(card).data
    assert (head.base_model, head.library_name, head.pipeline_tag) == ("Qwen/Qwen3-0.6B", "peft", "text-generation")
    assert head.tags == ["lora", "human-activity-recognition", "knowledge-distillation"]
    for said in (
        "# Qwen/Qwen3-0.6B, trained on generations of Qwen/Qwen3-32B for marble",
        "| windows; generations; trained on | 130; 130; 126 |",
        "| left out | 3 is cut; 1 longer than 9000 tokens |",
        "| trainable parameters | 20,185,088 of 616,235,008 (3.28 %) |",
        "| epochs, and begun | 31.25, 32 |",
        "| loss, first and last step | 1.5000, 0.2500 |",
        'from_pretrained("Qwen/Qwen3-0.6B", revision="c0ffee", dtype="bfloat16")',
        f"![Loss by step]({CURVE})",
    ):
        assert said in card
    assert "synthetic" not in card


def test_shares_and_losses_are_rounded_as_in_every_table() -> None:
    card = card_of(trainable_parameters=1, parameters=32, steps=(TrainingStep(1, 1.00005), TrainingStep(2, 0.5)))
    assert "1 of 32 (3.13 %)" in card and "1.0001, 0.5000" in card


def test_a_card_says_what_gold_activities_were_used_for() -> None:
    row, chosen = "| gold activities used |", "examples made or chosen with gold activities"
    assert f"{row} no |" in card_of() and f"{row} {chosen} |" in card_of(uses_gold=True)
    dropped = card_of(uses_gold=True, null_class="dropped")
    assert f"{row} {chosen}; events of the null class are left out by them |" in dropped
    assert f"{row} examples of which is not known whether gold" in card_of(uses_gold=None)
    assert f"{row} no |" in card_of(null_class="dropped"), "there were no such events"


def test_a_card_without_a_teacher_names_none() -> None:
    gold = card_of(teacher=None, method="gold_answers", uses_gold=True)
    assert "trained on gold answers for marble" in gold and "without a teacher and without reasoning" in gold
    of_file = {"dataset": "file rows.jsonl", "sessions": [], "windows": None, "recipe": {"file": "d1g"}}
    given = card_of(teacher=None, method="file", null_class=None, **of_file)
    assert "trained on examples of file rows.jsonl" in given and "| examples | file rows.jsonl, SHA-256 d1g |" in given
    assert (
        not any("teacher |" in card or "arXiv" in card or "knowledge" in card for card in (gold, given))
        and "task=prompt" not in given
    )


def test_a_model_that_the_hub_does_not_have_is_not_given_to_it_as_a_base() -> None:
    """It refuses a card that names one."""
    card = model_card(trained_adapter(student="embedded:tiny_student", left_out={}), SYNTHETIC)
    assert ModelCard(card).data.base_model is None
    assert "**synthetic home, synthetic model**" in card
    assert "from_pretrained" not in card and "left out" not in card


HOSTILE = ("org/model: [x", "org/model\n---\n# A heading", "org/{model}", 'org/"model"', "org/model | <b>@you [a](b)")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_a_name_in_metadata_title_table_and_code(name: str) -> None:
    """An adapter's manifest, which a merged model's card goes on from, may be anybody's."""
    hostile = trained_adapter(student=name, teacher=Teacher(name, name, name, [name], {}), dataset=name, hardware=name)
    card, plain = ModelCard(model_card(hostile, NOTHING)), ModelCard(card_of())
    assert (card.data.base_model, card.data.library_name) == (name, "peft")
    lines = card.text.splitlines()
    assert [line for line in lines if line.startswith("#")] == [f"# {inline(card_title(hostile.origin))}", "## Training"]
    assert len(lines) == len(plain.text.splitlines()) and "<b>" not in card.text.partition("```")[0]
    loading = [line for line in lines if "from_pretrained(" in line and "this folder" not in line]
    assert len(loading) == 2
    for line in loading:
        call = ast.parse(line.partition("= ")[2], mode="eval").body
        assert isinstance(call, ast.Call) and ast.literal_eval(call.args[0]) == name


MERGED = MergedModel(
    base="Qwen/Qwen3-0.6B",
    base_revision="c0ffee",
    adapter="distilled",
    adapter_revision="k3y",
    dtype="bfloat16",
    prompt="reasoning",
    thinking=True,
    reasoning_marks=["<why>", "</why>"],
    chat_template_kwargs={"reasoning_effort": "low", "tools": [1]},
    sampling={"temperature": 0.6, "top_p": 0.95},
)


def test_a_merged_model_tells_the_story_of_its_adapter() -> None:
    card = merged_card(MERGED, trained_adapter(), NOTHING)
    head = ModelCard(card).data
    assert (head.base_model, head.library_name) == ("Qwen/Qwen3-0.6B", "transformers")
    for said in (
        "# Qwen/Qwen3-0.6B, trained on generations of Qwen/Qwen3-32B for marble",
        "A LoRA adapter (distilled, version k3y) merged into its base (Qwen/Qwen3-0.6B, version c0ffee), in bfloat16.",
        "| windows; generations; trained on | 130; 130; 126 |",
        f"![Loss by step]({CURVE})",
        "model=custom model.id=FOLDER_OR_REPOSITORY prompt=reasoning model.dtype=bfloat16 "
        """model.thinking=true 'model.reasoning_marks=["<why>", "</why>"]' """
        """'model.chat_template_kwargs={reasoning_effort: "low", tools: [1]}' """
        "model.sampling.temperature=0.6 model.sampling.top_p=0.95\n",
    ):
        assert said in card
    assert "synthetic" not in card and "peft" not in card


def test_of_an_adapter_made_elsewhere_a_merged_model_tells_only_what_is_known() -> None:
    card = merged_card(replace(MERGED, base="embedded:tiny_teacher"), None, Provenance(model=True))
    assert ModelCard(card).data.base_model is None
    assert "# embedded:tiny_teacher with an adapter" in card and "**synthetic model**" in card
    assert CURVE not in card and "trained" not in card


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 8, 500])
@pytest.mark.parametrize("label", [None, "synthetic home"])
def test_the_loss_is_drawn(tmp_path: Path, steps: int, label: str | None) -> None:
    draw_losses([[step, 1 / step] for step in range(1, steps + 1)], "a title", label, tmp_path / CURVE)
    content = (tmp_path / CURVE).read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) > 5000


def test_what_is_synthetic_is_said_in_the_picture(tmp_path: Path) -> None:
    for name, label in (("plain.png", None), ("labelled.png", "synthetic home"), ("again.png", "synthetic home")):
        draw_losses([[1, 1.0], [2, 0.5]], "a title", label, tmp_path / name)
    plain, labelled, again = ((tmp_path / f"{name}.png").read_bytes() for name in ("plain", "labelled", "again"))
    assert plain != labelled == again
