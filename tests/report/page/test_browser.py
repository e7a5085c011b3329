"""The page in use: views, filters, addresses, keyboard, in a real Chromium that reports any request or complaint."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.notices import Notice
from har_llm.common.tables import Table
from har_llm.report.build import build_report
from har_llm.report.figures.chart import Figure
from har_llm.report.page.write import write_page
from har_llm.runs.directory import RunResult
from har_llm.runs.result import PredictionRow
from tests.report.browser import Watched
from tests.report.page_runs import PNG, VIEWS, Fabricated, events, gives_up, make, says, writes
from tests.scripted_runs import done, gold_script

pytestmark = pytest.mark.slow

Watch = Callable[..., Watched]


MANY = 300


SESSIONS = {
    "morning": events(*[f"kitchen stove {number}" for number in range(12)], gold=[(2,)] * 6 + [(1,)] * 4 + [(1, 3)] + [()]),
    "evening": events(*[f"bathroom door {number}" for number in range(MANY)]),
}


SORTED = [
    *(["Qwen-14B", "b", "9.50 ± 30.00", "<0.001"], ["Qwen-4B", "a", "50.00 ± 1.00", "0.001"]),
    *(["Qwen-32B", "b", "", "1,000.5"], ["Qwen-8B", "b", "-1.00 ± 2.00", "0.5"]),
]
"""The rows of a table that is to be sorted."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[RunResult]:
    root = tmp_path_factory.mktemp("runs")
    return [
        make(root, Fabricated("home-big-0000000001", SESSIONS, [says(2, 3)], model="big")),
        make(root, Fabricated("home-small-0000000002", SESSIONS, [says(1)], model="small", limit=3)),
        make(root, Fabricated("home-cut-0000000003", SESSIONS, [gives_up], model="cut", finish_reason="length")),
        make(root, Fabricated("home-votes-0000000004", SESSIONS, [says(1), says(3), says(3)], model="votes")),
        make(root, Fabricated("flat-big-0000000005", SESSIONS, [says(2)], model="big", dataset="flat", window=4)),
    ]


@pytest.fixture(scope="module")
def report(runs: list[RunResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    (folder / "f.png").write_bytes(PNG)
    write_page(
        runs,
        folder / "report.html",
        tables=[
            Table("t", "Table of scores", ("model", "prompt", "F1", "p"), SORTED, ["Two sessions."]),
            Table("c", "Table of costs", ("model", "tokens"), [["big", "1,234"]], folded=True),
        ],
        figures=[Figure("f", "Figure of sizes", "It grows.", folder / "f.png")],
        headline="f1_weighted",
        parsing="lenient",
    )
    return folder / "report.html"


def rows_of(run: RunResult) -> dict[tuple[str, int], PredictionRow]:
    return {(row.session, row.id): row for row in run.predictions()}


def outcome(row: PredictionRow) -> str:
    if row.excluded is not None:
        return "excluded"
    activity = row.lenient.activity
    if not row.gold:
        return "unlabelled"
    return "missed" if activity is None else "right" if activity in row.gold else "wrong"


def named(row: PredictionRow) -> Any:
    return None if row.excluded is not None else row.lenient.activity or "missed"


@pytest.mark.parametrize(
    ("view", "heading", "holds"),
    [
        (
            "overview",
            "Overview",
            ["home", "flat", "big", "small", "partial: first 3 windows only", "2026-11-29 16:20:05 UTC"],
        ),
        ("results", "Tables and figures", ["Table of scores", "50.00 ± 1.00", "Two sessions.", "Figure of sizes"]),
        ("days", "Days", ["morning", "Days 1 to 4 of 4", "gold", "cut", "2. cooking", "The usual week"]),
        ("timeline", "Timeline", ["morning (12 events)", "gold", "cut", "2. cooking"]),
        ("confusion", "Confusion", ["Gold activities (rows) as big", "2. cooking", "Activity by activity"]),
        ("explorer", "Explorer", ["312 events", "kitchen stove 0", "What each run says of it", "Reasoning"]),
    ],
)
def test_each_view_shows_what_it_is_for_and_what_it_is(
    report: Path, watch: Watch, view: str, heading: str, holds: list[str]
) -> None:
    page = watch(report, f"#{view}")
    assert page.texts("h1") == [heading]
    text = page.text("main")
    assert [part for part in holds if part not in text] == []
    assert page.text("#banner") == (
        "Results in this report: synthetic home (all); synthetic model (all); partial: first 3 windows only (1 of 5 runs)."
    )
    assert page.texts("nav a[aria-current=page]") == [heading]


def test_a_run_of_the_program_itself_is_shown(tmp_path: Path, watch: Watch) -> None:
    result, _ = done(tmp_path, f"engine.path={gold_script(tmp_path / 'gold.jsonl')}")
    report = tmp_path / "report.html"
    write_page([result], report, tables=[], figures=[], headline="accuracy", parsing="strict")
    page = watch(report)
    assert "100.00" in page.text(".runs .score")
    page.go("#explorer")
    assert page.text(".total") == f"{result.metrics.events} events"
    assert page.texts(".card .text")[0].strip() == "It is so."
    assert page.texts(".card .text mark")[0] == f'{{"id": 0, "activity": {next(result.predictions()).gold[0]}}}'


def test_a_score_is_shown_as_the_tables_show_it(tmp_path: Path, watch: Watch) -> None:
    """1/32 is 3.125 %, and half a hundredth is rounded up."""
    session = events(*[f"kitchen stove {number}" for number in range(32)], gold=[(1,)] + [(2,)] * 31)
    run = make(tmp_path, Fabricated("run", {"s": session}, [says(1)]))
    _, tables = build_report([run], tmp_path / "report", headline="accuracy", parsing="strict")
    (shown,) = [table for table in tables if table.name == "table_runs"]
    assert shown.cells("Accuracy %") == ["3.13"]
    page = watch(tmp_path / "report" / "report.html")
    assert page.texts(".runs .score") == ["3.13"]
    page.go("#results")
    assert "3.13" in page.texts("main td.number")
    page.go("#confusion")
    assert page.texts("[aria-labelledby^=per-class] tbody tr")[0].split("\t") == [
        "1. sleeping",
        "3.13",
        "100.00",
        "6.06",
        "1",
        "32",
    ]


def column(page: Watched, at: int) -> list[str]:
    return page.texts(f"[aria-labelledby=table-0-title] tbody tr > :nth-child({at})")


@pytest.mark.parametrize(
    ("title", "at", "presses"),
    [
        (
            "F1",
            3,
            [["50.00 ± 1.00", "9.50 ± 30.00", "-1.00 ± 2.00", ""], ["-1.00 ± 2.00", "9.50 ± 30.00", "50.00 ± 1.00", ""]],
        ),
        ("p", 4, [["1,000.5", "0.5", "0.001", "<0.001"], ["<0.001", "0.001", "0.5", "1,000.5"]]),
        ("model", 1, [["Qwen-4B", "Qwen-8B", "Qwen-14B", "Qwen-32B"], ["Qwen-32B", "Qwen-14B", "Qwen-8B", "Qwen-4B"]]),
        ("prompt", 1, [["Qwen-4B", "Qwen-14B", "Qwen-32B", "Qwen-8B"], ["Qwen-14B", "Qwen-32B", "Qwen-8B", "Qwen-4B"]]),
    ],
)
def test_a_table_is_sorted_by_the_titles_of_its_columns(
    report: Path, watch: Watch, title: str, at: int, presses: list[list[str]]
) -> None:
    """Numbers as numbers, what is equal stays in order, what is empty comes last; the third press brings back the start."""
    page = watch(report, "#results")
    made = column(page, at)
    button = page.page.get_by_role("button", name=title, exact=True)
    directions = []
    for expected in [*presses, made]:
        button.focus()
        page.page.keyboard.press("Enter")
        assert column(page, at) == expected
        directions.append(button.evaluate("(button) => button.parentElement.ariaSort"))
    numeric = title in ("F1", "p")
    assert directions == [*(("descending", "ascending") if numeric else ("ascending", "descending")), None]


def test_figures_come_first_and_the_index_leads_to_what_is_folded(report: Path, watch: Watch) -> None:
    page = watch(report, "#results")
    assert page.texts(".contents a") == page.texts("main h2") == ["Figure of sizes", "Table of scores", "Table of costs"]
    folded = page.page.get_by_role("cell", name="1,234")
    assert not folded.is_visible()
    for _ in range(2):  # also when the address names it already
        page.evaluate("window.scrollTo(0, 0)")
        page.page.get_by_role("link", name="Table of costs").click()
        folded.wait_for()
        assert page.evaluate("document.activeElement.id") == "part-table-1"


def test_a_figure_is_seen(report: Path, watch: Watch) -> None:
    page = watch(report, "#results")
    page.page.wait_for_function("() => document.querySelector('figure img').naturalWidth === 1")


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ("outcome=right&model=0000000001", lambda key, rows: outcome(rows[0][key]) == "right"),
        ("outcome=wrong&model=0000000002", lambda key, rows: outcome(rows[1][key]) == "wrong"),
        ("outcome=unlabelled", lambda key, rows: key == ("morning", 11)),
        ("outcome=missed", lambda key, rows: any(outcome(run[key]) == "missed" for run in rows)),
        ("cause=truncated&model=0000000003", lambda key, rows: rows[2][key].lenient.missed == "truncated"),
        ("cause=omitted", lambda key, rows: False),
        ("gold=3", lambda key, rows: 3 in rows[0][key].gold),
        ("pred=1&model=0000000002", lambda key, rows: named(rows[1][key]) == 1),
        ("in=morning", lambda key, rows: key[0] == "morning"),
        ("q=STOVE+11", lambda key, rows: key == ("morning", 11)),
        ("q=19:05:00", lambda key, rows: rows[0][key].time == "19:05:00"),
        ("differ=yes&runs=0000000001,0000000004", lambda key, rows: named(rows[0][key]) != named(rows[3][key])),
        (
            "differ=no&runs=0000000001,0000000004",
            lambda key, rows: named(rows[0][key]) == named(rows[3][key]),
        ),
        (
            "gold=2&pred=3&outcome=wrong&in=evening&model=0000000001",
            lambda key, rows: (key[0], list(rows[0][key].gold), named(rows[0][key])) == ("evening", [2], 3),
        ),
    ],
)
def test_filters_leave_exactly_the_events_that_they_name(
    report: Path, watch: Watch, runs: list[RunResult], query: str, passes: Callable[..., bool]
) -> None:
    rows = [rows_of(run) for run in runs[:4]]
    expected = sum(passes(key, rows) for key in rows[0])
    page = watch(report, f"#explorer?{query}")
    number = re.match(r"(\d+) ", page.text(".total"))
    assert number is not None
    assert int(number[1]) == expected < len(rows[0])
    assert page.evaluate("document.querySelector('.list .line')?.ariaSetSize ?? '0'") == str(expected)


def test_filters_are_set_and_taken_away_by_hand(report: Path, watch: Watch) -> None:
    page = watch(report, "#explorer")
    page.page.get_by_label("Gold activity").select_option("2. cooking")
    page.page.get_by_label("Words or time").fill("kitchen")
    page.settled()
    assert page.text(".total") == "6 of 312 events"
    assert "gold=2" in page.page.url
    assert "q=kitchen" in page.page.url
    page.page.get_by_role("button", name="Gold activity: 2. cooking").click()
    page.settled()
    assert page.text(".total") == "12 of 312 events"
    assert page.page.get_by_label("Gold activity").input_value() == ""
    page.page.get_by_label("Words or time").fill("nowhere")
    page.settled()
    assert "No event passes the filters" in page.text("#detail")


def test_a_cell_of_the_confusion_matrix_leads_to_its_events(report: Path, watch: Watch) -> None:
    page = watch(report, "#confusion?run=0000000001")
    page.page.get_by_role("link", name="events of cooking, predicted as eating").click()
    page.settled()
    assert page.texts("h1") == ["Explorer"]
    counted = page.text(".total")
    page.page.go_back()
    page.settled()
    assert page.page.get_by_role("link", name="events of cooking, predicted as eating").inner_text() == counted.split()[0]


def test_the_confusions_of_two_runs_are_beside_each_other(report: Path, watch: Watch) -> None:
    page = watch(report, "#confusion?run=0000000001")
    page.page.get_by_label("Beside it").select_option("votes")
    page.settled()
    assert [title.split(" as ")[1].split()[0] for title in page.texts(".pair h2") if " as " in title] == ["big", "votes"]
    assert "beside=0000000004" in page.page.url
    page.go("#confusion?run=0000000004&beside=0000000004")
    assert page.page.locator(".matrix").count() == 1, "a run is not shown beside itself"


def test_an_address_brings_back_the_same_view(report: Path, watch: Watch) -> None:
    address = "#explorer?parsing=strict&gold=3&event=evening/5&runs=0000000001,0000000004"
    page = watch(report, address)
    assert page.text("#detail h2") == "bathroom door 5"
    assert page.texts(".card h3") == ["big", "votes"]
    assert page.text(".list [aria-selected=true] .what") == "bathroom door 5"
    shown = page.text("main")
    again = watch(report, "#" + page.page.url.partition("#")[2])
    assert again.text("main") == shown


def test_going_back_goes_through_the_views(report: Path, watch: Watch) -> None:
    page = watch(report)
    page.page.get_by_role("link", name="Explorer").click()
    page.settled()
    page.page.locator(".line").nth(2).click()
    page.settled()
    assert page.text("#detail h2") == "kitchen stove 2"
    page.page.go_back()
    page.settled()
    assert page.text("#detail h2") == "kitchen stove 0"
    page.page.go_back()
    page.settled()
    assert page.texts("h1") == ["Overview"]
    page.page.go_forward()
    page.settled()
    assert page.texts("h1") == ["Explorer"]


@pytest.mark.parametrize(
    "address",
    [
        "#nothing",
        "#explorer?event=no/1&gold=99&data=x&runs=x&in=x&model=x",
        "#timeline?session=x&event=",
        "#%",
        "#confusion?run=x",
    ],
)
def test_an_address_that_fits_no_more_still_opens(report: Path, watch: Watch, address: str) -> None:
    assert watch(report, address).texts("h1")[0] in ("Overview", "Explorer", "Timeline", "Confusion")


def test_runs_are_chosen_by_chips(report: Path, watch: Watch) -> None:
    page = watch(report, "#explorer")
    assert page.texts(".card h3") == ["big", "small", "cut", "votes"]
    page.page.get_by_role("button", name="cut", exact=True).click()
    page.settled()
    assert page.texts(".card h3") == ["big", "small", "votes"]


def test_choosing_runs_keeps_the_filters_as_they_are_now(report: Path, watch: Watch) -> None:
    """The chips stay on the page while filters change."""

    def clicked(name: str) -> str:
        page.page.get_by_role("button", name=name, exact=True).click()
        page.settled()
        return str(page.evaluate("location.hash"))

    page = watch(report, "#explorer")
    page.go("#explorer?model=0000000001")
    assert "model=0000000001" in clicked("cut")
    page.go("#explorer?runs=0000000001,0000000002,0000000004")
    assert "model=" not in clicked("small")


def test_runs_on_other_windows_show_their_own(report: Path, watch: Watch, runs: list[RunResult], tmp_path: Path) -> None:
    wide = make(tmp_path, Fabricated("home-wide-0000000006", SESSIONS, [says(2)], model="wide", window=7))
    path = tmp_path / "report.html"
    write_page([runs[0], wide], path, tables=[], figures=[], headline="accuracy", parsing="strict")
    page = watch(path, "#explorer?event=morning/6")
    facts = page.texts(".facts")
    assert facts[0].startswith("window of events 5 to 9")
    assert facts[1].startswith("window of events 0 to 6")
    assert len(page.texts("details.prompt")) == 2


def test_of_windows_that_overlap_the_one_that_answers_is_shown_whole(tmp_path: Path, watch: Watch) -> None:
    script = f"engine.path={gold_script(tmp_path / 'gold.jsonl', 'window=sliding')}"
    drawn = ("decoding.samples=3", "model.sampling.temperature=0.5")
    result, _ = done(tmp_path, script, "window=sliding", *drawn)
    path = tmp_path / "report.html"
    write_page([result], path, tables=[], figures=[], headline="accuracy", parsing="strict")
    rows = list(result.predictions())[:20]
    page = watch(path, f"#explorer?event={rows[8].session}/8")
    assert page.text("#window-title") == "Window 2 of the session"
    assert page.texts(".window tbody th") == [str(number) for number in range(5, 15)]
    assert page.text(".window tr.chosen th") == "8"
    elsewhere = ["answered in window 1"] * 3 + ["answered in window 3"] * 2
    assert page.texts(".window tbody .elsewhere") == elsewhere, "events 5 to 7, 13 and 14"
    assert page.text(".facts").startswith("window of events 5 to 14")
    assert page.texts(".card .text mark") == [f'{{"id": 8, "activity": {rows[8].gold[0]}}}']
    for number in (8, 12):
        page.go(f"#explorer?event={rows[number].session}/{number}")
        said = [option.partition(": ")[2].partition(".")[0] for option in page.texts(".card option")]
        assert said == [str(rows[number].gold[0])] * 3
    page.page.get_by_role("button", name="The next window").click()
    page.settled()
    assert page.text("#window-title") == "Window 3 of the session"


def test_the_passage_is_marked_and_in_sight(report: Path, watch: Watch) -> None:
    page = watch(report, "#explorer?event=evening/8&runs=0000000001")
    assert page.texts(".card .text mark") == ['Event 8 "bathroom door 8": activity 2.', '{"id": 8, "activity": 2}']
    assert "one passage speaks of event 8" in page.text(".card")
    seen = page.evaluate(
        "(() => { const box = document.querySelector('.card .text').getBoundingClientRect(),"
        " mark = document.querySelector('.card mark').getBoundingClientRect();"
        " return mark.top >= box.top && mark.bottom <= box.bottom; })()"
    )
    assert seen


def test_a_generation_that_never_names_the_event_is_said_to(report: Path, watch: Watch) -> None:
    page = watch(report, "#explorer?event=evening/8&runs=0000000003")
    assert "no passage names event 8" in page.text(".card")
    assert "There is no answer: the reasoning was never closed." in page.text(".card")
    assert "missed: truncated" in page.text(".card .verdict")


def test_several_generations_are_shown_by_what_they_say(report: Path, watch: Watch) -> None:
    page = watch(report, "#explorer?event=evening/8&runs=0000000004")
    options = page.texts(".card option")
    assert options == [f"generation {at}: {said}" for at, said in ((1, "1. sleeping"), (2, "3. eating"), (3, "3. eating"))]
    assert "activity 3" in page.text(".card .text")  # the first that says what was agreed on
    page.page.locator(".card select").select_option("0")
    assert "activity 1" in page.text(".card .text")


def test_the_prompt_is_there_to_be_opened_with_its_event_marked(report: Path, watch: Watch) -> None:
    page = watch(report, "#explorer?event=evening/8&runs=0000000001")
    page.page.get_by_text("what the model was sent").click()
    page.page.wait_for_selector(".prompt mark")
    assert "A long description of the home." in page.text(".prompt .text >> nth=1")
    assert page.texts(".prompt mark") == ['{"id": 8, "time": "19:04:00", "event": "bathroom door 8"}']


def test_who_is_said_to_have_caused_an_event_stands_behind_its_activity(tmp_path: Path, watch: Watch) -> None:
    """And is no other activity: a band does not end where the person changes."""
    answer = json.dumps([{"id": number, "activity": 2, "resident": 1 + number} for number in range(2)])
    run = make(tmp_path, Fabricated("run", {"day": events("a", "b")}, [writes(f"<think>\nSo.\n</think>\n\n{answer}")]))
    path = tmp_path / "report.html"
    write_page([run], path, tables=[], figures=[], headline="accuracy", parsing="strict")
    page = watch(path, "#explorer?event=day/1")
    assert page.texts(".card .verdict") == ["✓ 2. cooking, person 2 of the window – right"]
    assert [row.splitlines()[-1] for row in page.texts(".window tbody tr")] == [
        "2. cooking, person 1 of the window",
        "2. cooking, person 2 of the window",
    ]
    page.go("#days")
    page.page.locator("summary", has_text="This day as a table").first.click()
    page.page.locator(".timeline details tbody").first.wait_for()
    assert sum("2. cooking" in row and "gold" not in row for row in page.texts(".timeline details tbody tr")) == 1


def test_an_unlabelled_event_is_neither_right_nor_wrong(report: Path, watch: Watch) -> None:
    """Nor missed, whatever a model says of it; and no red line is below it in the timeline."""
    page = watch(report, "#explorer?event=morning/11&runs=0000000001,0000000003")
    assert page.texts(".card .verdict") == [
        "– 3. eating – unlabelled",
        "– missed: truncated – the generation was cut at its greatest length",
    ]
    assert page.text("#detail .links").startswith("Gold: unlabelled")
    assert [text for text in page.texts(".card .hint") if text.startswith("Not scored")] == [
        "Not scored: the event has no gold activity."
    ] * 2
    assert page.page.locator(".list .mark.unlabelled").count() == 2
    page = watch(report, "#timeline?session=morning&runs=0000000001")
    below = page.evaluate(
        """() => {
            const canvas = document.querySelector('canvas'), scale = canvas.width / canvas.clientWidth;
            const pen = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
            pen.drawImage(canvas, 0, 0);
            const below = (event) => pen.getImageData((event + 0.5) * 60 * scale, (20 + 34 + 25) * scale, 1, 1).data.join();
            return [below(11), below(7), below(2)];
        }"""
    )
    unlabelled, wrong, right = below
    assert unlabelled == right != wrong


def test_a_window_beyond_the_limit_is_said_to_be_excluded(report: Path, watch: Watch) -> None:
    page = watch(report, "#explorer?event=evening/200&runs=0000000002")
    assert "Excluded: window beyond limit." in page.text(".card .verdict")


def test_generations_that_a_page_leaves_out_are_said_to_be_elsewhere(
    tmp_path: Path, watch: Watch, runs: list[RunResult]
) -> None:
    report = tmp_path / "report.html"
    write_page(runs, report, tables=[], figures=[], headline="accuracy", parsing="strict", most_bytes=0)
    page = watch(report)
    assert "the prompts and generations of 63 of 63 windows are not in this page" in page.text("main")
    page.go("#explorer")
    assert "They are in windows.jsonl of its run directory, home-big-0000000001." in page.text(".card")


def test_what_a_run_directory_lacks_is_said(tmp_path: Path, watch: Watch) -> None:
    runs = [make(tmp_path, Fabricated(name, SESSIONS, [says(2)], model=name)) for name in ("scores", "events")]
    (runs[0].folder / "predictions.jsonl").unlink()
    (runs[1].folder / "windows.jsonl").unlink()
    report = tmp_path / "report.html"
    write_page(runs, report, tables=[], figures=[], headline="accuracy", parsing="strict")
    page = watch(report)
    notes = page.text(".notes >> nth=0")
    assert "scores: its run directory has no predictions.jsonl, so the page has only its scores." in notes
    assert (
        "events: its run directory has no windows.jsonl, so the page has its predictions, but none of its generations."
        in notes
    )
    page.go("#explorer")
    assert "This run does not have the event." in page.text(".card >> nth=0")
    assert "Its run directory had no windows.jsonl with its generations." in page.text(".card >> nth=1")
    page.go("#timeline")


def test_only_lines_in_sight_are_made(report: Path, watch: Watch) -> None:
    page = watch(report, "#explorer")
    assert 5 < page.page.locator(".line").count() < 60
    page.page.locator(".list").evaluate("(list) => { list.scrollTop = list.scrollHeight; }")
    page.settled()
    assert f"bathroom door {MANY - 1}" in page.text(".list .line >> nth=-1")


def test_the_explorer_is_worked_by_keyboard(report: Path, watch: Watch) -> None:
    page = watch(report)
    press = page.page.keyboard.press
    press("Tab")
    assert page.text(":focus") == "Skip to the content"
    press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.page.get_by_role("link", name="Explorer").focus()
    press("Enter")
    page.settled()
    for key in ("j", "j", "k"):
        press(key)
    page.settled()
    assert page.text("#detail h2") == "kitchen stove 1"
    page.page.locator(".list").focus()
    press("ArrowDown")
    press("End")
    page.settled()
    assert page.text("#detail h2") == f"bathroom door {MANY - 1}"
    assert (
        page.evaluate(
            "document.getElementById(document.querySelector('.list').getAttribute('aria-activedescendant')).ariaSelected"
        )
        == "true"
    )
    press("/")
    page.page.keyboard.type("jar")
    page.settled()
    assert page.page.get_by_label("Words or time").input_value() == "jar"


def test_the_timeline_is_worked_by_keyboard_and_by_mouse(report: Path, watch: Watch) -> None:
    page = watch(report, "#timeline?session=evening")
    bands = page.page.locator(".bands")
    bands.focus()
    for key in ("ArrowRight", "PageDown", "ArrowLeft"):
        page.page.keyboard.press(key)
    assert page.text(".readout b") == "Event 10"
    assert (
        "event 10, 19:05:00, bathroom door 10. Gold: 2. cooking. big: 2. cooking, right"
        in page.page.locator("#said").inner_text()
    )
    bands.evaluate("(box) => { box.scrollLeft = 0; }")
    bands.click(position={"x": 30, "y": 40})
    page.settled()
    assert page.texts("h1") == ["Explorer"]
    assert page.text("#detail h2") == "bathroom door 3"
    page.page.go_back()
    page.settled()
    page.page.get_by_text("This session as a table").click()
    page.page.wait_for_selector("details td")
    assert page.page.locator("details tbody tr").count() == 200
    page.page.get_by_role("button", name="later").click()
    assert page.page.locator("details tbody tr").count() == MANY - 200


def test_the_timeline_draws_gold_and_predictions(report: Path, watch: Watch) -> None:
    page = watch(report, "#timeline?session=morning&runs=0000000001,0000000003")
    colours = page.evaluate(
        """() => {
            const canvas = document.querySelector('canvas'), scale = canvas.width / canvas.clientWidth;
            const pen = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
            pen.drawImage(canvas, 0, 0);
            const at = (event, row) =>
                pen.getImageData((event + 0.5) * 60 * scale, (20 + row * 34 + 3) * scale, 1, 1).data.join();
            return [at(1, 0), at(4, 0), at(7, 0), at(2, 1), at(3, 1)];
        }"""
    )
    cooking, also_cooking, sleeping, predicted_cooking, predicted_eating = colours
    assert cooking == also_cooking == predicted_cooking
    assert len({cooking, sleeping, predicted_eating}) == 3


def test_by_the_clock_events_are_as_far_apart_as_their_times(tmp_path: Path, watch: Watch) -> None:
    """The last event is as long as the others on average: here from 00:00:20, over 40 of 160 seconds."""
    times = ["23:58:20", "23:58:20", "23:59:40", "00:00:20"]
    session = [one._replace(time=time) for one, time in zip(events(*"abcd"), times, strict=True)]
    run = make(tmp_path, Fabricated("run", {"night": session}, [says(1)]))
    path = tmp_path / "report.html"
    write_page([run], path, tables=[], figures=[], headline="accuracy", parsing="strict")
    page = watch(path, "#timeline")
    page.page.get_by_role("button", name="by the clock").click()
    page.settled()
    assert "axis=clock" in page.page.url
    golds = page.evaluate(
        """() => {
            const canvas = document.querySelector('canvas'), scale = canvas.width / canvas.clientWidth;
            const pen = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
            pen.drawImage(canvas, 0, 0);
            const wide = (canvas.clientWidth - 4) / 160; // of a second
            return [40, 79, 81, 119, 121, 159].map((second) =>
                pen.getImageData(second * wide * scale, 23 * scale, 1, 1).data.join());
        }"""
    )
    assert len(set(golds)) == 3 and golds[::2] == golds[1::2]
    bands = page.page.locator(".bands")
    bands.focus()
    page.page.keyboard.press("End")
    assert page.text(".readout b") == "Event 3"
    bands.click(position={"x": bands.evaluate("(box) => box.clientWidth") * 100 // 160, "y": 40})
    page.settled()
    assert page.text("#detail h2") == "c"


@pytest.mark.parametrize(
    ("offsets", "shown"), [(("+02:00", "+01:00"), "02:30:00 UTC+02:00"), (("+01:00", "+01:00"), "02:30:00")]
)
def test_of_an_hour_that_comes_twice_an_event_has_its_offset(
    tmp_path: Path, watch: Watch, offsets: tuple[str, str], shown: str
) -> None:
    twice = [
        one._replace(date="2026-10-25", time="02:30:00", utc_offset=offset)
        for one, offset in zip(events("a", "b"), offsets, strict=True)
    ]
    path = tmp_path / "report.html"
    run = make(tmp_path, Fabricated("run", {"night": twice}, [says(1)]))
    write_page([run], path, tables=[], figures=[], headline="accuracy", parsing="strict")
    assert f"Event 0 · 2026-10-25 {shown} · night" in watch(path, "#explorer").text("#detail")


@pytest.mark.parametrize(
    ("moments", "hours"),
    [
        (["19:00:00", "20:00:00", "08:30:00"], (1, 12.5)),  # midnight has passed
        (["2024-02-28 20:00:00", "2024-02-28 21:00:00", "2024-03-01 20:00:00"], (1, 47)),
    ],
)
def test_the_clock_goes_on_past_midnight_and_over_days(
    tmp_path: Path, watch: Watch, moments: list[str], hours: tuple[float, float]
) -> None:
    """The mouse finds the second and the third event where they begin; the last is as long as the others on average."""
    session = [
        one._replace(date=moment[:-9] or None, time=moment[-8:]) for one, moment in zip(events(*"abc"), moments, strict=True)
    ]
    path = tmp_path / "report.html"
    run = make(tmp_path, Fabricated("run", {"night": session}, [says(1)]))
    write_page([run], path, tables=[], figures=[], headline="accuracy", parsing="strict")
    page = watch(path, "#timeline?axis=clock")
    bands = page.page.locator(".bands")
    hour = (bands.evaluate("(box) => box.clientWidth") - 4) / (sum(hours) * 1.5)
    found = []
    for start in (hours[0], sum(hours)):
        for beside in (-3, 3):
            bands.hover(position={"x": start * hour + beside, "y": 40})
            found.append(page.text(".readout p"))
    assert found == [f"Event {number} · {moments[number]} · {'abc'[number]}" for number in (0, 1, 1, 2)]


def test_days_show_what_lasts_from_when_to_when(tmp_path: Path, watch: Watch) -> None:
    """An activity goes on past midnight; two residents' at a time overlap; and after 12 hours nobody knows."""
    moments = ["28 22:00:00", "28 23:00:00", "29 01:00:00", "29 02:00:00", "29 23:30:00"]
    gold = [(1,), (1, 2), (2,), (3,), (3,)]
    session = [
        one._replace(date=f"2012-02-{moment[:2]}", time=moment[3:])
        for one, moment in zip(events(*"abcde", gold=gold), moments, strict=True)
    ]
    path = tmp_path / "report.html"
    run = make(tmp_path, Fabricated("run", {"2012-02-28": session}, [says(1, 1, 2, 3, 3)], model="big"))
    write_page([run], path, tables=[], figures=[], headline="accuracy", parsing="strict")
    page = watch(path, "#days")
    assert [title.removesuffix(" event by event") for title in page.texts(".timeline h2")] == [
        "Tuesday 2012-02-28",
        "Wednesday 2012-02-29, 2012-02-28",
        "The usual week",
    ]
    page.page.locator("summary", has_text="This day as a table").first.click()
    page.page.locator("summary", has_text="This day as a table").last.click()
    page.page.locator(".timeline details tbody").nth(1).wait_for()
    rows = [" ".join(row.split()) for row in page.texts(".timeline details tbody tr")]
    assert rows == [
        "gold 22:00:00 24:00:00 1. sleeping",
        "gold 23:00:00 24:00:00 2. cooking",
        "big 22:00:00 24:00:00 1. sleeping",
        "gold 00:00:00 01:00:00 1. sleeping",
        "gold 00:00:00 02:00:00 2. cooking",
        "gold 02:00:00 14:00:00 3. eating",
        "gold 23:30:00 23:30:00 3. eating",
        "big 00:00:00 01:00:00 1. sleeping",
        "big 01:00:00 02:00:00 2. cooking",
        "big 02:00:00 14:00:00 3. eating",
        "big 23:30:00 23:30:00 3. eating",
    ]
    hours = [" ".join(row.split()) for row in page.texts(".week tbody tr")]
    assert hours == ["1. sleeping – 2.0 1.0 – – – –", "2. cooking – – 1.0 – – – –", "3. eating – – 12.0 – – – –"]
    page.page.locator(".week select").select_option("gold")
    page.settled()
    assert " ".join(page.texts(".week tbody tr")[1].split()) == "2. cooking – 1.0 2.0 – – – –"
    canvas = page.page.locator(".day canvas").last
    width = canvas.evaluate("(canvas) => canvas.clientWidth")
    canvas.click(position={"x": width * 1.5 / 24, "y": 30})
    page.settled()
    assert page.text("#detail h2") == "c"


def test_a_night_goes_on_in_the_session_of_the_next_day(tmp_path: Path, watch: Watch) -> None:
    """A recording that is cut into days has its nights, and each date is one day."""
    days = {"2012-02-28": ["23:10:00"], "2012-02-29": ["06:40:00", "08:00:00"]}
    sessions = {
        date: [one._replace(date=date, time=time) for one, time in zip(events(*times), times, strict=True)]
        for date, times in days.items()
    }
    path = tmp_path / "report.html"
    run = make(tmp_path, Fabricated("run", sessions, [says(1)], model="big"))
    write_page([run], path, tables=[], figures=[], headline="accuracy", parsing="strict")
    page = watch(path, "#days")
    titles = [title.removesuffix(" event by event") for title in page.texts(".timeline h2")]
    assert titles == ["Tuesday 2012-02-28", "Wednesday 2012-02-29", "The usual week"]
    page.page.locator(".week select").select_option("big")
    page.settled()
    assert " ".join(page.texts(".week tbody tr")[0].split()) == "1. sleeping – 0.8 8.0 – – – –"


def test_what_was_repaired_is_said_in_words_once_for_all_runs(tmp_path: Path, watch: Watch) -> None:
    row = Notice("home/labels.csv", 8, "label row twice", "is the same as a row above; left out")
    repairs = [row, row._replace(line=9), Notice("home/labels.csv", None, "odd <b>file</b>", "it is <b>odd</b>")]
    made = [make(tmp_path, Fabricated(name, {"s": events("a", "b")}, [says(1)])) for name in ("one", "two")]
    runs = [replace(run, data=replace(run.data, repairs=repairs)) for run in made]
    path = tmp_path / "report.html"
    write_page(runs, path, tables=[], figures=[], headline="accuracy", parsing="strict")
    found = [" ".join(note.split()) for note in watch(path).texts(".notes li")]
    said = [note for note in found if "repaired or noticed" in note]
    assert said == [
        "All runs: repaired or noticed in the whole dataset: home/labels.csv: it is <b>odd</b>.",
        "All runs: repaired or noticed in the whole dataset: 2 x label row twice, as in home/labels.csv:8: "
        "is the same as a row above; left out.",
    ]


def page_of_folds(tmp_path: Path, days: dict[str, list[str]]) -> Path:
    """A page of a run for each day, whose two events are at these times, as the folds of one model."""
    runs = [
        make(
            tmp_path,
            Fabricated(
                f"run-{fold}",
                {date: [one._replace(date=date, time=time) for one, time in zip(events("a", "b"), times, strict=True)]},
                [says(1)],
                model="big",
                fold=fold,
            ),
        )
        for fold, (date, times) in enumerate(days.items())
    ]
    path = tmp_path / "report.html"
    write_page(runs, path, tables=[], figures=[], headline="accuracy", parsing="strict")
    return path


def test_the_usual_week_is_that_of_all_folds_together(tmp_path: Path, watch: Watch) -> None:
    days = {"2012-02-28": ["08:00:00", "09:00:00"], "2012-02-29": ["08:00:00", "10:00:00"]}
    page = watch(page_of_folds(tmp_path, days), "#days")
    assert page.texts(".week select option") == ["big, 2 folds", "gold", "big, fold 0", "big, fold 1"]
    assert " ".join(page.texts(".week tbody tr")[0].split()) == "1. sleeping – 1.0 2.0 – – – –"
    page.page.locator(".week select").select_option("big, fold 1")
    page.settled()
    assert " ".join(page.texts(".week tbody tr")[0].split()) == "1. sleeping – – 2.0 – – – –"


def test_the_days_of_folds_are_in_order(tmp_path: Path, watch: Watch) -> None:
    days = {date: ["08:00:00", "09:00:00"] for date in ("2012-02-29", "2012-02-28", "2012-03-01")}
    page = watch(page_of_folds(tmp_path, days), "#days")
    assert [title.split()[1] for title in page.texts(".timeline h2")] == [*sorted(days), "usual"]
    chips = page.texts(".legend .chip")
    in_order = page_of_folds(tmp_path / "in order", dict(sorted(days.items())))
    assert chips and chips == watch(in_order, "#days").texts(".legend .chip")


def test_the_usual_week_of_one_fold_is_over_its_own_days(tmp_path: Path, watch: Watch) -> None:
    """An hour that is full of an activity on the only Tuesday of a fold was half empty, as the other fold has one too."""
    days = {date: ["08:00:00", "09:00:00"] for date in ("2012-02-28", "2012-03-06")}
    page = watch(page_of_folds(tmp_path, days), "#days")
    filled = """(canvas) => {
        const names = 92, rows = 7, high = 40, at = devicePixelRatio; // as in days.js
        const x = names + (8.5 / 24) * (canvas.clientWidth - names);
        const y = canvas.clientHeight - (rows - 1) * high + 30; // low in Tuesday's row
        return canvas.getContext("2d").getImageData(x * at, y * at, 1, 1).data[3] > 0;
    }"""
    for shown in ("big, 2 folds", "big, fold 0", "big, fold 1", "gold"):
        page.page.locator(".week select").select_option(shown)
        page.settled()
        assert page.page.locator(".week canvas").evaluate(filled), shown


def test_of_a_run_without_scores_nothing_is_called_wrong(tmp_path: Path, watch: Watch) -> None:
    path = tmp_path / "report.html"
    run = make(tmp_path, Fabricated("run", {"day": events("a", "b", gold=[(), ()])}, [says(1)]))
    write_page([run], path, tables=[], figures=[], headline="accuracy", parsing="strict")
    page = watch(path, "")
    assert page.text("h1") == "Days", "what is asked of such a run comes first"
    page.go("#overview")
    assert page.texts(".look a") == ["days"]
    words = ("wrong", "gold", "unlabelled", "score", "Confusion", "F1", "missed")
    for view in ("overview", "days", "timeline", "explorer"):
        page.go(f"#{view}")
        for folded in page.page.locator("main details").all():
            folded.evaluate("(one) => { one.open = true; }")
        page.settled()
        text = page.text("body").partition("Keyboard, and how")[0]
        assert [word for word in words if word.lower() in text.lower().replace("hatched: missed", "")] == [], view


@pytest.mark.parametrize("change", [{"time": "noon"}, {"date": "today"}])
def test_times_that_are_none_have_no_clock(tmp_path: Path, watch: Watch, change: dict[str, str]) -> None:
    session = [one._replace(**change) for one in events("a", "b")]
    path = tmp_path / "report.html"
    run = make(tmp_path, Fabricated("run", {"day": session}, [says(1)]))
    write_page([run], path, tables=[], figures=[], headline="accuracy", parsing="strict")
    page = watch(path, "#timeline?axis=clock")
    assert "there is no clock" in page.text("main .hint")
    assert "no event whose time can be read" in watch(path, "#days").text("main .hint")


def test_every_control_has_a_name_and_headings_do_not_skip(report: Path, watch: Watch) -> None:
    page = watch(report)
    for view in VIEWS:
        page.go(f"#{view}")
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('a, button, select, input, [tabindex="0"]')].filter((one) => !(
                one.textContent.trim() || one.ariaLabel || one.getAttribute('aria-labelledby') || one.labels?.length
            )).map((one) => one.outerHTML)"""
        )
        assert unnamed == []
        levels = page.evaluate(
            "[...document.querySelectorAll('main h1, main h2, main h3, main h4')].map((one) => Number(one.tagName[1]))"
        )
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_page_that_is_cut_off_says_so(report: Path, browser: Any, tmp_path: Path) -> None:
    torn = tmp_path / "torn.html"
    whole = report.read_bytes()
    torn.write_bytes(whole[: whole.index(b'id="generation-0"') + 100])
    page = browser.new_page()
    page.goto(torn.as_uri() + "#explorer")
    page.get_by_text("The page is damaged or cut off: its block generation-0 cannot be unpacked.").first.wait_for()
    page.close()
