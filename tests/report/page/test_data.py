"""Events and what runs predict of them, packed and unpacked again: nothing is lost, twice or aligned by chance."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from har_llm.common.errors import MissingError
from har_llm.config.settings import PARSINGS
from har_llm.runs.directory import read_run
from tests.report.page.unpacked import BATH, KITCHEN, expected_rows, expected_windows, fabricated, written
from tests.report.page_runs import Fabricated, make, says, writes
from tests.scripted_runs import done, gold_script


@pytest.mark.parametrize(
    "run",
    [
        fabricated("plain"),
        fabricated("missing", writes("<think>\nNothing to say.\n</think>\n\n[]")),
        fabricated("cut", writes("<think>\nAnd so on"), finish_reason="length"),
        fabricated("partial", limit=2),
        fabricated("unscored", unscored=1),
        fabricated("dated", sessions={"s": [one._replace(date=f"2024-02-2{8 + one.id // 6}") for one in KITCHEN]}),
        fabricated(
            "twice",
            sessions={"s": [one._replace(date="2026-10-25", utc_offset=f"+0{2 - one.id // 6}:00") for one in KITCHEN]},
        ),
        fabricated("hostile", writes("<think>\n\ud800 </script><!-- \u2028 \x00 \U0001f600\n</think>\n\n[{")),
    ],
    ids=lambda run: run.name,
)
def test_every_event_and_generation_of_a_run_is_in_the_page(tmp_path: Path, run: Fabricated) -> None:
    result = make(tmp_path, run)
    page = written(tmp_path, [result])
    assert page.rows(0, 0) == expected_rows(result)
    assert page.windows(0, 0) == expected_windows(result)


def test_a_run_of_the_program_itself_is_in_the_page_whole(tmp_path: Path) -> None:
    result, _ = done(tmp_path, f"engine.path={gold_script(tmp_path / 'gold.jsonl', wrong=3)}", "limit=6")
    page = written(tmp_path, [result])
    assert page.rows(0, 0) == expected_rows(result)
    assert page.windows(0, 0) == expected_windows(result)
    assert page.index["status"] == [
        ["synthetic home", 1],
        ["synthetic model", 1],
        ["partial: first 6 windows only", 1],
    ]
    assert html.escape("synthetic home, synthetic model, partial") in page.text[: page.text.index("</title>")]


def test_votes_say_what_each_of_several_generations_says(tmp_path: Path) -> None:
    result = make(tmp_path, fabricated("votes", says(1), says(2), says(2, 3)))
    data = written(tmp_path, [result]).block("data-0")
    codes, votes = data["codes"], data["runs"][0]["votes"]
    first = [row for row in result.predictions() if row.session == "s1" and row.window == 0]
    for at in range(3):
        for parsing in PARSINGS:
            said = [codes[ord(character) - 0x30].get("activity") for character in votes["0/0"][at][parsing]]
            assert said == [getattr(row.samples[at], parsing).activity for row in first]


def test_events_that_runs_share_are_kept_once_and_others_apart(tmp_path: Path) -> None:
    other = {"s1": KITCHEN[:-1], "s2": BATH}
    runs = [
        make(tmp_path, fabricated("a")),
        make(tmp_path, fabricated("b", says(3))),
        make(tmp_path, fabricated("c", sessions=other)),
        make(tmp_path, fabricated("d", sessions={"s2": BATH}, window=7)),
        make(tmp_path, fabricated("e", dataset="flat")),
        make(tmp_path, fabricated("f", activities={1: "sleeping", 2: "cooking", 3: "parsing"})),
    ]
    page = written(tmp_path, runs)
    assert [(dataset["name"], dataset["runs"]) for dataset in page.index["datasets"]] == [
        ("home", [0, 1, 2, 3]),
        ("flat", [4]),
        ("home", [5]),
    ]
    sessions = page.block("data-0")["sessions"]
    assert [(session["name"], session["data"], session["events"]) for session in sessions] == [
        ("s1", 1, 12),
        ("s2", 1, 7),
        ("s1", 2, 11),
    ]
    for at, run in enumerate(runs[:4]):
        # Only "c" has its sessions in another order than the page.
        assert sorted(page.rows(0, at), key=str) == sorted(expected_rows(run), key=str)


def test_gold_that_differs_makes_other_data(tmp_path: Path) -> None:
    relabelled = [event._replace(activities=(3,)) if event.id == 4 else event for event in BATH]
    runs = [
        make(tmp_path, fabricated("a", sessions={"s": BATH})),
        make(tmp_path, fabricated("b", sessions={"s": relabelled})),
    ]
    assert [session["data"] for session in written(tmp_path, runs).block("data-0")["sessions"]] == [1, 2]


def test_a_run_without_its_events_shows_its_scores(tmp_path: Path) -> None:
    runs = [make(tmp_path, fabricated(name)) for name in ("a", "b", "c")]
    (runs[0].folder / "predictions.jsonl").unlink()
    (runs[1].folder / "windows.jsonl").unlink()
    page = written(tmp_path, runs)
    assert [run["no_files"] for run in page.index["runs"]] == [["predictions.jsonl"], ["windows.jsonl"], []]
    assert page.rows(0, 0) == []
    assert page.rows(0, 1) == expected_rows(runs[1])
    assert page.windows(0, 1) == []
    assert page.windows(0, 2) == expected_windows(runs[2])


@pytest.mark.parametrize("name", ["predictions.jsonl", "windows.jsonl"])
def test_a_run_that_lacks_rows_is_named(tmp_path: Path, name: str) -> None:
    file = make(tmp_path, fabricated("a")).folder / name
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:1]))
    with pytest.raises(MissingError, match=rf"a/{name} has 1 rows? instead of \d+; run the command"):
        written(tmp_path, [read_run(file.parent)])
