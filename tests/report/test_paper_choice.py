"""Whatever a run chose that the paper did not, or did not say, is marked wherever it is shown beside the paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.shipped import shipped
from har_llm.config.experiment import GROUPS
from har_llm.config.settings import Settings
from har_llm.report.grouping import make_report
from har_llm.report.paper_choice import CANNOT_MATTER, DIFFERS, SILENT, STATED, Chosen, departures, flattened, joined, under
from har_llm.report.tables.all import make_tables
from tests.report.fabricated import fabricated, merged, trained

TENS = {"_target_": "har_llm.data.windows.FixedWindows", "events": 10, "min_events": 1}
STUDENT = ("dataset=marble", "model=qwen3_0.6b", "lora=distilled")


def marks(*choices: str, weights: Mapping[str, str] | None = None, **changes: Any) -> list[str]:
    config, dataset = merged(shipped(*choices, "prompt=reasoning"), changes), choices[0].removeprefix("dataset=")
    return departures(Chosen(config, weights or {}, dataset, "qwen3_0.6b", adapted="lora=distilled" in choices))


def nested(key: str, value: Any) -> dict[str, Any]:
    first, _, rest = key.partition(".")
    return {first: nested(rest, value) if rest else value}


def leaves(content: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{where}{key}.")
        else:
            yield f"{where}{key}", value


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return [*value, "more"] if isinstance(value, list) else f"another {value}"


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["marble", "mural"])
@pytest.mark.parametrize("more", [("lora=none",), ("lora=distilled",), ("lora=distilled", "+dataset@lora.source=marble")])
def test_the_papers_own_experiments_are_as_the_paper(dataset: str, more: tuple[str, ...]) -> None:
    assert marks(f"dataset={dataset}", "model=qwen3_0.6b", *more) == []


def test_whichever_setting_is_changed_is_marked_or_listed_with_the_reason_why_it_need_not_be() -> None:
    for key, value in leaves(shipped(*STUDENT, "prompt=reasoning")):
        found = marks(*STUDENT, **nested(key, other(value)))
        assert bool(found) != under(key, CANNOT_MATTER), key
        if found:
            (mark,) = found
            assert mark.startswith(".".join(key.split(".")[:2])) or mark.startswith(key.removesuffix("._target_")), (
                key,
                mark,
            )
            assert mark.endswith(f"({DIFFERS})" if under(key, STATED) else f"({SILENT})")


def test_every_reason_is_about_a_setting_that_there_is() -> None:
    known = {key for key, _ in leaves(shipped(*STUDENT, "prompt=reasoning"))} | {*GROUPS, *Settings.__dataclass_fields__}
    for name in (*CANNOT_MATTER, *STATED):
        assert name.startswith(("lora.window.", "lora.source.")) or any(under(key, (name,)) for key in known), name


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({"window": {"events": 20}}, "window.events=20 (differs from the paper)"),
        ({"window": {"min_events": 2}}, "window.min_events=2 (the paper is silent)"),
        ({"split": {"_target_": "har_llm.data.splits.FractionSplit"}}, "split=FractionSplit (differs from the paper)"),
        ({"model": {"id": "Qwen/Qwen3-0.6B-AWQ"}}, "model.id=Qwen/Qwen3-0.6B-AWQ (differs from the paper)"),
        ({"model": {"sampling": {"temperature": 0}}}, "model.sampling.temperature=0 (the paper is silent)"),
        ({"lora": {"training": {"r": 8}}}, "lora.training.r=8 (the paper is silent)"),
        ({"lora": {"training": {"load_in_4bit": True}}}, "lora.training.load_in_4bit=true (the paper is silent)"),
        ({"lora": {"examples": {"min_correct": 0.9}}}, "lora.examples.min_correct=0.9 (differs from the paper)"),
        ({"lora": {"train_sessions": 4, "name": "mine"}}, ""),
        ({"dataset": {"home": {"activities": {"1": "phoning"}}}}, "dataset.home=changed (the paper is silent)"),
        ({"prompt": {"sections": {"rules": "None."}}}, "prompt.sections.rules=None. (the paper is silent)"),
        ({"prompt": {"sections": {"rules": None}}}, "prompt.sections.rules=null (the paper is silent)"),
        ({"lora": {"window": TENS}}, ""),
        (
            {
                "lora": {
                    "window": {"_target_": "har_llm.data.windows.FixedWindows", "events": 10, "min_events": 1, "stride": 5}
                }
            },
            "lora.window.stride=5 (differs from the paper)",
        ),
    ],
)
def test_a_departure_is_shown_with_its_value(changes: dict[str, Any], mark: str) -> None:
    assert marks(*STUDENT, **changes) == ([mark] if mark else [])


def test_of_a_component_of_another_kind_only_what_it_has_is_named() -> None:
    config = {**shipped("dataset=marble", "model=qwen3_0.6b", "prompt=verbatim")}
    config["prompt"] = {**config["prompt"], "path": "mine.txt"}
    found = departures(Chosen(config, {}, "marble", "qwen3_0.6b", adapted=False))
    assert joined(found) == f"{SILENT}: prompt=verbatim mine.txt"


def test_quantisation_by_the_engine_is_marked() -> None:
    weights = {"id": "Qwen/Qwen3-0.6B", "revision": "1", "dtype": "bfloat16", "quantization": "fp8"}
    assert marks("dataset=marble", "model=qwen3_0.6b", weights=weights) == ["weights.quantization=fp8 (the paper is silent)"]


def test_weights_that_a_server_holds_are_marked() -> None:
    (mark,) = marks("dataset=marble", "model=qwen3_0.6b", weights={"revision": "unresolved-main", "dtype": "bfloat16"})
    assert mark == f"weights.held_by=a server, which may have quantised them ({SILENT})"


def test_settings_of_a_training_are_no_departure_of_a_model_as_it_is() -> None:
    assert marks("dataset=marble", "model=qwen3_0.6b", lora={"training": {"max_steps": 3}}) == []


def test_every_table_beside_the_paper_shows_the_marks(tmp_path: Path) -> None:
    changes = {"window": {"events": 20}, "model": {"sampling": {"temperature": 0}}}
    runs = [
        fabricated(tmp_path, dataset="marble", model=model, adapter=adapter, config=changes)
        for model, adapter in (("qwen3_0.6b", trained("marble")), ("qwen3_0.6b", None), ("qwen3_32b", None))
    ]
    tables = make_tables(make_report(runs, "f1_weighted", "strict"))
    beside = [table for table in tables if any("paper" in str(column) for column in table.columns)]
    assert {table.name for table in beside} >= {"table1", "table2", "table4", "table_candidates"}
    for table in beside:
        rows = [row for row in table.rows if any("20" in cell for cell in row)]
        assert rows and all(DIFFERS in row[0] and SILENT in row[0] for row in rows), table.name


def test_a_model_that_is_not_in_the_paper_departs_by_how_it_is_asked_alone() -> None:
    usual = shipped("dataset=marble", "model=custom", "prompt=reasoning")
    config = merged(usual, {"model": {"id": "a/b", "sampling": {"temperature": 0}}})
    found = departures(Chosen(config, {}, "marble", None, adapted=False))
    assert joined(["partial", *found]) == (
        f"partial; {SILENT}: model.sampling.max_new_tokens=8192, model.sampling.temperature=0"
    )


def test_a_flat_setting_has_its_full_name() -> None:
    assert flattened({"a": {"b": {"c": 1}, "d": None}, "e": []}) == {"a.b.c": "1", "e": "[]"}
