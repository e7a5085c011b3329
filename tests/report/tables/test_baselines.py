"""Baselines in the tables of a report: beside the models on the same events, marked, and without what only models have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from har_llm.common.provenance import HOME
from har_llm.runs.directory import RunResult
from tests.report.fabricated import SYNTHETIC, VLLM, baseline, fabricated, miniature, trained
from tests.report.tables.test_all import row, rows, tables

FOREST = "random_forest (supervised)"
IN_PROCESS = {"engine": "In process", "versions": {"scikit-learn": "1.9.1"}, "hardware": "1 x Imaginary CPU"}


def forest(folder: Path, f1: float = 0.6, **changes: Any) -> RunResult:
    about: dict[str, Any] = {"model": "random_forest", "baseline": baseline(), "missed": 0.0, "engines": [IN_PROCESS]}
    return fabricated(folder, f1, **{**about, **changes})


def test_they_are_rows_of_the_papers_tables(tmp_path: Path) -> None:
    runs = [fabricated(tmp_path, 0.1), forest(tmp_path), fabricated(tmp_path, 0.3, adapter=trained("mural", 5))]
    runs += [fabricated(tmp_path, 0.4, adapter=trained("mural")), forest(tmp_path, dataset="marble")]
    made = tables(runs)
    found = row(made["table1"], FOREST)
    assert (found["MuRAL ours"], found["MuRAL paper"], found["MARBLE without wearables ours"]) == ("60.00", "", "60.00")
    assert made["table1"].rows[-1][0] == FOREST, "after the models"
    assert row(made["table4"], FOREST)["MuRAL ours"] == "0.00 ± 10.00"
    (trained_on,) = rows(made["table2"], FOREST)
    assert (trained_on["trained on"], trained_on["ours"], trained_on["paper"]) == ("MuRAL", "60.00", "")
    assert row(made["table_figure4"], FOREST)["sessions"] == "15"
    assert {found["ours" if "ours" in found else "F1 weighted"] for found in rows(made["table_candidates"], FOREST)}
    assert [found["generated tokens"] for found in rows(made["table_cost"], "MuRAL", FOREST)] == [""]
    assert "Different engines" not in " ".join(made["table1"].notes), "of models only"


def test_without_labels_nothing_is_trained(tmp_path: Path) -> None:
    words = forest(tmp_path, model="lexical", baseline=baseline("no labels", 0))
    found = row(tables([fabricated(tmp_path, adapter=trained("mural")), words])["table2"], "lexical (no labels)")
    assert found["trained on"] == "nothing"


def test_they_are_beside_synthetic_models_of_the_same_home(tmp_path: Path) -> None:
    runs = [*miniature(tmp_path), forest(tmp_path, 0.7, dataset="simulated_flat", provenance=HOME)]
    made = tables(runs)
    assert [name for name in made if name.startswith("table_synthetic_home")] == []
    found = row(made["table_miniature"], "simulated_flat", FOREST)
    assert (found["trained on"], found["what it is"]) == ("gold activities of 15 sessions", "synthetic home, supervised")
    assert made["table_miniature"].title.endswith(f"({SYNTHETIC})"), "not in part"
    homes = [cells[0] for cells in made["table_miniature"].rows]
    assert homes == sorted(homes) and homes.count("simulated_flat") == 9


def test_they_are_beside_a_synthetic_model_on_a_real_home_too(tmp_path: Path) -> None:
    tiny = fabricated(tmp_path, model="tiny_student", provenance="synthetic model", model_id="embedded:tiny_student")
    made = tables([tiny, forest(tmp_path)])
    assert row(made["table_synthetic_model"], "MuRAL", FOREST)["what it is"] == "real home, supervised"
    assert row(made["table1"], FOREST)["MuRAL ours"] == "60.00"


def test_those_of_other_events_are_by_themselves(tmp_path: Path) -> None:
    part = forest(tmp_path, provenance=HOME, dataset="simulated_flat", part="validation")
    tiny = fabricated(tmp_path, provenance=SYNTHETIC, dataset="simulated_flat", model="tiny_student")
    made = tables([tiny, part])
    assert not rows(made["table_miniature"], "simulated_flat, validation part")
    assert rows(made["table_synthetic_home"], "simulated_flat, validation part", FOREST)


def test_what_differs_from_the_papers_data_is_marked_and_no_setting_of_a_model(tmp_path: Path) -> None:
    shown = {"window": {"kind": "FixedWindows", "events": 20}, "prompt": {}, "split": {}, "generation": {}}
    wide = forest(tmp_path, config={"window": {"events": 20}}, choices=shown)
    names = [cells[0] for cells in tables([wide, forest(tmp_path)])["table1"].rows[-2:]]
    assert sorted(names) == [FOREST, f"{FOREST} [differs from the paper: window.events=20]"]


def test_seeds_of_a_forest_are_one_row(tmp_path: Path) -> None:
    runs = [forest(tmp_path, 0.6, seed=0), forest(tmp_path, 0.7, seed=1), fabricated(tmp_path, engines=[VLLM])]
    assert row(tables(runs)["table1"], FOREST)["MuRAL ours"] == "65.00"
