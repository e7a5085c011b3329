"""The figures of task=bench: which points they have, and what is kept apart."""

from __future__ import annotations

from har_llm.common.provenance import Provenance
from har_llm.report.figures.bench import Cost, bench_charts
from har_llm.scoring.metrics import SessionMean
from har_llm.sweep.bench import Measured
from tests.report.figures.drawn import drawn, words


def cost(title: str, seconds: float, score: float, *, synthetic: bool = False, joules: float | None = None) -> Cost:
    measured = Measured("llama.cpp on a CPU", 1.0, [seconds, seconds, 9.0], 100, 50, 30, 2e8, joules)
    mean = SessionMean(mean=score, std=0.1, ci95=(score - 0.1, score + 0.1), sessions=4)
    return Cost(title, "MARBLE", Provenance(home=synthetic), mean, measured)


def test_each_quantity_that_is_known_has_a_figure_of_all_jobs() -> None:
    costs = [cost("model.id=/a/b/q8.gguf engine.num_pred_tokens=8", 2.0, 0.5), cost("model.id=/a/b/q4.gguf", 1.0, 0.4)]
    by_seconds, by_memory = bench_charts(costs, "F1 weighted", "One window after the other.")
    assert (by_seconds.name, by_memory.name) == ("bench_seconds", "bench_memory")
    (panel,) = by_seconds.panels
    assert [(one.label, one.points[0].x, one.points[0].y) for one in panel.series] == [
        ("id=q8.gguf num_pred_tokens=8", 2.0, 50.0),
        ("id=q4.gguf", 1.0, 40.0),
    ]
    assert panel.series[1].points[0].high == 50.0
    assert "One window after the other." in by_seconds.caption
    assert {"seconds a window", "F1 weighted (%)"} <= set(words(drawn(by_seconds)))
    with_energy = [one._replace(measured=cost("", 1.0, 0.1, joules=6.0).measured) for one in costs]
    energy = bench_charts(with_energy, "F1 weighted", "")[2]
    assert energy.name == "bench_energy" and energy.panels[0].series[0].points[0].x == 2.0


def test_synthetic_and_real_results_are_never_in_one_figure() -> None:
    costs = [cost(f"seed={number}", 1.0 + number, 0.5, synthetic=number > 2) for number in range(6)]
    charts = bench_charts(costs, "F1 weighted", "")
    assert [(one.name, one.mark) for one in charts if "seconds" in one.name] == [
        ("bench_seconds", ""),
        ("bench_seconds_2", "synthetic home"),
    ]
    assert charts[2].title.endswith("(synthetic home)") and len(charts[2].panels[0].series) == 3
    assert not bench_charts(costs[:1], "F1 weighted", "")
