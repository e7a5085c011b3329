"""What is asked first of a report: the best model, its lead and how certain that is, its cost and its errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from har_llm.common.provenance import HOME
from har_llm.report.grouping import make_report
from har_llm.report.standing import Standing, standings
from har_llm.runs.directory import RunResult
from tests.report.fabricated import baseline, fabricated, miniature, scores, trained
from tests.report.page_runs import Fabricated, events, make, says


def standing_of(runs: list[RunResult], headline: str = "f1_weighted") -> list[Standing]:
    return standings(make_report(runs, headline, "strict"))


def answers(runs: list[RunResult], headline: str = "f1_weighted") -> dict[str, str]:
    (found,) = standing_of(runs, headline)
    return dict(found.answers)


def varied(*means: float) -> dict[str, Any]:
    """Scores that differ by session: f1_weighted is what is given."""
    found = scores(sum(means) / len(means), sessions=len(means))
    for measures, mean in zip(found["all"]["sessions"].values(), means, strict=True):
        measures["f1_weighted"] = mean
    return {"strict": found, "lenient": found, "session_names": len(means)}


def test_the_best_model_its_lead_and_the_strongest_baseline_are_told(tmp_path: Path) -> None:
    forest, majority = ({"model_id": f"baseline:{kind}", "baseline": baseline()} for kind in ("RandomForest", "Majority"))
    runs = [
        fabricated(tmp_path, model="qwen3_32b", **varied(0.5, 0.6, 0.55, 0.7, 0.65, 0.6, 0.58)),
        fabricated(tmp_path, model="qwen3_4b", **varied(0.4, 0.45, 0.5, 0.5, 0.5, 0.5, 0.5)),
        fabricated(tmp_path, model="qwen3_0.6b", **varied(*[0.1] * 7)),
        fabricated(tmp_path, model="majority", **majority, **varied(*[0.2] * 7)),
        fabricated(tmp_path, model="random_forest", **forest, **varied(*[0.9] * 7)),
    ]
    (found,) = standing_of(runs)
    told = dict(found.answers)
    assert found.title == "MuRAL: 7 sessions, 600 events" and found.label == "" and found.best.metrics.model == "qwen3_32b"
    assert told["best language model"].startswith("Qwen3-32B: F1 weighted 59.71 % (95 % interval ")
    assert told["runner-up"].startswith("+11.86 points against Qwen3-4B, 47.86 % (95 % interval +")
    assert (
        "p = 0.016, 7 sessions). Qwen3-32B is better: chance alone would give such a difference in 1.6 %"
        in told["runner-up"]
    )
    assert told["runner-up"].endswith(
        "It is the best of 3 on these sessions, so on others its lead is likely to be smaller."
    )
    assert told["strongest baseline"].startswith("-30.29 points against random_forest (supervised), 90.00 %")
    assert "random_forest (supervised) is better" in told["strongest baseline"]
    assert told["cost of an event"] == (
        "90.0 generated and 70.0 prompt tokens, 0.200 s of vLLM 0.32.0 on 1 x Imaginary GPU; 32.8 B parameters"
    )


def test_few_sessions_are_told_to_be_too_few(tmp_path: Path) -> None:
    pair = [(f"qwen3_{size}", f1) for size, f1 in (("4b", 0.6), ("8b", 0.4))]
    told = answers([fabricated(tmp_path, model=model, **varied(f1, f1 + 0.1)) for model, f1 in pair])
    assert "interval" not in told["best language model"]
    assert told["runner-up"].endswith("(p = 0.500, 2 sessions). These are too few sessions to tell.")


def test_of_missed_events_fewer_are_better(tmp_path: Path) -> None:
    told = answers(
        [fabricated(tmp_path, 0.9, missed=0.3), fabricated(tmp_path, 0.1, model="qwen3_4b", missed=0.1)], "missed"
    )
    assert told["best language model"].startswith("Qwen3-4B: Missed events 10.00 %")


def test_what_is_synthetic_or_partial_is_said_of_all_or_beside_each_score(tmp_path: Path) -> None:
    forest = {"model": "random_forest", "model_id": "baseline:RandomForest", "baseline": baseline(), "provenance": HOME}
    runs = [
        *miniature(tmp_path),
        fabricated(tmp_path, 0.9, dataset="simulated_flat", **forest),
        fabricated(tmp_path, 0.3, limit=2, partial=True),
    ]
    flat, house, partial = standing_of(runs)
    assert (flat.label, house.label) == ("synthetic home", "synthetic home, synthetic model")
    said = dict(flat.answers)
    assert said["best language model"].startswith("tiny_teacher (synthetic model): F1 weighted 80.00 %")
    assert "against random_forest (supervised), 90.00 %" in said["strongest baseline"]
    assert partial.label == "partial: first 2 windows only" and "runner-up" not in dict(partial.answers)


def test_answers_of_a_script_are_not_called_those_of_a_model(tmp_path: Path) -> None:
    engines = [{"engine": "Scripted", "versions": {}, "hardware": None}]
    told = answers([fabricated(tmp_path, 0.6, engines=engines), fabricated(tmp_path, 0.4, model="qwen3_4b")])
    assert told["best language model"].startswith("Qwen3-0.6B (answers from a script, not from a model): F1 weighted 60.00")


def test_what_is_scored_on_other_windows_is_told_apart(tmp_path: Path) -> None:
    choices = {"prompt": {}, "split": {}, "generation": {}}
    runs = [fabricated(tmp_path, choices={"window": {"kind": "FixedWindows", "events": n}, **choices}) for n in (5, 10)]
    assert {one.title for one in standing_of(runs)} == {f"MuRAL: 6 sessions, 600 events, window.events={n}" for n in (5, 10)}


def test_what_is_scored_by_other_splits_is_told_apart(tmp_path: Path) -> None:
    """Folds often have as many sessions and events; a group that is alone in its counts needs no more words."""
    choices = {"prompt": {}, "generation": {}}
    window = {"kind": "FixedWindows", "events": 10}
    folds = [fabricated(tmp_path, choices={"window": window, "split": {"folds": 5, "fold": n}, **choices}) for n in (0, 1)]
    other = fabricated(tmp_path, dataset="marble", choices={"window": window, "split": {"name": "paper"}, **choices})
    assert {one.title for one in standing_of([*folds, other])} == {
        *(f"MuRAL: 6 sessions, 600 events, split.fold={n}" for n in (0, 1)),
        "MARBLE: 6 sessions, 600 events",
    }


def test_a_rival_of_the_same_name_is_named_by_what_differs(tmp_path: Path) -> None:
    told = answers([fabricated(tmp_path, 0.5), fabricated(tmp_path, 0.4, config={"decoding": {"structured": True}})])
    assert "against Qwen3-0.6B [the paper is silent: decoding.structured=true], 40.00 %" in told["runner-up"]
    told = answers([fabricated(tmp_path, 0.5, adapter=trained("mural")), fabricated(tmp_path, 0.4)])
    assert told["best language model"].startswith("Qwen3-0.6B trained on all 15 sessions: ")


def test_baselines_alone_are_ranked(tmp_path: Path) -> None:
    alone = [
        fabricated(tmp_path, f1, model=name, model_id=f"baseline:{name}", baseline=baseline())
        for name, f1 in (("majority", 0.2), ("random_forest", 0.6))
    ]
    told = answers(alone)
    assert told["best baseline"].startswith("random_forest (supervised): ") and "cost of an event" not in told
    assert "against majority (supervised), 20.00 %" in told["runner-up"]


def test_errors_are_the_missed_the_confused_and_the_weakest(tmp_path: Path) -> None:
    session = events("a", "b", "c", "d", gold=[(1,), (2,), (2,), (3,)])
    run = make(tmp_path, Fabricated("run", {"s": session}, [says(1, 3, 3, 3)]))
    assert answers([run])["errors"] == (
        "0.00 % of events missed; most often 2. cooking is taken for 3. eating (2 of its 2 events); "
        "weakest: 2. cooking, F1 0.00 %"
    )


def test_errors_of_several_seeds_say_what_is_of_one(tmp_path: Path) -> None:
    cooking = {"activity": 1, "name": "cooking", "precision": 1, "recall": 0.5, "f1": 0.67, "support": 9, "predicted": 5}
    runs = []
    for seed, missed in ((3, 0.01), (4, 0.03)):
        found = scores(0.5, missed)
        found["all"]["per_class"] = [cooking]
        runs.append(fabricated(tmp_path, seed=seed, strict=found))
    assert answers(runs)["errors"] == (
        "2.00 % of events missed (mean of 2 seeds); with seed 3 weakest: 1. cooking, F1 67.00 %"
    )
