"""What is packed into a page, unpacked again: nothing is lost, nothing is there twice, nothing is aligned by chance."""

from __future__ import annotations

import base64
import gzip
import html
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import MissingError
from har_llm.common.tables import Table
from har_llm.config import PARSINGS
from har_llm.report.figures.chart import Figure
from har_llm.report.page.chunks import PromptChunks
from har_llm.report.page.index import run_labels
from har_llm.report.page.write import write_page
from har_llm.runs.directory import RunResult, read_run
from har_llm.runs.result import WindowGeneration
from tests.report.page_runs import PNG, SYNTHETIC, Fabricated, Write, events, make, says, writes
from tests.scripted_runs import done, gold_script

KITCHEN = events(*[f"kitchen stove turned {'ON' if number % 2 else 'OFF'}" for number in range(12)])


BATH = events(*["bathroom motion sensor turned ON"] * 7)


HOME = {"s1": KITCHEN, "s2": BATH}


class Page:
    """A page as a browser sees it, before its script runs."""

    def __init__(self, path: Path):
        self.text = path.read_text(encoding="utf-8")
        blocks = re.findall(r'<script type="application/([a-z-]+)" id="([\w-]+)">([^<]*)</script>', self.text)
        self.index = next(json.loads(content) for kind, _, content in blocks if kind == "json")
        self.packed = {name: base64.b64decode(content) for kind, name, content in blocks if kind == "octet-stream"}

    def block(self, name: str) -> Any:
        return json.loads(gzip.decompress(self.packed[name]))

    def rows(self, dataset: int, at: int) -> list[dict[str, Any]]:
        """The rows of predictions.jsonl of one of a dataset's runs, put together again."""
        data = self.block(f"data-{dataset}")
        run, columns = data["runs"][at], data["columns"]
        names = [session["name"] for session in data["sessions"] for _ in range(session["events"])]
        rows = []
        for event, name in enumerate(names):
            said = {parsing: data["codes"][ord(run[parsing][event]) - 0x30] for parsing in PARSINGS}
            if said["strict"] is None:
                continue
            row: dict[str, Any] = {"session": name, "id": data["id"][event], "time": data["time"][event]}
            row |= {name: data[name]["values"][data[name]["at"][event]] for name in ("event", "gold", "subjects")}
            row["scored"] = columns[run["scored"]][event] == "1"
            if "excluded" in said["strict"]:
                row["excluded"] = said["strict"]["excluded"]
            else:
                row |= {"window": columns[run["windows"]][event], "shown_id": columns[run["shown"]][event]}
                row |= {
                    parsing: {"activity": what.get("activity"), "missed": what.get("missed")}
                    for parsing, what in said.items()
                }
            rows.append(row)
        return rows

    def windows(self, dataset: int, at: int) -> list[dict[str, Any]]:
        """The rows of windows.jsonl, as far as a reader needs them."""
        data = self.block(f"data-{dataset}")
        windows = []
        for session, window, first, length, *places in data["runs"][at]["places"]:
            (chunk, place), *generations = zip(places[::2], places[1::2], strict=True)
            ids = list(range(first, first + length))
            row = {"session": data["sessions"][session]["name"], "window": window, "ids": ids}
            if chunk >= 0:
                prompts = self.block(f"prompt-{chunk}")
                row["messages"] = [
                    {"role": role, "content": begin + rest}
                    for begin, (role, rest) in zip(prompts["begins"], prompts["prompts"][place], strict=False)
                ]
                row["generations"] = [self.block(f"generation-{chunk}")[place] for chunk, place in generations]
            windows.append(row)
        return windows


def written(path: Path, runs: Sequence[RunResult], **more: Any) -> Page:
    page = path / "report.html"
    settings = {"tables": [], "figures": [], "headline": "f1_weighted", "parsing": "lenient", **more}
    write_page(runs, page, **settings)
    return Page(page)


def expected_rows(run: RunResult) -> list[dict[str, Any]]:
    left_out = ("provenance", "samples", "generation", "generation_digest")
    rows = []
    for prediction in run.predictions():
        row = {name: value for name, value in asdict(prediction).items() if name not in left_out}
        if prediction.excluded is None:
            del row["excluded"]
        else:
            row = {name: row[name] for name in row if name not in ("window", "shown_id", *PARSINGS)}
        rows.append(row | {"gold": list(prediction.gold), "subjects": list(prediction.subjects)})
    return rows


def expected_windows(run: RunResult) -> list[dict[str, Any]]:
    return [
        {
            "session": row.session,
            "window": row.window,
            "ids": list(row.ids),
            "messages": [dict(message) for message in row.messages],
            "generations": [_packed(generation) for generation in row.generations],
        }
        for row in run.windows()
    ]


def _packed(generation: WindowGeneration) -> dict[str, Any]:
    """As the page keeps it: reasoning and answer are the whole text."""
    content = asdict(generation)
    del content["text"]
    return content


def fabricated(name: str, *models: Write, **more: Any) -> Fabricated:
    return Fabricated(name, more.pop("sessions", HOME), models or (says(1, 2),), **more)


@pytest.mark.parametrize(
    "run",
    [
        fabricated("plain"),
        fabricated("missing", writes("<think>\nNothing to say.\n</think>\n\n[]")),
        fabricated("cut", writes("<think>\nAnd so on"), finish_reason="length"),
        fabricated("partial", limit=2),
        fabricated("unscored", unscored=1),
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
    assert page.index["status"] == [["synthetic home, synthetic model", 1], ["partial: first 6 windows only", 1]]
    assert html.escape("synthetic home, synthetic model; partial") in page.text[: page.text.index("</title>")]


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


def test_equal_prompts_and_generations_are_kept_once(tmp_path: Path) -> None:
    runs = [make(tmp_path / name, fabricated("same-0123456789")) for name in ("a", "b")]
    page = written(tmp_path, runs)
    one, two = page.block("data-0")["runs"]
    assert one["places"] == two["places"]
    assert [name for name in page.packed if name.startswith(("generation", "prompt"))] == ["generation-0", "prompt-0"]


def test_a_prompts_beginning_is_kept_once_in_a_chunk(tmp_path: Path) -> None:
    long = "All that is known of the home. " * 3000
    with (tmp_path / "chunks").open("w+b") as stream:
        chunks = PromptChunks("prompt", stream)
        for number in range(5):
            chunks.add([{"role": "user", "content": f"{long}{number}"}])
        chunks.close_chunk()
        stream.seek(0)
        packed = stream.read()
    content = json.loads(gzip.decompress(base64.b64decode(packed.split(b">")[1].split(b"<")[0])))
    assert content == {"begins": [long], "prompts": [[["user", str(number)]] for number in range(5)]}


def test_generations_beyond_the_limit_are_counted_and_said_to_be_elsewhere(tmp_path: Path) -> None:
    long = {f"s{number}": events(*["motion"] * 5) for number in range(40)}

    def noise(window: Sequence[Any]) -> str:
        return f"<think>{os.urandom(40_000).hex()}</think>[]"

    runs = [make(tmp_path, fabricated(name, noise, sessions=long)) for name in ("a", "b")]
    page = written(tmp_path, runs, most_bytes=1_500_000)
    for at, (about, run) in enumerate(zip(page.index["runs"], runs, strict=True)):
        missing = sum("generations" not in window for window in page.windows(0, at))
        assert 0 < missing == about["windows_left_out"] < 40
        assert about["name"] == run.folder.name
        assert page.rows(0, at) == expected_rows(run)  # of predictions, nothing is left out
    assert len(page.text) < 3_000_000


def test_markup_in_names_stays_data(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script><!--"
    run = make(tmp_path, fabricated("a", model=hostile, provenance=hostile, sessions={hostile: BATH}))
    table = Table("t", hostile, ("", hostile), [[hostile, "{{script}}"]], [hostile])
    page = written(tmp_path, [run], tables=[table])
    assert page.index["runs"][0]["label"] == hostile
    assert page.index["tables"][0]["rows"] == [[hostile, "{{script}}"]]
    assert page.text.count("<script>") == 1
    assert "alert(1)</script>" not in page.text


def test_figures_and_tables_are_in_the_page(tmp_path: Path) -> None:
    (tmp_path / "f.png").write_bytes(PNG)
    figure = Figure("f", "F1 by size", "It grows.", tmp_path / "f.png")
    table = Table("t", "Scores", ("model", "F1"), [["tiny", "50.0 ± 1.0"]], ["Of two sessions."])
    page = written(tmp_path, [make(tmp_path, fabricated("a"))], tables=[table], figures=[figure])
    assert page.packed["figure-0"] == PNG
    assert page.index["figures"] == [{"title": "F1 by size", "caption": "It grows."}]
    assert page.index["tables"][0]["notes"] == ["Of two sessions."]


def test_the_page_loads_nothing_and_allows_only_its_own_script(tmp_path: Path) -> None:
    text = written(tmp_path, [make(tmp_path, fabricated("a"))]).text
    assert "default-src 'none'" in text
    assert "unsafe-inline" not in text
    assert not re.search(r"<(?:link|iframe|img|object|embed)\b|\bsrc=|@import|url\(", text.split('id="index"')[0])


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
        "tiny, first 1 windows",
        "tiny, self_consistency",
        "tiny, 6666666666",
        "tiny",
    ]


def test_a_report_of_real_and_synthetic_runs_says_so_of_the_latter_only(tmp_path: Path) -> None:
    runs = [make(tmp_path, fabricated("a")), make(tmp_path, fabricated("b", provenance=None))]
    page = written(tmp_path, runs)
    assert page.index["status"] == [[SYNTHETIC, 1]]
    assert not page.index["everywhere"]
    assert [run["status"] for run in page.index["runs"]] == [SYNTHETIC, ""]
    assert SYNTHETIC not in page.text[: page.text.index("</title>")]


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


def test_a_damaged_run_is_named_and_no_page_is_left(tmp_path: Path) -> None:
    run = make(tmp_path, fabricated("a"))
    (run.folder / "predictions.jsonl").write_text('{"session": "s1"')
    with pytest.raises(MissingError, match=r"predictions\.jsonl:1 is damaged"):
        written(tmp_path, [run])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["predictions.jsonl", "windows.jsonl"])
def test_a_run_that_lacks_rows_is_named(tmp_path: Path, name: str) -> None:
    file = make(tmp_path, fabricated("a")).folder / name
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:1]))
    with pytest.raises(MissingError, match=rf"a/{name} has 1 rows instead of \d+; delete"):
        written(tmp_path, [read_run(file.parent)])


def test_the_same_runs_make_the_same_page(tmp_path: Path) -> None:
    run = make(tmp_path, fabricated("a"))
    assert written(tmp_path, [run]).text == written(tmp_path, [run]).text
