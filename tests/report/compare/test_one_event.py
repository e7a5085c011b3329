"""What runs say of one event, as in table 3 of the paper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import ConfigError
from har_llm.report.compare.one_event import event_table
from har_llm.runs.directory import RunResult
from tests.report.run_folders import Said, row, written

REASONING = "Event 11 opens the fridge: cooking. Event 12 too."


def run(folder: Path, *said: Said, reasoning: tuple[str, ...] = (REASONING,), **changes: Any) -> RunResult:
    """A run of a session of one window, whose events are shown with ids from 10 on."""
    events = [row("s/1", n, [1], one, window=0, shown_id=n + 10) for n, one in enumerate(said)]
    if len(reasoning) > 1:
        votes = [{"generation": "k", "generation_digest": "d", **{p: {"activity": place} for p in ("strict", "lenient")}}
                 for place in range(1, len(reasoning) + 1)]  # fmt: skip
        events = [{**event, "samples": votes} for event in events]
    made = written(folder, events, windows=1, **changes)
    generation = {
        "key": "k",
        "finish_reason": "stop",
        "prompt_tokens": 1,
        "completion_tokens": 1,
        "seconds": 1.0,
        "answer": "[]",
    }
    generations = [{**generation, "text": text, "reasoning": text} for text in reasoning]
    window = {"session": "s/1", "window": 0, "messages": [], "ids": [10, 11, 12], "generations": generations}
    (folder / "windows.jsonl").write_text(json.dumps(window) + "\n")
    return made


def test_each_run_has_its_answer_and_what_its_reasoning_says_of_the_event(tmp_path: Path) -> None:
    runs = [
        run(tmp_path / "a", 1, 1, 1, model="small"),
        run(tmp_path / "b", 1, "unreported", 1, model="large", reasoning=("At 08:00:01 someone eats.",)),
        run(tmp_path / "c", 1, 3, 1, model="other", reasoning=("Someone eats.",)),
        run(tmp_path / "d", 1, 2, 1, model="plain", reasoning=("",)),
    ]
    table = event_table(runs, "s/1/1", "strict")
    assert table.title == 'Event s/1/1: 08:00:01 "kitchen fridge 1", gold 1. cooking'
    assert table.rows == [
        ["small", "1. cooking", "Event 11 opens the fridge: cooking. [...]"],
        ["large", "missed (unreported)", "At 08:00:01 someone eats."],
        ["other", "3. nothing in particular", "(its reasoning does not mention the event)"],
        ["plain", "2. eating", "(no reasoning)"],
    ]
    assert not table.notes


def test_of_several_generations_one_that_the_vote_follows_is_quoted(tmp_path: Path) -> None:
    voted = run(tmp_path / "a", 1, 2, 1, reasoning=("Event 11 is cooking.", "Event 11 is eating."))
    table = event_table([voted], "s/1/1", "lenient")
    assert table.rows == [["student", "2. eating", "Event 11 is eating."]]
    assert table.notes == ["Of several generations, the first whose answer is the vote's is quoted."]


def test_runs_of_one_name_are_told_apart_and_synthetic_ones_are_labelled(tmp_path: Path) -> None:
    runs = [run(tmp_path / f"run-{name}", 1, 1, 1, provenance="synthetic home") for name in ("aa", "bb")]
    names = [cells[0] for cells in event_table(runs, "s/1/1", "strict").rows]
    assert names == ["student (synthetic home) [aa]", "student (synthetic home) [bb]"]


def test_an_event_that_no_window_shows_says_why(tmp_path: Path) -> None:
    made = written(
        tmp_path / "a", [row("s", 0, [1], 1), {**row("s", 1, [1], 1), "excluded": "window beyond limit"}], windows=0
    )
    (tmp_path / "a" / "windows.jsonl").write_text("")
    assert event_table([made], "s/1", "strict").rows == [["student", "excluded: window beyond limit", ""]]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("s/1/3", "a has no event 3 in session s/1; its ids are 0 to 2."),
        ("s1/0", "a has no session 's1', which compare.event names. Did you mean s/1?"),
        ("elsewhere/0", "a has no session 'elsewhere', which compare.event names. Its sessions are s/1."),
    ],
)
def test_an_event_that_is_not_there_is_named(tmp_path: Path, event: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        event_table([run(tmp_path / "a", 1, 1, 1)], event, "strict")
    assert str(raised.value) == message


def test_another_event_in_its_place_is_refused(tmp_path: Path) -> None:
    other = written(tmp_path / "b", [row("s/1", 1, [2], 1)], windows=0)
    (tmp_path / "b" / "windows.jsonl").write_text("")
    with pytest.raises(
        ConfigError, match=r"Event s/1/1 is .* gold 1\. cooking in a and .* gold 2\. eating in b; compare runs"
    ):
        event_table([run(tmp_path / "a", 1, 1, 1), other], "s/1/1", "strict")
