"""The sweeps that come with the package: every job of every one is a valid experiment, and they have the paper's shape."""

from __future__ import annotations

import itertools
import re
from functools import cache

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser

from har_llm.common.digest import canonical
from har_llm.common.shipped import conf_folder
from har_llm.config.experiment import Experiment
from har_llm.config.read import read_experiment
from har_llm.distill.config import distillation_of
from har_llm.report.paper_choice import flattened
from tests.composing import composed
from tests.helpers import CONF

pytestmark = pytest.mark.slow

EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


JOBS = {
    "table1": 12,
    "table2": 8,
    "figure4": 15,
    "miniature": 16,
    "windows": 6,
    "paper": 34,
    "ablations": 5,
    "real_small": 15,
}


@pytest.fixture(autouse=True)
def real_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAR_LLM_REAL_MODELS", "/models")


def jobs(name: str, *given: str) -> list[list[str]]:
    """The overrides of each job that the experiment sweeps over, with what the command line gives."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        cfg = compose("config", overrides=[f"experiment={name}"], return_hydra_config=True)
        assert cfg.hydra.mode.name == "MULTIRUN"
        swept = [f"{key}={values}" for key, values in cfg.hydra.sweeper.params.items()]
        parser = OverridesParser.create(GlobalHydra.instance().config_loader())
        (found,) = BasicSweeper.split_arguments(parser.parse_overrides([*swept, f"experiment={name}", *given]), None)
    return found


@cache
def made(name: str, *given: str) -> list[Experiment]:
    return [read_experiment(composed(*overrides)) for overrides in jobs(name, *given)]


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


def test_real_small_models_are_trained_with_and_without_a_teachers_reasoning() -> None:
    cells = {
        (one.model.name, lora.examples.method, lora.examples.min_correct, lora.train_sessions)
        for one in made("real_small")
        if (lora := distillation_of(one.lora)) is not None
    }
    ways = (("gold_answers", None), ("generations", None), ("generations", 0.5))
    students = ("smollm2_135m", "qwen2.5_coder_0.5b")
    assert cells == {(student, *way, sessions) for student in students for way in ways for sessions in (4, None)}
    assert all(one.dataset.name == "marble" and not one.model.synthetic for one in made("real_small"))


def test_figure_4_has_the_paper_s_training_settings() -> None:
    distilled = [distillation_of(one.lora) for one in made("figure4")]
    assert [lora.train_sessions for lora in distilled if lora is not None] == list(range(1, 16))
    for lora in distilled:
        assert lora is not None
        training = lora.training
        assert (training.r, training.lora_alpha, training.max_steps, training.batch_size) == (32, 32, 500, 8)
        assert (training.learning_rate, training.warmup_steps, training.completion_only_loss) == (2e-4, 5, True)
        assert not lora.examples.uses_gold and lora.examples.pick == "first"


def test_the_paper_s_sweep_has_the_jobs_of_its_tables_and_of_figure_4_each_once() -> None:
    union = [_said_in_full(one) for name in ("table1", "table2", "figure4") for one in made(name)]
    found = [_said_in_full(one) for one in made("paper")]
    assert (len(union), len(found)) == (12 + 8 + 15, 34), "all 15 sessions of MuRAL are in table 2 and in figure 4"
    assert set(found) == set(union) and len(set(found)) == 34


def _said_in_full(experiment: Experiment) -> str:
    """All settings. A student's own dataset as the source, and all 15 sessions of MuRAL, can be said in two ways."""
    settings, lora = experiment.source, distillation_of(experiment.lora)
    if lora is not None:
        source = settings["lora"]["source"] or settings["dataset"]
        sessions = None if (source["name"], lora.train_sessions) == ("mural", 15) else lora.train_sessions
        settings = {**settings, "lora": {**settings["lora"], "source": source, "train_sessions": sessions}}
    return canonical(settings)


def test_the_part_of_the_paper_s_sweep_that_needs_no_mural_can_be_chosen() -> None:
    (command,) = re.findall(r"experiment=paper '(bundle.*)'", (CONF / "experiment" / "paper.yaml").read_text("utf-8"))
    found = made("paper", command)
    assert len(found) == 6 + 2 and not any("mural" in _said_in_full(one) for one in found)


def test_the_miniature_needs_nothing_that_is_not_in_the_package() -> None:
    models = {model.id for one in made("miniature") for model in [one.model, getattr(one.lora, "teacher", one.model)]}
    assert models == {"embedded:tiny_student", "embedded:tiny_teacher"}
    assert {one.dataset.name for one in made("miniature")} == {"simulated_flat", "simulated_house"}


def test_each_ablation_leaves_out_one_thing() -> None:
    full, *others = (flattened(one.source) for one in made("ablations"))
    changed = [{key for key in full if one.get(key) != full[key]} for one in others]
    section = "prompt.sections."
    thinking = {"model.thinking", f"{section}output"}
    assert changed == [thinking, *({f"{section}{name}"} for name in ("rules", "rooms", "example"))]
    asked, only_the_list = full[f"{section}output"], others[0][f"{section}output"]
    assert asked.endswith(f"Then a{only_the_list[1:]}") and "think" not in only_the_list.lower()
