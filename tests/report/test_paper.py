"""The paper's numbers are the paper's, and its models those of the shipped configs."""

from __future__ import annotations

import re
import statistics
from decimal import Decimal

import pytest

from har_llm.report.paper import DATASETS, LABELS, MODELS, NOTES, SIZES, STUDENTS, Key, results
from tests.composing import experiment


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


def test_the_only_claim_about_the_authors_numbers_is_the_one_that_their_rounding_leaves() -> None:
    """Values of 0 or more deviate most, for their mean, if all but one are 0: by the root of their number times the mean."""
    sessions, half = {"marble": 28, "mural": 6}, Decimal("0.005")
    most = {name: statistics.stdev([*[0.0] * (count - 1), 1.0]) * count for name, count in sessions.items()}
    impossible = [
        f"{value.value} ± {value.spread}"
        for key, value in results().items()
        if key.metric == "missed" and value.spread and (value.spread - half) / (value.value + half) > most[key.dataset]
    ]
    assert impossible == ["0.77 ± 4.28"]
    assert re.findall(r"[\d.]+ ± [\d.]+", NOTES["table4"]) == impossible
    assert f"at most {most['marble']:.2f} times their mean" in NOTES["table4"]


@pytest.mark.slow
def test_models_are_those_of_the_shipped_configs() -> None:
    for name in MODELS:
        model = experiment(f"model={name}").model
        assert (model.id, model.parameters) == (MODELS[name], SIZES[name])
    assert LABELS["Qwen3-0.6B"] == "qwen3_0.6b"
