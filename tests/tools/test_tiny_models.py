"""The script that builds the embedded models: its examples have har_llm's own prompts, and it trains."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from har_llm.common.provenance import Provenance
from har_llm.data.datasets.simulated import Draws
from har_llm.models.resolve import provenance, resolve
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import parse
from tests.composing import experiment
from tests.helpers import ROOT


@pytest.fixture(scope="module", autouse=True)
def the_folder_of_the_tool() -> Iterator[None]:
    sys.path.insert(0, str(ROOT / "tools" / "tiny_models"))
    yield
    sys.path.pop(0)


def some_examples(fixed_share: int, random_labels: bool = False) -> list[tuple[Any, str]]:
    from examples import training_examples

    return training_examples(Draws("test", fixed_share), size=10, random_labels=random_labels, fixed_share=fixed_share)


@pytest.mark.parametrize("fixed_share", [0, 100])
def test_the_training_answers_parse_as_the_gold_activities(fixed_share: int) -> None:
    for prompt, text in some_examples(fixed_share):
        catalogue = {event.activities[0]: "any" for event in prompt.window.events}
        answer = parse(text, "stop", Asked(prompt.ids, Labels(catalogue)), thinking=True)
        assert [one.activity for one in answer.strict] == [event.activities[0] for event in prompt.window.events]


def test_random_labels_come_from_the_homes_own_list() -> None:
    for prompt, text in some_examples(0, random_labels=True):
        listed = {int(line.partition(".")[0]) for line in prompt.messages[1]["content"].splitlines() if line[:1].isdigit()}
        rows = json.loads(text.rpartition("</think>")[2])
        assert {row["activity"] for row in rows} <= listed


def test_a_misnamed_activity_has_the_number_of_the_one_that_it_is_taken_for() -> None:
    from random_homes import ACTIVITIES, MISNAMED, random_recording

    concepts = [concept for pair in MISNAMED for concept in pair]
    assert sorted(concepts) == sorted(ACTIVITIES), "each is in one pair"
    concept_of = {name: concept for concept, values in ACTIVITIES.items() for name in values[0]}
    for draw in range(20):
        home, _, misnamed = random_recording(Draws("test", draw), 20, paired=True)
        listed = {number: concept_of[name] for number, name in home.activities.items()}
        assert misnamed.keys() == listed.keys()
        assert all(
            {(listed[one], listed[other]), (listed[other], listed[one])} & {*MISNAMED} for one, other in misnamed.items()
        )


def test_misnamed_labels_take_the_place_of_true_ones() -> None:
    from examples import session_examples
    from random_homes import random_recording

    home, session, misnamed = random_recording(Draws("test", "misnamed"), 20, paired=True)
    examples = list(session_examples(home, session, Draws(), size=10, random_labels=True, misnamed=misnamed))
    for prompt, text in examples:
        rows = json.loads(text.rpartition("</think>")[2])
        assert [row["activity"] for row in rows] == [misnamed[event.activities[0]] for event in prompt.window.events]


def test_rules_speak_of_the_homes_own_sensors_and_activities() -> None:
    from random_homes import random_recording

    homes = [random_recording(Draws("test", draw), 20, rules=True)[0] for draw in range(30)]
    assert 5 < sum(bool(home.rules) for home in homes) < 25, "half of the homes have some"
    for home in homes:
        for rule in home.rules:
            sensor, _, activity = rule.removesuffix(".").partition(" is used for ")
            assert activity in home.activities.values() and sensor.rpartition(" of the ")[2] in home.rooms
    assert not any(random_recording(Draws("test", draw), 20)[0].rules for draw in range(30))


def test_training_never_sees_the_recordings_that_users_see() -> None:
    from examples import TRAINING_SEEDS

    assert TRAINING_SEEDS[0] > 0
    for name in ("simulated_flat", "simulated_house"):
        assert experiment(f"dataset={name}").dataset.seed < TRAINING_SEEDS[0]  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_shipped_tokenizer_gives_every_text_back() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(ROOT / "har_llm" / "models" / "embedded" / "tiny_teacher")
    texts = [text for _, text in some_examples(0)] + ["Gänseblümchen ✓ 日本 \u2028", "123456 789", "  spaces\n\n\n"]
    for text in texts:
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    template = (ROOT / "tools" / "tiny_models" / "qwen3_chat_template.jinja").read_text()
    assert tokenizer.chat_template == template


def test_a_drill_lists_what_it_asks_for() -> None:
    from examples import lookup_drill

    draws = Draws("test", "drill")
    for _ in range(50):
        listing, answer = lookup_drill(draws, names=39, listed=14, highest=29)
        listed = dict(reversed(line.split(". ", 1)) for line in listing.splitlines() if line)
        asked = dict(line.removesuffix(").").split(" (") for line in answer.splitlines())
        assert asked == listed and 2 <= len(listed) <= 14
        assert all(0 <= int(number) <= 29 for number in listed.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny_student", "tiny_teacher"])
def test_the_shipped_models_read_every_number_from_the_prompts_list(name: str) -> None:
    """In homes drawn at random, so that no number can be known, and where the generation has not numbered the name
    before."""
    import torch
    from examples import training_examples
    from train import BEFORE_NUMBER, encode
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = ROOT / "har_llm" / "models" / "embedded" / name
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
        AutoTokenizer.from_pretrained(folder),
    )
    before = tokenizer.convert_tokens_to_ids(BEFORE_NUMBER)
    draws, right, seen = Draws("test", "lookup"), 0, 0
    for _ in range(5):
        examples = training_examples(draws, size=10, random_labels=True)
        ((prompt, answer),) = encode(tokenizer, [draws.pick(examples)])
        ids = torch.tensor([prompt + answer])
        with torch.no_grad():
            best = model(input_ids=ids).logits[0].argmax(-1)
        places = [place for place in range(len(prompt) + 1, ids.shape[1]) if ids[0, place - 1] == before]
        first = {int(ids[0, place]): place for place in reversed(places)}
        right += sum(int(best[place - 1] == number) for number, place in first.items())
        seen += len(first)
    assert seen > 15 and right >= 0.95 * seen


@pytest.mark.slow
def test_a_stage_goes_on_until_its_loss_is_low() -> None:
    from train import Stage

    assert [Stage(3).over([1.0] * steps) for steps in (2, 3)] == [False, True]
    patient = Stage(3, until_loss=0.2)
    assert not patient.over([1.0] * 29) and patient.over([1.0] * 30), "not for ever"
    assert not patient.over([1.0] * 5 + [0.1]) and patient.over([1.0] * 5 + [0.1] * 25)


@pytest.mark.slow
def test_a_few_steps_of_training(tmp_path: Any) -> None:
    from tokenizer import build_tokenizer
    from train import Drill, Probe, Recipe, Shape, Stage, encode, train, write_model

    tokenizer = build_tokenizer(0, sessions=20)
    drill = Drill(names=(6, 39), listed=(4, 14), highest=29)
    stages = (Stage(2, drill=drill, tokens=500), Stage(2, (3,), tokens=1500), Stage(2, (5,), misname=True, tokens=1500))
    recipe = Recipe("test", Shape(32, 2, 2), random_labels=True, stages=stages)
    model = train(recipe, tokenizer, 0, probe=Probe(tokenizer, encode(tokenizer, some_examples(100)[:1])))
    write_model(model, tokenizer, tmp_path, card=ROOT / "tools" / "tiny_models" / "tiny_student.md")
    assert (tmp_path / "model.safetensors").stat().st_size > 10_000
    made = experiment("model=custom", f"model.id={tmp_path}").model
    assert provenance(resolve(made)) == Provenance(model=True)
