"""Builds the embedded pair of models from scratch, on a CPU: python tools/tiny_models/build.py --out FOLDER

Writes FOLDER/tiny_student and FOLDER/tiny_teacher, which their model cards describe.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from examples import FIXED_HOMES, fixed_home, session_examples
from tokenizer import build_tokenizer
from train import Drill, Probe, Recipe, Shape, Stage, encode, train, write_model

from har_llm.data.datasets.simulated import Draws

RECIPES = {
    # Trained on answers of the right form, first with random labels, then with each activity under the name of another: it
    # can answer and groups events, but misnames activities. The first stage trains it to look numbers up in a list, so that
    # later fine-tuning also works in a home with other numbers.
    "tiny_student": Recipe(
        name="tiny_student",
        shape=Shape(hidden=128, layers=4, heads=4, head_size=64),
        random_labels=True,
        stages=(
            Stage(350, drill=Drill(names=(6, 6), listed=(4, 4), highest=9), tokens=2500, until_loss=0.2),
            Stage(250, drill=Drill(names=(6, 39), listed=(4, 14), highest=29), tokens=4000),
            Stage(200, (2, 3, 4), repeat=0),
            Stage(150, (3, 5, 8), repeat=20),
            Stage(350, (10,)),
            Stage(450, (10,), misname=True),
        ),
    ),
    # Trained on true labels, but only of homes drawn at random: like a real teacher, it has never seen the user's home.
    "tiny_teacher": Recipe(
        name="tiny_teacher",
        shape=Shape(hidden=160, layers=5, heads=4, head_size=64),
        random_labels=False,
        stages=(
            Stage(350, drill=Drill(names=(6, 6), listed=(4, 4), highest=9), tokens=2500, until_loss=0.2),
            Stage(250, drill=Drill(names=(6, 39), listed=(4, 14), highest=29), tokens=4000),
            Stage(200, (2, 3, 4)),
            Stage(200, (3, 5, 8, 10)),
            Stage(800, (10, 10, 10, 7), events=(22, 64, 108)),
            Stage(300, (10, 10, 10, 7), events=(22, 64, 108), rules=True),
        ),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", choices=[*RECIPES, "both"], default="both")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    tokenizer = build_tokenizer(arguments.seed)
    probe = Probe(tokenizer, encode(tokenizer, validation_examples()))
    for name in RECIPES if arguments.model == "both" else [arguments.model]:
        model = train(RECIPES[name], tokenizer, arguments.seed, probe=probe)
        folder = arguments.out / name
        write_model(model, tokenizer, folder, card=Path(__file__).with_name(f"{name}.md"))
        print(f"{folder}: {model.num_parameters():,} parameters")


def validation_examples() -> list[tuple]:
    """Windows of the last two training sessions of both homes, which are used neither for training nor for testing."""
    examples: list[tuple] = []
    for name in FIXED_HOMES:
        recordings = fixed_home(name).read(Path())
        for session in recordings.sessions[8:10]:
            examples += session_examples(recordings.home, session, Draws(0), size=10, random_labels=False)
    return examples


if __name__ == "__main__":
    main()
