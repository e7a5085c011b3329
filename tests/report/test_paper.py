"""The paper's numbers are the paper's, and stand beside nothing that is not comparable."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from har_llm.report.paper import DATASETS, LABELS, MODELS, SIZES, STUDENTS, Key, comparable, departures, results, value_for
from har_llm.report.scored_run import ScoredRun
from tests.composing import experiment
from tests.report.fabricated import fabricated, trained


def facts(folder: Path, **changes: Any) -> ScoredRun:
    return ScoredRun(fabricated(folder, **changes), "strict")


def test_every_number_of_tables_1_2_and_4_is_there() -> None:
    for metric in ("f1", "missed"):
        for dataset in DATASETS:
            assert all(Key(metric, model, "", None, dataset) in results() for model in MODELS)
            for student in STUDENTS:
                assert all(Key(metric, student, source, None, dataset) in results() for source in DATASETS)
    assert [key.sessions for key in results() if key.sessions] == [1, 4, 10, 15]
    assert len(results()) == 2 * (12 + 8) + 4


def test_some_of_them_as_printed() -> None:
    assert results()[Key("f1", "qwen3_32b", "", None, "mural")].value == Decimal("53.70")
    assert results()[Key("missed", "qwen3_0.6b", "mural", None, "marble")] == (Decimal("0.77"), Decimal("4.28"))
    assert results()[Key("f1", "qwen3_0.6b", "mural", 4, "mural")].value == Decimal("49.42")


def test_models_are_those_of_the_shipped_configs() -> None:
    for name in MODELS:
        model = experiment(f"model={name}").model
        assert (model.id, model.parameters) == (MODELS[name], SIZES[name])
    assert LABELS["Qwen3-0.6B"] == "qwen3_0.6b"


def test_a_run_finds_its_number(tmp_path: Path) -> None:
    value = value_for(facts(tmp_path), "f1")
    assert value is not None and value.value == Decimal("10.81")
    value = value_for(facts(tmp_path, adapter=trained("marble")), "missed")
    assert value is not None and value == (Decimal("7.21"), Decimal("3.52"))
    value = value_for(facts(tmp_path, adapter=trained("mural", 4)), "f1")
    assert value is not None and value.value == Decimal("49.42")


def test_the_first_15_of_15_sessions_are_all(tmp_path: Path) -> None:
    value = value_for(facts(tmp_path, adapter=trained("mural", 15)), "missed")
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
    assert value_for(facts(tmp_path, **changes), "f1") is None


@pytest.mark.parametrize("change", [{"provenance": "synthetic home"}, {"part": "train"}, {"dataset": "simulated_flat"}])
def test_what_is_not_comparable(tmp_path: Path, change: dict[str, Any]) -> None:
    assert not comparable(facts(tmp_path, **change)) and comparable(facts(tmp_path))


def test_departures_from_the_paper_are_named(tmp_path: Path) -> None:
    assert departures(facts(tmp_path)) == []
    run = facts(
        tmp_path,
        model_id="a/folder",
        adapter=trained("mural", teacher="qwen3_14b"),
        config={"window": {"events": 20}, "split": {"_target_": "har_llm.data.splits.FractionSplit"},
                "lora": {"training": {"learning_rate": 1e-4, "steps": 500}, "window": {"events": 10, "stride": 5}}},
    )  # fmt: skip
    assert departures(run) == [
        "window.events=20",
        "lora.window.stride=5",
        "lora.training.learning_rate=0.0001",
        "another split",
        "trained on generations of qwen3_14b",
        "weights other than Qwen/Qwen3-0.6B's by id",
    ]
