"""Tables 1, 2, 4, figure 4 in numbers and the miniature's: the right numbers in the right places, and nothing lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.tables import Table
from har_llm.report.grouping import make_report
from har_llm.report.paper import CITATION
from har_llm.report.tables.all import make_tables
from har_llm.runs.directory import RunResult
from tests.report.fabricated import SYNTHETIC, VLLM, fabricated, miniature, scores, the_papers_programme, trained

pytestmark = pytest.mark.slow


def tables(runs: Sequence[RunResult], headline: str = "f1_weighted", parsing: str = "strict") -> dict[str, Table]:
    return {table.name: table for table in make_tables(make_report(runs, headline, parsing))}


def rows(table: Table, *start: str) -> list[dict[str, str]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows if tuple(row[: len(start)]) == start]


def row(table: Table, *start: str) -> dict[str, str]:
    (found,) = rows(table, *start)
    return found


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    return tables([*the_papers_programme(tmp_path_factory.mktemp("runs"))])


def test_the_papers_programme_fills_its_tables(paper: dict[str, Table]) -> None:
    assert [name for name in paper if "others" in name or "miniature" in name] == []
    assert len(paper["table1"].rows) == 6 and len(paper["table2"].rows) == 8 and len(paper["table4"].rows) == 10
    for name in ("table1", "table2", "table4"):
        assert all(all(row) for row in paper[name].rows), name
        assert CITATION in " ".join(paper[name].notes)


def test_table_1_has_ours_beside_the_papers(tmp_path: Path) -> None:
    table = tables(
        [fabricated(tmp_path, 0.12345, model="qwen3_0.6b"), fabricated(tmp_path, 0.4, model="qwen3_32b", dataset="marble")]
    )["table1"]
    small = row(table, "Qwen3-0.6B")
    assert (small["MuRAL ours"], small["MuRAL paper"], small["MuRAL difference"]) == ("12.35", "10.81", "+1.54")
    assert (small["MARBLE without wearables ours"], small["MARBLE paper"], small["MARBLE difference"]) == ("", "16.52", "")
    assert row(table, "Qwen3-32B")["MARBLE difference"] == "+2.39"
    assert len(table.rows) == 6, "the paper's models without a run are there, with the paper's numbers alone"


def test_table_2_says_what_students_gain(tmp_path: Path) -> None:
    runs = [
        fabricated(tmp_path, 0.10),
        fabricated(tmp_path, 0.50, model="qwen3_32b"),
        fabricated(tmp_path, 0.40, adapter=trained("mural")),
        fabricated(tmp_path, 0.05, adapter=trained("marble")),
    ]
    table = tables(runs)["table2"]
    assert row(table, "Qwen3-0.6B", "MuRAL", "MuRAL") == {
        "model": "Qwen3-0.6B", "trained on": "MuRAL", "scored on": "MuRAL", "ours": "40.00", "increase": "+30.00",
        "gap closed %": "75.00", "paper": "50.68", "paper: increase": "+39.87", "paper: gap closed %": "92.96",
        "difference": "-10.68",
    }  # fmt: skip
    assert row(table, "Qwen3-0.6B", "MARBLE", "MuRAL")["gap closed %"] == "-12.50"
    absent = row(table, "Qwen3-1.7B", "MuRAL", "MuRAL")
    assert (absent["ours"], absent["paper: increase"], absent["difference"]) == ("", "+40.25", "")
    assert "41.28" in " ".join(table.notes) and "40.25" in " ".join(table.notes)


def test_without_the_plain_student_or_the_teacher_no_gain_is_made_up(tmp_path: Path) -> None:
    student = fabricated(tmp_path, 0.4, adapter=trained("mural"))
    other_window = {"config": {"window": {"events": 20}}}
    runs = [student, fabricated(tmp_path, 0.1, **other_window), fabricated(tmp_path, 0.5, model="qwen3_32b", **other_window)]
    found = row(tables(runs)["table2"], "Qwen3-0.6B", "MuRAL", "MuRAL")
    assert (found["increase"], found["gap closed %"]) == ("", "")


def test_table_4_has_means_and_deviations(tmp_path: Path) -> None:
    runs = [fabricated(tmp_path, missed=0.1), fabricated(tmp_path, adapter=trained("marble"), missed=0.0721)]
    table = tables(runs)["table4"]
    assert row(table, "Qwen3-0.6B")["MuRAL ours"] == "10.00 ± 10.00"
    assert row(table, "Qwen3-0.6B")["MuRAL difference"] == "-6.66"
    assert row(table, "Qwen3-0.6B trained on MARBLE")["MuRAL paper"] == "7.21 ± 3.52"
    assert row(table, "Qwen3-0.6B trained on MARBLE")["MuRAL difference"] == "0.00"
    assert "28 test sessions" in " ".join(table.notes)
    assert "An activity outside the list is a missed event here; the paper does not say" in " ".join(table.notes)


def test_no_student_trained_on_all_sessions_hides_another(tmp_path: Path) -> None:
    validated = {"config": {"split": {"validation_sessions": 5}}, "adapter": trained("mural", 10, all_sessions=True)}
    found = tables(
        [fabricated(tmp_path, 0.5, adapter=trained("mural"), missed=0.1), fabricated(tmp_path, missed=0.2, **validated)]
    )
    for table, column in (("table2", "ours"), ("table4", "MuRAL ours")):
        shown = [one for one in rows(found[table]) if one[column]]
        assert len(shown) == len({one["model"] for one in shown}) == 2
        assert sum("split.validation_sessions=5" in one["model"] for one in shown) == 1


def test_cells_that_cannot_be_told_apart_have_rows_of_their_own(tmp_path: Path) -> None:
    made = make_report([fabricated(tmp_path, 0.1), fabricated(tmp_path, 0.2)], "f1_weighted", "strict")
    report = replace(made, cells=[replace(cell, variant="") for cell in made.cells])
    table = next(table for table in make_tables(report) if table.name == "table1")
    assert sorted(one["MuRAL ours"] for one in rows(table, "Qwen3-0.6B")) == ["10.00", "20.00"]


def test_figure_4_in_numbers(paper: dict[str, Table]) -> None:
    table = paper["table_figure4"]
    assert [(found["sessions"], found["paper"]) for found in rows(table)] == [
        ("1", "29.45"), ("4", "49.42"), ("10", "51.18"), ("15", "50.68"),
    ]  # fmt: skip


def test_every_candidate_is_beside_the_papers_number(tmp_path: Path) -> None:
    run = fabricated(tmp_path, 0.5, lenient=scores(0.6))
    table = tables([run], headline="f1_macro_union")["table_candidates"]
    found = rows(table, "Qwen3-0.6B", "MuRAL")
    assert [(one["parsing"], one["over"], one["F1 macro (union)"], one["difference"]) for one in found] == [
        ("strict", "sessions", "53.00", "+42.19"),
        ("strict", "events", "53.00", "+42.19"),
        ("lenient", "sessions", "63.00", "+52.19"),
        ("lenient", "events", "63.00", "+52.19"),
    ]
    assert [found[0][name] for name in table.columns if name.startswith("F1 ")] == [
        *("54.00", "53.00", "52.00", "51.00", "50.00", "49.00", "48.00")
    ]
    assert (found[0]["paper"], found[0]["std over sessions"], found[1]["std over sessions"]) == ("10.81", "10.00", "")
    assert "F1 macro (union)" in " ".join(table.notes)


def test_a_home_with_a_null_class_has_its_candidates_twice(tmp_path: Path) -> None:
    strict = {**scores(0.5), "without_null_class": scores(0.6)["all"]}
    run = fabricated(tmp_path, strict=strict, dataset="marble")
    found = rows(tables([run])["table_candidates"], "Qwen3-0.6B", "MARBLE")
    chosen = [one for one in found if (one["parsing"], one["over"]) == ("strict", "sessions")]
    assert [(one["null class"], one["F1 weighted"]) for one in chosen] == [("as it is", "50.00"), ("left out", "60.00")]


@pytest.mark.parametrize("headline", ["accuracy", "missed"])
def test_beside_the_papers_f1_stands_an_f1(tmp_path: Path, headline: str) -> None:
    table = tables([fabricated(tmp_path, 0.5)], headline=headline)["table1"]
    assert row(table, "Qwen3-0.6B")["MuRAL ours"] == "50.00"
    assert f"metrics.headline is {headline}, which is not an F1" in " ".join(table.notes)


def test_the_parsing_is_chosen_and_named(tmp_path: Path) -> None:
    run = fabricated(tmp_path, 0.5, lenient=scores(0.6))
    table = tables([run], parsing="lenient")["table1"]
    assert row(table, "Qwen3-0.6B")["MuRAL ours"] == "60.00" and "lenient parsing" in table.notes[0]


def test_seeds_are_one_row_with_both_spreads(tmp_path: Path) -> None:
    found = tables([fabricated(tmp_path, f1, seed=seed) for seed, f1 in enumerate((0.4, 0.5, 0.6))])
    assert row(found["table1"], "Qwen3-0.6B")["MuRAL ours"] == "50.00"
    assert "up to 3 seeds" in found["table1"].notes[0]
    assert rows(found["table_candidates"], "Qwen3-0.6B")[0]["std over seeds"] == "10.00"
    assert len(found["table_runs"].rows) == 3


def test_runs_that_compete_for_a_cell_have_rows_of_their_own(tmp_path: Path) -> None:
    runs = [fabricated(tmp_path, 0.1), fabricated(tmp_path, 0.2, config={"prompt": {"system": "Other."}}),
            fabricated(tmp_path, 0.3, decoding="structured"), fabricated(tmp_path, 0.4, partial=True, limit=5)]  # fmt: skip
    found = tables(runs)
    shown = [one for one in rows(found["table1"]) if one["MuRAL ours"]]
    assert sorted(one["MuRAL ours"] for one in shown) == ["10.00", "20.00", "30.00", "40.00"]
    assert len({one["model"] for one in shown}) == 4
    (partial,) = [one for one in shown if "partial: first 5 windows only" in one["model"]]
    assert (partial["MuRAL paper"], partial["MuRAL difference"]) == ("", "")


def test_engines_that_differ_are_named(tmp_path: Path) -> None:
    other = {"engine": "Transformers", "versions": {"transformers": "5.0"}, "hardware": "2 x CPU"}
    found = tables([fabricated(tmp_path), fabricated(tmp_path, model="qwen3_4b", engines=[other])])
    notes = " ".join(found["table1"].notes)
    assert "vLLM 0.32.0 on 1 x Imaginary GPU" in notes and "Transformers 5.0 on 2 x CPU" in notes
    assert "different engines" not in " ".join(tables([fabricated(tmp_path / "b", engines=[VLLM])])["table1"].notes)


@pytest.mark.parametrize(
    "change",
    [
        {"provenance": "synthetic model"},
        {"provenance": SYNTHETIC, "dataset": "simulated_flat"},
        {"part": "validation"},
        {"dataset": "my_home"},
        {"adapter": {"name": "adapter", "label": "mine", "id": "somewhere", "revision": "abc"}},
    ],
)
def test_what_is_not_the_papers_is_never_beside_its_numbers(tmp_path: Path, change: dict[str, Any]) -> None:
    found = tables([fabricated(tmp_path, **change)])
    (name,) = set(found) - {"table_cost", "table_runs"}
    assert name == {SYNTHETIC: "table_miniature", "synthetic model": "table_synthetic_model"}.get(
        change.get("provenance", ""), "table_others"
    )
    assert len(found[name].rows) == 1
    kind = change.get("provenance", "real home, real model")
    for table in found.values():
        assert row(table)["what it is"] == kind
        assert "10.81" not in str(table) and CITATION not in str(table)
        if "provenance" in change:
            assert kind in table.title


def test_each_kind_of_what_is_synthetic_has_a_table_of_its_own(tmp_path: Path) -> None:
    named = {
        None: "table_others",
        SYNTHETIC: "table_miniature",
        "synthetic home": "table_synthetic_home",
        "synthetic model": "table_synthetic_model",
    }
    found = tables([fabricated(tmp_path, dataset="my_home", provenance=kind) for kind in named])
    stories = {name: table for name, table in found.items() if name not in ("table_cost", "table_runs")}
    assert stories.keys() == set(named.values())
    assert {row(table)["what it is"] for table in stories.values()} == {kind or "real home, real model" for kind in named}
    assert all(row(stories[name])["what it is"] == kind for kind, name in named.items() if kind)
    assert all(
        kind in table.title for table in stories.values() for kind in [row(table)["what it is"]] if "real" not in kind
    )


def test_the_miniature_tells_the_papers_story(tmp_path: Path) -> None:
    found = tables([*miniature(tmp_path)])
    assert set(found) == {"table_miniature", "table_cost", "table_runs"}
    table = found["table_miniature"]
    flat = rows(table, "simulated_flat")
    assert [(one["model"], one["trained on"], one["gap closed %"]) for one in flat] == [
        ("tiny_student", "nothing", ""),
        ("tiny_teacher", "nothing (teacher)", ""),
        ("tiny_student", "1 session", "28.57"),
        ("tiny_student", "2 sessions", "50.00"),
        ("tiny_student", "4 sessions", "71.43"),
        ("tiny_student", "8 sessions", "85.71"),
        ("tiny_student", "all 10 sessions", "92.86"),
        ("tiny_student", "all 10 sessions of simulated_house (another home)", "14.29"),
    ]
    assert all(one["missed %"] == "2.00 ± 10.00" for one in flat)
    assert len(rows(table, "simulated_house")) == 8


def test_every_run_is_listed_with_where_it_went(tmp_path: Path) -> None:
    runs = [*the_papers_programme(tmp_path / "a"), *miniature(tmp_path / "b"), fabricated(tmp_path / "c", part="train")]
    table = tables(runs)["table_runs"]
    assert {one["run"] for one in rows(table)} == {run.folder.name for run in runs}
    assert {one["shown in"] for one in rows(table)} == {
        "tables 1 and 4", "tables 2 and 4", "figure 4", "the paper in miniature", "other homes, parts and adapters",
    }  # fmt: skip


def test_what_an_event_costs(tmp_path: Path) -> None:
    found = row(tables([fabricated(tmp_path, tokens=1234, seconds=0.25)])["table_cost"])
    assert (found["prompt tokens"], found["generated tokens"], found["seconds"]) == ("70.0", "123.4", "0.0250")
    assert found["parameters (millions)"] == "596.0"
