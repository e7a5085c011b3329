"""The sweeps that come with the package: every job of every one is a valid experiment, and they have the paper's shape."""

from __future__ import annotations

import itertools

import pytest
from hydra import compose, initialize_config_dir

from har_llm.common.shipped import conf_folder
from har_llm.config import Experiment, read_experiment
from har_llm.distill.config import distillation_of
from tests.composing import composed
from tests.helpers import CONF

pytestmark = pytest.mark.slow

EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


JOBS = {"table1": 12, "table2": 8, "figure4": 15, "miniature": 16, "windows": 6}


def jobs(name: str) -> list[list[str]]:
    """The overrides of each job that the experiment sweeps over."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        cfg = compose("config", overrides=[f"experiment={name}"], return_hydra_config=True)
    assert cfg.hydra.mode.name == "MULTIRUN"
    choices = [[f"{key}={value}" for value in str(values).split(",")] for key, values in cfg.hydra.sweeper.params.items()]
    return [[f"experiment={name}", *combination] for combination in itertools.product(*choices)]


def made(name: str) -> list[Experiment]:
    return [read_experiment(composed(*overrides)) for overrides in jobs(name)]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_job_of_every_shipped_sweep_is_valid(name: str) -> None:
    assert len(made(name)) == JOBS[name]


def test_table_2_has_both_students_trained_on_both_datasets_and_scored_on_both() -> None:
    cells = {
        (one.model.name, lora.source.name, one.dataset.name, lora.teacher.name)
        for one in made("table2")
        if (lora := distillation_of(one.lora)) is not None
    }
    both = ("marble", "mural")
    assert cells == set(itertools.product(("qwen3_0.6b", "qwen3_1.7b"), both, both, ("qwen3_32b",)))


def test_figure_4_has_the_paper_s_training_settings() -> None:
    distilled = [distillation_of(one.lora) for one in made("figure4")]
    assert [lora.train_sessions for lora in distilled if lora is not None] == list(range(1, 16))
    for lora in distilled:
        assert lora is not None
        training = lora.training
        assert (training.r, training.lora_alpha, training.max_steps, training.batch_size) == (32, 32, 500, 8)
        assert (training.learning_rate, training.warmup_steps, training.completion_only_loss) == (2e-4, 5, True)
        assert not lora.examples.uses_gold and lora.examples.pick == "first"


def test_the_miniature_needs_nothing_that_is_not_in_the_package() -> None:
    models = {model.id for one in made("miniature") for model in [one.model, getattr(one.lora, "teacher", one.model)]}
    assert models == {"embedded:tiny_student", "embedded:tiny_teacher"}
    assert {one.dataset.name for one in made("miniature")} == {"simulated_flat", "simulated_house"}
