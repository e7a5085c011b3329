"""A run as a report sees it: refused where its directory is damaged, named, and beside the paper only where it may be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import MissingError
from har_llm.report.cell import Cell, CellScore
from har_llm.report.scored_run import ScoredRun, experiment_settings
from har_llm.runs.directory import read_run
from tests.report.fabricated import fabricated, trained
from tests.report.run_folders import sealed


def scored(folder: Path, **changes: Any) -> ScoredRun:
    return ScoredRun(fabricated(folder, **changes), "strict")


def changed(folder: Path, name: str, change: Callable[[dict[str, Any]], Any]) -> Path:
    path = folder / name
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return sealed(folder)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("metrics.json", lambda content: content.pop("strict")),
        ("metrics.json", lambda content: content["strict"]["all"]["mean"].pop("f1_weighted")),
        ("metrics.json", lambda content: content.update(adapter="x")),
        ("metrics.json", lambda content: content.update(seed="many")),
        ("metrics.json", lambda content: content["strict"].update(all=[])),
        ("environment.json", lambda content: content.pop("finish_reasons")),
        ("environment.json", lambda content: content.update(generated_by=[1])),
        ("environment.json", lambda content: content.update(model=None)),
    ],
)
def test_what_does_not_hold_a_runs_content_is_refused(tmp_path: Path, name: str, change: Callable[..., Any]) -> None:
    folder = changed(fabricated(tmp_path).folder, name, change)
    with pytest.raises(
        MissingError, match=f"{re.escape(str(folder / name))} does not hold what .*; run the command that made it again"
    ):
        read_run(folder)


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2\n", "\0", "!!python/object:os.system {}"])
def test_a_config_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    folder = fabricated(tmp_path).folder
    (folder / "config.yaml").write_text(text)
    with pytest.raises(MissingError, match=r"config\.yaml"):
        read_run(folder)


def test_a_config_is_neither_resolved_nor_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "do not show")
    folder = fabricated(tmp_path).folder
    (folder / "config.yaml").write_text("window: {_target_: os.system, events: '${oc.env:SECRET}'}\nseed: 3\n")
    settings = experiment_settings(read_run(sealed(folder)).config)
    assert settings == {"window._target_": "os.system", "window.events": "${oc.env:SECRET}"}


def test_a_student_is_trained_on_everything_where_its_home_has_no_more_sessions(tmp_path: Path) -> None:
    for number, (sessions, everything) in enumerate(((14, False), (15, True), (None, True))):
        run = scored(tmp_path / str(number), adapter=trained("mural", sessions))
        assert run.distillation is not None and run.distillation.all_sessions == everything
    elsewhere = scored(tmp_path, adapter=trained("marble", 15))
    assert elsewhere.distillation is not None and not elsewhere.distillation.all_sessions, (
        "how many MARBLE has, MuRAL does not tell"
    )


def test_a_run_without_a_scored_event_has_no_scores(tmp_path: Path) -> None:
    def empty(content: dict[str, Any]) -> None:
        for score in content["strict"]["all"]["mean"].values():
            score.update(mean=None, std=None, ci95=None)

    folder = changed(fabricated(tmp_path).folder, "metrics.json", empty)
    run = ScoredRun(read_run(folder), "strict")
    assert {score.mean for score in run.scores.values()} == {None}
    assert Cell((run,)).score("accuracy") == CellScore()


@pytest.mark.parametrize(
    ("changes", "home", "model", "adapter"),
    [
        ({}, "MuRAL", "Qwen3-0.6B", ""),
        ({"part": "validation"}, "MuRAL, validation part", "Qwen3-0.6B", ""),
        ({"dataset": "my_home", "model": "m", "model_id": "a/m"}, "my_home", "m", ""),
        ({"adapter": trained("mural", 1)}, "MuRAL", "Qwen3-0.6B", "trained on 1 session"),
        ({"adapter": trained("mural")}, "MuRAL", "Qwen3-0.6B", "trained on all 15 sessions"),
        ({"adapter": trained("marble", 4)}, "MuRAL", "Qwen3-0.6B", "trained on 4 sessions of MARBLE (another home)"),
        (
            {"adapter": {"name": "a", "label": "mine", "id": "x", "revision": "1"}},
            "MuRAL",
            "Qwen3-0.6B",
            "with adapter mine (1)",
        ),
        (
            {"adapter": {"name": "adapter", "label": "adapter", "id": "local", "revision": "1", "folder": "of_flat"}},
            "MuRAL",
            "Qwen3-0.6B",
            "with adapter of_flat (1)",
        ),
    ],
)
def test_home_model_and_adapter_have_names(
    tmp_path: Path, changes: dict[str, Any], home: str, model: str, adapter: str
) -> None:
    run = scored(tmp_path, **changes)
    assert (run.home_name, run.model_name, run.adapter_name) == (home, model, adapter)


def test_a_run_finds_its_number(tmp_path: Path) -> None:
    value = scored(tmp_path).paper_value("f1")
    assert value is not None and value.value == Decimal("10.81")
    value = scored(tmp_path, adapter=trained("marble")).paper_value("missed")
    assert value is not None and value == (Decimal("7.21"), Decimal("3.52"))
    value = scored(tmp_path, adapter=trained("mural", 4)).paper_value("f1")
    assert value is not None and value.value == Decimal("49.42")


def test_the_first_15_of_15_sessions_are_all(tmp_path: Path) -> None:
    value = scored(tmp_path, adapter=trained("mural", 15)).paper_value("missed")
    assert value is not None and value.value == Decimal("1.83")


@pytest.mark.parametrize(
    "changes",
    [
        {"provenance": "synthetic model"},
        {"partial": True, "limit": 5},
        {"part": "validation"},
        {"dataset": "my_home"},
        {"model": "custom", "model_id": "some/other"},
        {"adapter": {"name": "adapter", "label": "adapter", "id": "x", "revision": "1"}},
        {"adapter": trained("mural", 3)},
        {"adapter": trained("my_home")},
    ],
)
def test_what_the_paper_did_not_do_has_no_number(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert scored(tmp_path, **changes).paper_value("f1") is None


@pytest.mark.parametrize("change", [{"provenance": "synthetic home"}, {"part": "train"}, {"dataset": "simulated_flat"}])
def test_what_is_not_comparable(tmp_path: Path, change: dict[str, Any]) -> None:
    assert not scored(tmp_path, **change).comparable and scored(tmp_path).comparable


@pytest.mark.parametrize(
    ("model", "model_id", "shown"),
    [
        ("qwen3_0.6b", "Qwen/Qwen3-0.6B", "Qwen3-0.6B"),
        ("qwen3_0.6b", "a_folder", "Qwen3-0.6B"),
        ("qwen2.5_coder_0.5b", "Qwen/Qwen2.5-Coder-0.5B-Instruct", "Qwen2.5-Coder-0.5B-Instruct"),
        ("qwen2.5_coder_0.5b", "4f1c3a", "qwen2.5_coder_0.5b"),
        ("gemma3_1b", "google/gemma-3-1b-it", "gemma-3-1b-it"),
        ("ministral3_3b", "mistralai/Ministral-3-3B-Instruct-2512", "Ministral-3-3B-Instruct-2512"),
        ("mine", "Qwen/Qwen2.5-Coder-0.5B-Instruct", "mine"),
        ("a", "org/abc", "a"),
        ("qwen3", "Qwen/Qwen3-8B-my-finetune", "qwen3"),
        ("my_qwen", "me/my-qwen-it-finetuned", "my_qwen"),
        ("b", "org/bit", "b"),
        ("tiny_teacher", "embedded:tiny_teacher", "tiny_teacher"),
    ],
)
def test_a_model_is_called_as_its_authors_write_it(tmp_path: Path, model: str, model_id: str, shown: str) -> None:
    assert scored(tmp_path, model=model, model_id=model_id).model_name == shown
