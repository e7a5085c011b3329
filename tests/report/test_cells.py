"""Runs that differ in their seed alone are one cell; all that differ otherwise stay apart, and say in what."""

from __future__ import annotations

import re
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common.shipped import shipped
from har_llm.report.cell import Cell, combined
from har_llm.report.cells import cells_of, engine_note
from har_llm.report.figures.charts import make_charts
from har_llm.report.grouping import make_report
from har_llm.report.scored_run import ScoredRun
from har_llm.report.tables.all import make_tables
from har_llm.runs.directory import RunResult, read_run
from har_llm.scoring.metrics import SessionMean
from tests.report.fabricated import VLLM, fabricated, trained

OTHER_ENGINE = {"engine": "Transformers", "versions": {"transformers": "5"}, "hardware": "2 x CPU"}


def cells(*runs: RunResult) -> list[Cell]:
    return cells_of([ScoredRun(run, "strict") for run in runs])[0]


def test_seeds_are_one_cell_with_both_spreads_apart(tmp_path: Path) -> None:
    runs = [fabricated(tmp_path, f1, seed=seed, spread=spread) for seed, f1, spread in ((1, 0.4, 0.3), (0, 0.5, 0.4))]
    (cell,) = cells(*runs)
    assert [run.metrics.seed for run in cell.runs] == [0, 1] and cell.variant == ""
    score = cell.score("f1_weighted")
    assert score.mean == pytest.approx(0.45)
    assert score.seed_std == pytest.approx(statistics.stdev([0.4, 0.5]))
    assert score.session_std == pytest.approx((0.125) ** 0.5)
    assert score.interval == pytest.approx((0.275, 0.625))


def test_seeds_of_the_same_generations_are_one_run(tmp_path: Path) -> None:
    """A greedy model's: a standard deviation of 0.00 over them would say nothing."""
    same = [fabricated(tmp_path, seed=seed, generations_digest="same") for seed in (2, 0, 1)]
    found, notes = cells_of([ScoredRun(run, "strict") for run in [*same, fabricated(tmp_path, 0.6, seed=3)]])
    assert [[run.metrics.seed for run in cell.runs] for cell in found] == [[0, 3]]
    assert len(notes) == 1 and "so their seeds change nothing, and only the first is shown" in notes[0]
    assert all(run.folder.name in notes[0] for run in same)
    (alone,) = cells(*same)
    assert alone.score("f1_weighted").seed_std is None and len(alone.runs) == 1


def test_a_students_seeds_are_one_cell_though_each_has_an_adapter_of_its_own(tmp_path: Path) -> None:
    runs = [fabricated(tmp_path, seed=seed, adapter={**trained("mural"), "revision": f"key{seed}"}) for seed in (0, 1)]
    (cell,) = cells(*runs)
    assert len(cell.runs) == 2


def test_a_training_that_has_not_seen_all_its_examples_says_so_in_every_table(tmp_path: Path) -> None:
    def adapter(seed: int, epochs: float) -> dict[str, Any]:
        made = trained("mural")
        return made | {"revision": f"key{seed}", "distillation": made["distillation"] | {"steps": 10, "epochs": epochs}}

    short = [fabricated(tmp_path, seed=seed, adapter=adapter(seed, 0.8 + seed / 100)) for seed in (0, 1)]
    (cell,) = cells(*short)
    assert len(cell.runs) == 2 and "trained for 0.8 epochs" in cell.variant
    (whole,) = cells(fabricated(tmp_path / "whole", adapter=adapter(0, 1.0)))
    assert "epochs" not in whole.variant


def test_one_run_has_no_spread_over_seeds_and_one_session_none_over_sessions(tmp_path: Path) -> None:
    (cell,) = cells(fabricated(tmp_path, session_names=1))
    score = cell.score("f1_weighted")
    assert (score.seed_std, score.session_std, score.interval) == (None, None, None)


@settings(deadline=None)  # other work on the machine may take its time
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_the_mean_of_seeds_lies_between_them(means: list[float]) -> None:
    score = combined([SessionMean(mean, None, None, 1) for mean in means])
    assert score.mean is not None
    assert min(means) - 1e-9 <= score.mean <= max(means) + 1e-9
    assert (score.seed_std is None) == (len(means) == 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"config": {"window": {"events": 20}}}, "window.events=20"),
        ({"config": {"prompt": {"system": "Another prompt."}}}, "prompt.system=Another prompt."),
        ({"config": {"model": {"sampling": {"temperature": 0.0}}}}, "model.sampling.temperature=0.0"),
        ({"config": {"dataset": {"null_class": "dropped"}}}, "dataset.null_class=dropped"),
        ({"config": {"dataset": {"extra_events": ["phone"]}}}, 'dataset.extra_events=["phone"]'),
        ({"dataset": "home", "decoding": "structured"}, "decoding=structured"),
        ({"dataset": "home", "config": {"prompt": {"sections": {"rules": None}}}}, "prompt.sections.rules=null"),
        ({"dataset": "home", "config": {"prompt": {"sections": {"rules": "x" * 60}}}}, "prompt.sections.rules=changed"),
        (
            {"config": {"prompt": {"examples": 3}}, "marks": ["uses gold: 3 training windows"]},
            "uses gold: 3 training windows",
        ),
        ({"dataset": "home", "config": {"prompt": {"name": "direct"}}}, "prompt=direct"),
        ({"config": {"decoding": {"structured": True}}}, "the paper is silent: decoding.structured=true"),
        ({"samples": 5, "config": {"decoding": {"samples": 5}}}, "decoding.samples=5"),
        ({"partial": True, "limit": 5}, "partial: first 5 windows only"),
        ({"versions": {"parsing": 2, "metrics": 1}}, "versions.parsing=2"),
        ({"weights": {"quantization": "fp8"}}, "weights.quantization=fp8"),
        ({"session_names": 5}, "scored sessions=5"),
    ],
)
def test_variants_stay_apart_and_are_told_apart(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    dataset = change.get("dataset", "mural")
    plain, variant = cells(fabricated(tmp_path, dataset=dataset), fabricated(tmp_path, **change))
    assert said in variant.variant and plain.variant != variant.variant


def test_what_only_one_of_two_runs_has_is_told_of_both(tmp_path: Path) -> None:
    plain, variant = cells(
        fabricated(tmp_path, dataset="home"), fabricated(tmp_path, dataset="home", config={"dataset": {"timezone": "UTC"}})
    )
    assert (plain.variant, variant.variant) == ("without dataset.timezone", "dataset.timezone=UTC")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "custom", "model_id": "Qwen/Qwen3-0.6B"}, "model=custom"),
        ({"model_id": "another/copy"}, "model.id=another/copy"),
        ({"adapter": trained("mural", teacher="qwen3_14b")}, "teacher=qwen3_14b"),
    ],
)
def test_what_tables_call_alike_is_told_apart(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    usual = {"adapter": trained("mural")} if "adapter" in change else {}
    plain, variant = cells(fabricated(tmp_path, **usual), fabricated(tmp_path, 0.6, **change))
    assert said in variant.variant and plain.variant != variant.variant


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        (({"validation_sessions": 0}, {"validation_sessions": 5}), "split.validation_sessions=5"),
        (({"_target_": "har_llm.data.splits.FractionSplit", "train": 0.7}, {"train": 0.5}), "split.train=0.5"),
    ],
)
def test_students_trained_on_all_sessions_of_different_splits_are_told_apart(
    tmp_path: Path, splits: tuple[dict[str, Any], dict[str, Any]], said: str
) -> None:
    recipes = trained("mural"), trained("mural", sessions=10, all_sessions=True)
    more, fewer = cells(
        *(
            fabricated(tmp_path, adapter=recipe, config={"split": {**splits[0], **split}})
            for recipe, split in zip(recipes, splits, strict=True)
        )
    )
    assert said in fewer.variant and said not in more.variant and "training sessions=15" in more.variant


def test_a_partial_run_does_not_change_how_others_are_called(tmp_path: Path) -> None:
    """A try with limit=1 and another prompt made every other row of its model say what its own settings are."""
    tried = {"partial": True, "limit": 1, "events": 10, "config": {"window": {"events": 20}, "prompt": {"name": "mine"}}}
    for beside in ({"dataset": "mural"}, {"dataset": "home"}):
        run = fabricated(tmp_path / beside["dataset"], **beside)
        (alone,), (whole, partial) = cells(run), cells(run, fabricated(tmp_path, **beside, **tried))
        assert whole.variant == alone.variant and "partial: first 1 window only" in partial.variant


def test_runs_of_one_seed_that_nothing_tells_apart_are_told_by_their_digests(tmp_path: Path) -> None:
    found = cells(fabricated(tmp_path, 0.4), fabricated(tmp_path, 0.5))
    assert len(found) == 2
    assert {cell.variant for cell in found} == {f"run {cell.run.result.digest}" for cell in found}


def test_runs_of_one_name_in_two_places_are_told_by_where_their_paths_part(tmp_path: Path) -> None:
    for folder, f1 in (("a", 0.4), ("b", 0.5)):
        fabricated(tmp_path / folder, f1).folder.rename(tmp_path / folder / "same-0123456789")
    found = cells(*(read_run(tmp_path / folder / "same-0123456789") for folder in ("a", "b")))
    assert [cell.variant for cell in found] == ["run a/same-0123456789", "run b/same-0123456789"]


def test_prompts_that_differ_beyond_what_is_shown_are_told_by_their_digests(tmp_path: Path) -> None:
    found = cells(*(fabricated(tmp_path, config={"prompt": {"system": "x" * 60 + end}}) for end in "ab"))
    assert len({cell.variant for cell in found}) == 2


def test_many_differences_are_counted(tmp_path: Path) -> None:
    changed = {"window": {f"setting{number}": number for number in range(9)}}
    _, variant = cells(fabricated(tmp_path, dataset="home"), fabricated(tmp_path, dataset="home", config=changed))
    assert re.fullmatch(r"window=FixedWindows \([0-9a-f]{6}\)", variant.variant)
    wide = {group: {"a": number, "b": number} for number, group in enumerate(("window", "split", "model", "decoding"))}
    found = cells(*(fabricated(tmp_path, dataset="hall", config=config) for config in ({}, wide)))
    for cell in found:
        assert re.search(r"(; |=)[^;]*; [^;]*; [^;]*; other settings \([0-9a-f]{6}\)$", f"; {cell.variant}"), cell.variant
    assert found[0].variant != found[1].variant


def test_a_users_own_prompts_are_called_by_their_files(tmp_path: Path) -> None:
    """It was "prompt._target_=har_llm.data.prompts.VerbatimPrompt; ...; 8 more settings differ"."""
    runs = []
    for dataset in ("home", "marble"):
        for path, text in (("/home/ada/my_prompt.txt", "1a2b3c4d"), ("/home/ada/older/my_prompt.txt", "0a1b2c3d")):
            own = shipped("prompt=verbatim")["prompt"] | {"path": path, "sections": None}
            choices = {"window": {}, "prompt": {"name": "verbatim", "text_digest": text}, "split": {}, "generation": {}}
            runs.append(fabricated(tmp_path, dataset=dataset, choices=choices, config={"prompt": own}))
        runs.append(fabricated(tmp_path, dataset=dataset))
    home = cells(*runs[:3])
    assert [cell.variant for cell in home] == [
        "prompt=verbatim my_prompt (1a2b3c)",
        "prompt=verbatim my_prompt (0a1b2c)",
        "prompt=reasoning",
    ]
    assert [cell.variant for cell in cells(*runs[3:])] == [
        "the paper is silent: prompt=verbatim my_prompt (1a2b3c)",
        "the paper is silent: prompt=verbatim my_prompt (0a1b2c)",
        "",
    ]


def test_what_makes_no_other_experiment_tells_nothing_apart(tmp_path: Path) -> None:
    other = {"engine": {"batch_size": 3}, "dataset": {"folder": "elsewhere"}, "tracker": {"name": "wandb"}}
    (cell,) = cells(fabricated(tmp_path), fabricated(tmp_path, seed=1, config=other))
    assert len(cell.runs) == 2


def test_one_run_under_two_names_is_shown_once_and_said(tmp_path: Path) -> None:
    run = fabricated(tmp_path, adapter=trained("mural", 15))
    copy = tmp_path / f"mural-qwen3_0.6b-distilled-test-{run.folder.name[-10:]}"
    shutil.copytree(run.folder, copy)
    found, notes = cells_of([ScoredRun(one, "strict") for one in (run, read_run(copy))])
    assert len(found) == 1 and len(found[0].runs) == 1
    assert notes == [f"{copy.name} is the same run as {run.folder.name}, under another name; it is shown once."]


def test_runs_that_only_share_the_end_of_their_names_are_both_shown(tmp_path: Path) -> None:
    for number, f1 in enumerate((0.4, 0.5)):
        fabricated(tmp_path / str(number), f1).folder.rename(tmp_path / f"run{number}-1")
    found = cells(*(read_run(tmp_path / f"run{number}-1") for number in (0, 1)))
    assert len(found) == 2 and len({cell.variant for cell in found}) == 2


def test_a_cell_of_several_engines_says_so(tmp_path: Path) -> None:
    (mixed,) = cells(fabricated(tmp_path / "one", engines=[VLLM, OTHER_ENGINE]))
    assert mixed.variant == "generations of different engines"
    (seeds,) = cells(fabricated(tmp_path), fabricated(tmp_path, seed=1, engines=[OTHER_ENGINE]))
    assert seeds.variant == "generations of different engines"
    assert engine_note([seeds])[0].startswith("Different engines, versions or hardware made the generations")
    assert engine_note(cells(fabricated(tmp_path / "two"))) == []


def test_examples_chosen_with_gold_are_marked_in_every_table_and_figure(tmp_path: Path) -> None:
    mark = "examples made of gold activities"
    changes: list[dict[str, Any]] = [{}, {"window": {"events": 5}}, {"prompt": {"sections": {"rules": None}}}]
    students = [(4, {}), (10, {}), *((None, change) for change in changes)]
    report = make_report(
        [fabricated(tmp_path, adapter=trained("mural", n), marks=[mark], config=config) for n, config in students],
        "f1_weighted",
        "strict",
    )
    tables = {table.name: table for table in make_tables(report)}
    assert tables.keys() == {"table2", "table4", "table_figure4", "table_candidates", "table_cost", "table_runs"}
    for name, table in tables.items():
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        ours = [row for row in rows if row.get("ours", row.get("MuRAL ours", "here"))]
        assert ours and all(mark in row["model"] for row in ours), name
    charts = {chart.name: chart for chart in make_charts(report)}
    assert charts.keys() == {"figure4", "figure_tokens", "figure_seconds", "figure_windows", "figure_ablations"}
    for name, chart in charts.items():
        labels = [one.label for panel in chart.panels for one in panel.series if not one.paper]
        assert labels and all(mark in label for label in labels), name


@pytest.mark.parametrize(
    ("recipe", "trained_on"),
    [
        ({"method": "gold_answers", "uses_gold": True}, "all 15 sessions"),
        (
            {"method": "file", "uses_gold": None, "dataset": "file rows.jsonl", "sessions": 0, "windows": 7},
            "7 examples of file rows.jsonl",
        ),
    ],
)
def test_a_student_without_a_teacher_says_what_it_was_trained_on(
    tmp_path: Path, recipe: dict[str, Any], trained_on: str
) -> None:
    adapter = trained("mural")
    adapter["distillation"] |= {"teacher": None, **recipe}
    run = fabricated(tmp_path, adapter=adapter)
    (cell,) = cells(run)
    assert cell.run.training_sessions == trained_on
    assert any(
        cell.row_name() in row for table in make_tables(make_report([run], "f1_weighted", "strict")) for row in table.rows
    )


def test_scripted_answers_are_no_models(tmp_path: Path) -> None:
    (cell,) = cells(fabricated(tmp_path, engines=[{"engine": "Scripted", "versions": {}, "hardware": None}]))
    assert "answers from a script" in cell.variant


def test_equal_prompts_are_counted_once(tmp_path: Path) -> None:
    run = ScoredRun(fabricated(tmp_path, tokens=900, samples=5), "strict")
    assert run.per_event(run.result.environment.completion_tokens) == pytest.approx(450.0), "10 events a window"
