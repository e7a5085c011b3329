"""What task=plan says: figures in words, and beside them what they rest on and what stands in the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from har_llm.engines.layout import Layout
from har_llm.report.terminal.plan import show_plan
from har_llm.runs.prepare import prepare
from har_llm.runs.run import PreparedRun
from har_llm.sweep.estimates import Downloads, Estimates, Place, estimate
from har_llm.sweep.plan import Plan, make_plan
from har_llm.sweep.read_once import Stores
from tests.composing import experiment

KNOWN = {
    "layout": None,
    "prompts_counted": True,
    "answers_known": True,
    "refusal": None,
    "least_memory": None,
    "hours": 0.75,
    "speed": None,
    "place": Place("memory", 1e12),
}


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide enough for cells of one line."""
    monkeypatch.setattr("har_llm.report.terminal.plan.console", lambda: Console(width=250, highlight=False))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    common = ["limit=2", "engine=transformers", f"paths.outputs={tmp_path_factory.mktemp('outputs')}"]
    plain = prepare(experiment(*common, "model=tiny_student"))
    return make_plan([plain, prepare(experiment(*common, "model=tiny_teacher", "lora=distilled_tiny"))], Stores())


@pytest.fixture(scope="module")
def figures(plan: Plan) -> Estimates:
    return estimate(plan, Stores())


def said(capsys: pytest.CaptureFixture[str], plan: Plan, estimates: Estimates, finished: int = 0) -> str:
    """Without the places of line ends and columns."""
    show_plan(plan, estimates, finished)
    return " ".join(capsys.readouterr().out.split())


def changed(figures: Estimates, **values: Any) -> Estimates:
    """One load whose figures are all known, but for these."""
    return Estimates([replace(figures.loads[1], **{**KNOWN, **values})], [], None)


def test_what_the_runs_need_is_counted_first(capsys: pytest.CaptureFixture[str], plan: Plan, figures: Estimates) -> None:
    out = said(capsys, plan, figures, finished=3)
    owed = f"of which 0 are stored and {plan.owed} are to be made"
    assert out.startswith(f"5 runs, 3 finished. Generations needed: {plan.wanted}, {owed}")
    assert "Models to load" in out and "Adapters to train, after their teachers' generations: 1" in out
    assert "Baselines" not in out


def test_baselines_are_counted_and_cost_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    common = ["limit=2", "engine=transformers", f"paths.outputs={tmp_path}"]
    runs = [prepare(experiment(*common, f"model={name}")) for name in ("tiny_student", "majority", "random_forest")]
    made = make_plan(runs, Stores())
    out = said(capsys, made, estimate(made, Stores()))
    assert "3 runs with the baselines', 0 finished. Generations needed: 2, of which 0 are stored and 2 are to be made" in out
    assert "Models to load, each once: 1. Baselines to compute, in seconds: 2." in out
    assert "majority" not in out, "they have no row of tokens, memory and hours"


def test_figures_are_shown_rounded(capsys: pytest.CaptureFixture[str], plan: Plan, figures: Estimates) -> None:
    made = changed(figures, prompt_tokens=19_400.0, answer_tokens=2.6e6, memory=72.1e9, download=65.5e9)
    out = said(capsys, plan, made)
    assert "19 k 2.6 M 72.1 GB 65.5 GB 45 min" in out
    assert ": " not in out.partition("45 min")[2], "no note"


def test_what_is_not_known_is_said_so(capsys: pytest.CaptureFixture[str], plan: Plan, figures: Estimates) -> None:
    few = {"prompts_counted": False, "answers_known": False, "hours": None, "answer_tokens": 1536, "download": None}
    out = said(capsys, plan, changed(figures, memory=None, version_unknown=True, **few))
    assert "at most 1,536" in out and "- unknown unknown " in out, "no rate of a GPU is named on a CPU"
    elsewhere = said(capsys, plan, changed(figures, memory=None, on_cpu=False, **few))
    assert "- unknown unknown; if 1,000 tokens/s, at most 2 s" in elsewhere
    measured = said(capsys, plan, changed(figures, memory=None, speed=256.0, **few))
    assert "- unknown unknown; at the 256 tokens/s of other prompts, at most 6 s" in measured
    assert "at most 2.1 GB" in said(capsys, plan, changed(figures, memory=2.1e9, **few))
    for note in (
        "the hub could not be asked for its version; stored generations are not counted.",
        "prompt tokens are estimated from the characters.",
        "there are no stored generations of this kind (prompt, window, reasoning, sampling, decoding) from which to",
        "the time is known once the model has run on this kind of machine: run it with limit=20 there",
    ):
        assert note in out


def test_what_stands_in_the_way_is_said(capsys: pytest.CaptureFixture[str], plan: Plan, figures: Estimates) -> None:
    small = changed(figures, least_memory=72.1e9, place=Place("the GPU", 24e9), chosen_without_gpu=True)
    out = said(capsys, plan, small)
    name = figures.loads[1].load.model.config.name
    assert f"{name}: needs about 72.1 GB, but the GPU here has 24.0 GB free." in out
    assert "planned for this machine, which has no GPU; hardware.gpus=1 hardware.gpu_memory_gb=80 plans" in out
    batches = changed(figures, memory=72.1e9, least_memory=9e9, place=Place("memory", 24e9))
    out = said(capsys, plan, batches)
    assert "9.0 GB to 72.1 GB" in out and "needs about" not in out, "in smaller batches it fits"
    assert f"{name}: It cannot run." in said(capsys, plan, changed(figures, refusal="It cannot run."))


def test_what_is_to_be_known_of_a_models_files_is_said(
    capsys: pytest.CaptureFixture[str], plan: Plan, figures: Estimates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PreparedRun, "notes", ["it is a folder here."])
    name = figures.loads[1].load.model.config.name
    assert said(capsys, plan, changed(figures)).count(f"{name}: it is a folder here.") == 1


def test_a_note_about_several_models_is_said_once(
    capsys: pytest.CaptureFixture[str], plan: Plan, figures: Estimates
) -> None:
    out = said(capsys, plan, Estimates([replace(one, **KNOWN, version_unknown=True) for one in figures.loads], [], None))
    names = ", ".join(dict.fromkeys(one.load.model.config.name for one in figures.loads))
    assert f"{names}: the hub could not be asked" in out and out.count("the hub could not be asked") == 1


@pytest.mark.parametrize(
    ("free", "complete", "words"),
    [
        (1e12, True, "downloads: 66.7 GB in all, into /models, where 1000.0 GB are free"),
        (50e9, False, "downloads: 66.7 GB and what is unknown in all, into /models, where 50.0 GB are free: too little"),
    ],
)
def test_what_has_to_be_fetched_is_said_with_its_place(
    capsys: pytest.CaptureFixture[str], plan: Plan, figures: Estimates, free: float, complete: bool, words: str
) -> None:
    made = replace(changed(figures), downloads=Downloads(66.7e9, complete, Path("/models"), free))
    assert words in said(capsys, plan, made)


def test_a_training_has_its_row_and_its_notes(capsys: pytest.CaptureFixture[str], plan: Plan, figures: Estimates) -> None:
    (training,) = figures.trainings
    epochs = training.recipe.lora.training.epochs_in_words(training.examples)
    unmeasured = said(capsys, plan, Estimates([], [replace(training, weights=3e8, embeddings_known=False)], None))
    assert f"{training.examples} {training.recipe.lora.training.max_steps} 8 {epochs}" in unmeasured
    assert "at least 0.3 GB unknown" in unmeasured
    assert "run it with lora.training.max_steps=10 there" in unmeasured
    assert "training needs memory for the weights and for 8 examples at once" in unmeasured
    measured = Estimates([], [replace(training, hours=7 / 60, refusal="It cannot be trained.")], None)
    out = said(capsys, plan, measured)
    assert "7 min" in out and "max_steps=10" not in out and "tiny_teacher: It cannot be trained." in out


def test_a_layout_is_shown_or_what_would_start(capsys: pytest.CaptureFixture[str], plan: Plan, figures: Estimates) -> None:
    starts = Layout(2, 4, 1000, 1000, False)
    assert "72.1 GB 4 x 2 GPUs 1,000" in said(capsys, plan, changed(figures, memory=72.1e9, layout=starts))
    short = starts._replace(room=900, remedies=("engine.quantization=fp8_per_channel",))
    told = said(capsys, plan, changed(figures, memory=72.1e12, layout=short))
    assert (
        "have 1,000 tokens, but beside the weights 2 GPUs would have room for 900. It would start with engine.quanti" in told
    )
    assert "needs about" not in told
