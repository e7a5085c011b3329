"""The tables of a run: every score of its directory; reasoning samples, errors first, whatever a model may have written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from har_llm.runs.directory import RunResult
from har_llm.tracking.tables import LONGEST, Place, choose, confusion_rows, run_tables, sample_rows, spread, without_middle


def test_the_tables_hold_every_session_activity_and_cause(finished: Callable[..., RunResult]) -> None:
    result = finished()
    tables, confusion = run_tables(result, 10), confusion_rows(result.metrics)
    strict = result.metrics.strict.all
    sessions = {
        row["session"]: row for row in tables["session_scores"] if (row["parsing"], row["variant"]) == ("strict", "all")
    }
    assert sessions.keys() == strict.sessions.keys() and len(sessions) == 2
    for name, row in sessions.items():
        assert row["f1_weighted"] == strict.sessions[name].f1_weighted
    assert len(tables["activity_scores"]) == 2 * len(result.metrics.activities)
    assert {row["cause"] for row in tables["missed_by_cause"]} >= {"omitted", "no answer", "truncated"}
    assert sum(row["nPredictions"] for row in confusion) == result.metrics.events and len(confusion) == 12 * 13
    diagonal = sum(row["nPredictions"] for row in confusion if row["Actual"] == row["Predicted"])
    assert diagonal / result.metrics.events == pytest.approx(strict.pooled.accuracy)
    assert all(list(row) == list(rows[0]) for rows in (*tables.values(), confusion) for row in rows)


def places(count: int, right: bool, gold: int = 1) -> list[Place]:
    return [Place("s", number + 1000 * gold, 0, gold, right) for number in range(count)]


def shown(chosen: list[Place]) -> str:
    return "".join("r" if place.right else "e" for place in chosen)


@pytest.mark.parametrize(
    ("errors", "right", "most"), [(2, 9, 6), (9, 9, 6), (9, 0, 6), (0, 9, 6), (1, 1, 6), (9, 9, 1), (0, 0, 6)]
)
def test_half_of_the_samples_are_of_the_same_events_in_every_run(errors: int, right: int, most: int) -> None:
    found = [*places(right, True), *places(errors, False, gold=2)]
    rival = [place._replace(right=not place.right) for place in found]
    common, others = choose(found, most)
    assert [place[:2] for place in sorted(common)] == [place[:2] for place in sorted(choose(rival, most)[0])]
    assert len(common) == min((most + 1) // 2, len(found)) and shown(common) == "".join(sorted(shown(common)))
    assert len(others) == min(most, len(found)) - len(common) and not {*common} & {*others}
    assert shown(others) == "".join(sorted(shown(others)))
    assert shown(others).count("e") == min(len(others), errors - shown(common).count("e"))


def test_a_rare_activity_is_not_crowded_out() -> None:
    chosen = spread([*places(500, True), *places(2, True, gold=2), *places(1, True, gold=3)], 9)
    assert Counter(place.gold for place in chosen) == {1: 6, 2: 2, 3: 1}


def test_the_choice_is_by_chance_and_always_the_same() -> None:
    all_of_them = places(100, True)
    chosen = spread(all_of_them, 10)
    assert chosen == spread(all_of_them[::-1], 10) != all_of_them[:10]


@pytest.mark.slow
def test_a_row_shows_all_that_led_to_the_answer(finished: Callable[..., RunResult]) -> None:
    result = finished()
    rows = sample_rows(result, 20, "strict")
    assert len(rows) == 20 and [row["in_every_run"] for row in rows] == [True] * 10 + [False] * 10
    assert not rows[0]["right"] and not rows[10]["right"], "errors first"
    assert 0 < sum(row["right"] for row in rows) < 20
    kept = {f"{row.session} event {row.id}": row for row in result.predictions()}
    names = result.metrics.activities
    for row in rows:
        event = kept[row["session"]]
        assert row["event"] == event.event and row["time"] == event.time
        assert row["gold"] == f"{event.gold[0]}. {names[event.gold[0]]}"
        assert event.strict.activity is not None
        assert row["predicted"] == f"{event.strict.activity}. {names[event.strict.activity]}"
        assert (row["gold"] == row["predicted"]) == row["right"]
        (marked,) = [line for line in row["window"].splitlines() if line.startswith(">")]
        assert marked.split() == f"> {event.shown_id} {event.time} {event.event}".split()
        assert row["reasoning"] == "It is so." and f'"id": {event.shown_id}' in row["answer"]
        assert row["generation"] == event.generation
        assert row["provenance"] == "synthetic home, synthetic model"


@pytest.mark.parametrize("ids", ["session", "window"])
def test_a_window_that_overlaps_others_is_shown_whole(finished: Callable[..., RunResult], ids: str) -> None:
    result = finished("window=sliding", "prompt=embedded", f"prompt.event_ids={ids}")
    windows = {(window.session, window.window): window for window in result.windows()}
    kept = {f"{row.session} event {row.id}": row for row in result.predictions()}
    rows = sample_rows(result, 20, "strict")
    assert rows
    for row in rows:
        event = kept[row["session"]]
        lines = [line.removeprefix(">").split() for line in row["window"].splitlines()]
        window = windows[event.session, event.window]
        assert [int(line[0]) for line in lines] == list(window.ids)
        assert all(
            f'"time": "{line[1]}", "event": "{" ".join(line[2:])}"' in window.messages[-1]["content"] for line in lines
        )
        (marked,) = [line for line in row["window"].splitlines() if line.startswith(">")]
        assert marked.split() == f"> {event.shown_id} {event.time} {event.event}".split()


def test_no_rows_are_asked_for(finished: Callable[..., RunResult]) -> None:
    assert sample_rows(finished("limit=1"), 0, "strict") == []


def test_hostile_text_is_shown_as_text(finished: Callable[..., RunResult], tmp_path: Path) -> None:
    text = "<think>\n<script>alert(1)</script>\x1b[2J \ud800\n</think>\n\nnothing"
    (tmp_path / "hostile.jsonl").write_text(json.dumps({"contains": "", "text": text}) + "\n")
    result = finished(f"engine.path={tmp_path / 'hostile.jsonl'}", "limit=1")
    row = sample_rows(result, 1, "strict")[0]
    assert row["reasoning"] == "<script>alert(1)</script>\\x1b[2J \\ud800"
    assert row["predicted"].startswith("missed (") and not row["right"]
    json.dumps(row).encode("utf-8")


def test_reasoning_that_was_never_closed_has_no_answer(finished: Callable[..., RunResult], tmp_path: Path) -> None:
    rule = {"contains": "", "text": "<think>\nPerhaps the kitchen", "finish_reason": "length"}
    (tmp_path / "cut.jsonl").write_text(json.dumps(rule) + "\n")
    result = finished(f"engine.path={tmp_path / 'cut.jsonl'}", "limit=1")
    row = sample_rows(result, 1, "strict")[0]
    assert (row["reasoning"], row["answer"]) == ("Perhaps the kitchen", "")
    assert (row["predicted"], row["finish_reason"]) == ("missed (truncated)", "length")


def test_long_reasoning_keeps_its_ends() -> None:
    text = without_middle("a" * LONGEST + "b" * LONGEST)
    assert text.startswith("a" * 100) and text.endswith("b" * 100)
    assert f"[... {LONGEST:,} characters left out ...]" in text and len(text) < LONGEST + 100
    assert without_middle("a" * LONGEST) == "a" * LONGEST


def test_of_several_generations_the_one_is_shown_that_says_what_was_voted(finished: Callable[..., RunResult]) -> None:
    result = finished("decoding.samples=3", "model.sampling.temperature=0.5", "limit=1")
    rows = [json.loads(line) for line in (result.folder / "predictions.jsonl").read_text().splitlines()]
    other = {"activity": None, "missed": "omitted"}
    for row in rows:
        if "samples" in row:
            row["samples"][0]["strict"] = other  # the first generation was outvoted
    (result.folder / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    row = sample_rows(result, 1, "strict")[0]
    (window,) = result.windows()
    assert row["generation"] == window.generations[1].key != window.generations[0].key
