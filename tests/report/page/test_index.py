"""What a page says of its runs before any event: what they are called, and what must be said beside their results."""

from __future__ import annotations

from pathlib import Path

from har_llm.common.numbers import percent
from har_llm.common.tables import Table
from har_llm.report.figures.chart import Figure
from har_llm.report.page.index import run_labels
from tests.report.page.unpacked import KITCHEN, fabricated, written
from tests.report.page_runs import PNG, SYNTHETIC, make, says


def test_labels_tell_runs_apart_by_what_differs(tmp_path: Path) -> None:
    runs = [
        make(tmp_path, fabricated("a-1111111111", model="big")),
        make(tmp_path, fabricated("b-2222222222", adapter="distilled4")),
        make(tmp_path, fabricated("c-3333333333")),
        make(tmp_path, fabricated("d-4444444444", limit=1)),
        make(tmp_path, fabricated("e-5555555555", says(1), says(2), says(3))),
        make(tmp_path, fabricated("f-6666666666")),
        make(tmp_path, fabricated("g-7777777777", dataset="flat")),
    ]
    assert run_labels(runs) == [
        "big",
        "tiny distilled4",
        "tiny, 3333333333",
        "tiny, first 1 window",
        "tiny, self_consistency",
        "tiny, 6666666666",
        "tiny",
    ]


def test_a_report_of_real_and_synthetic_runs_says_so_of_the_latter_only(tmp_path: Path) -> None:
    runs = [make(tmp_path, fabricated("a")), make(tmp_path, fabricated("b", provenance=None))]
    page = written(tmp_path, runs)
    assert page.index["status"] == [[kind, 1] for kind in SYNTHETIC.split(", ")]
    assert [run["status"] for run in page.index["runs"]] == [SYNTHETIC, ""]
    assert SYNTHETIC not in page.text[: page.text.index("</title>")]


def test_figures_and_tables_are_in_the_page(tmp_path: Path) -> None:
    (tmp_path / "f.png").write_bytes(PNG)
    figure = Figure("f", "F1 by size", "It grows.", tmp_path / "f.png")
    table = Table("t", "Scores", ("model", "F1"), [["tiny", "50.0 ± 1.0"]], ["Of two sessions."])
    page = written(tmp_path, [make(tmp_path, fabricated("a"))], tables=[table], figures=[figure])
    assert page.packed["figure-0"] == PNG
    assert page.index["figures"] == [{"title": "F1 by size", "caption": "It grows."}]
    assert page.index["tables"][0]["notes"] == ["Of two sessions."]


def test_scores_are_text_as_the_tables_have_them(tmp_path: Path) -> None:
    run = make(tmp_path, fabricated("a", sessions={"s1": KITCHEN, "s2": KITCHEN[:4], "s3": KITCHEN[:2]}))
    page, scores = written(tmp_path, [run]), run.metrics.strict.all
    mean = scores.mean["accuracy"]
    assert mean.ci95 is not None
    assert page.index["runs"][0]["scores"]["strict"]["accuracy"] == {
        "mean": percent(mean.mean),
        "std": percent(mean.std),
        "interval": f"{percent(mean.ci95[0])} to {percent(mean.ci95[1])}",
    }
    one = scores.per_class[0]
    assert page.block("run-0")["strict"]["all"]["per_class"][0] == {
        **{"activity": one.activity, "name": one.name, "support": one.support, "predicted": one.predicted},
        **{"precision": percent(one.precision), "recall": percent(one.recall), "f1": percent(one.f1)},
    }
