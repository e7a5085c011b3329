"""Whatever models and data say is shown as text: nothing of it runs, loads, hides or breaks the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.tables import Table
from har_llm.report.page.write import write_page
from tests.report.browser import Watched
from tests.report.page_runs import VIEWS, Event, Fabricated, events, make, writes

pytestmark = pytest.mark.slow

Watch = Callable[..., Watched]

MARKUP = (
    "<script>alert('script')</script>",
    "</script><script>alert('closed')</script>",
    "<!--<script>alert('comment')",
    "<img src=x onerror=alert('image')>",
    "<svg/onload=alert('svg')>",
    "<a href=\"javascript:alert('link')\">click</a>",
    "<iframe srcdoc=\"<script>parent.alert('frame')</script>\"></iframe>",
    "<style>*{display:none}</style>",
    "<base href=http://evil.invalid/>",
    "<form action=http://evil.invalid/><input name=index id=index>",
    "<link rel=stylesheet href=http://evil.invalid/a.css>",
    "<meta http-equiv=refresh content=0;url=http://evil.invalid/>",
    "</textarea></title></style></template></body></html>",
    "{{script}} ${alert(1)} $& $1 &lt;b&gt; &#60;",
    "http://evil.invalid/picture.png ![x](http://evil.invalid/y.png)",
    "__proto__ constructor",
)
EVERYTHING = " ".join(MARKUP)


def report_of(tmp_path: Path, **hostile: Any) -> Path:
    settings = {
        "sessions": {"s": events(*["kitchen stove"] * 6)},
        "models": [writes("<think>\nSo.\n</think>\n\n[]")],
        **hostile,
    }
    run = make(tmp_path, Fabricated("run", **settings))
    path = tmp_path / "report.html"
    write_page([run], path, tables=[], figures=[], headline="f1_weighted", parsing="lenient")
    return path


def test_what_a_model_writes_is_shown_as_it_is_written(tmp_path: Path, watch: Watch) -> None:
    def write(window: Sequence[Event]) -> str:
        text = MARKUP[window[0].id]
        return f'<think>\nEvent {window[0].id}: {text}\n</think>\n\n{text} [{{"id": {window[0].id}, "activity": 1}}]'

    path = report_of(tmp_path, models=[write], window=1, sessions={"s": events(*["kitchen stove"] * len(MARKUP))})
    page = watch(path)
    for number, text in enumerate(MARKUP):
        page.go(f"#explorer?event=s/{number}")
        assert page.texts(".card .text") == [f"Event {number}: {text}", f'{text} [{{"id": {number}, "activity": 1}}]']


def test_what_data_and_runs_are_called_is_shown_as_it_is_written(tmp_path: Path, watch: Watch) -> None:
    run = make(
        tmp_path,
        Fabricated(
            "run",
            {EVERYTHING: [event._replace(time="<b>19</b>", subjects=(EVERYTHING,)) for event in events(*[EVERYTHING] * 6)]},
            [writes('<think>\nSo.\n</think>\n\n[{"id": 0, "activity": 1}]')],
            dataset=EVERYTHING,
            activities={1: EVERYTHING, 2: "cooking", 3: "eating"},
            model=EVERYTHING,
            adapter=EVERYTHING,
        ),
    )
    path = tmp_path / "report.html"
    table = Table("t", EVERYTHING, ("", EVERYTHING), [[EVERYTHING, EVERYTHING]], [EVERYTHING])
    write_page([run], path, tables=[table], figures=[], headline="f1_weighted", parsing="lenient")
    page = watch(path)
    for view in VIEWS:
        page.go(f"#{view}")
        assert EVERYTHING in page.text("main")
        assert (
            page.evaluate("document.querySelectorAll('main :is(script, style, iframe, form, base, link, meta, img)').length")
            == 0
        )


def test_an_address_runs_nothing(tmp_path: Path, watch: Watch) -> None:
    path = report_of(tmp_path)
    for view in VIEWS:
        watch(
            path, f"#{view}?q=<img src=x onerror=alert(1)>&session=javascript:alert(1)&gold=</script>&event=s/0&__proto__=1"
        )


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("lone \ud800 and \udfff surrogates", "lone \\ud800 and \\udfff surrogates"),
        ("right \u202eto left\u202c again", "right \\u202eto left\\u202c again"),
        ("zero\u200bwidth \ufeffmark", "zero\\u200bwidth \\ufeffmark"),
        (
            "nul \x00 bell \x07 escape \x1b[31m delete \x7f next \x85.",
            "nul \\x00 bell \\x07 escape \\x1b[31m delete \\x7f next \\x85.",
        ),
        ("line\u2028separator", "line\\u2028separator"),
        ("return \r here", "return \\x0d here"),
        ("tag \U000e0041 private \ue000", "tag \\U000e0041 private \\ue000"),
        ("emoji 😀 日本 العربية ünïcode", "emoji 😀 日本 العربية ünïcode"),
        ("replaced \ufffd already", "replaced \ufffd already"),
    ],
)
def test_characters_that_hide_or_reorder_are_made_visible(tmp_path: Path, watch: Watch, text: str, seen: str) -> None:
    written = f"<think>\n{text}\n</think>\n\n{text}"
    page = watch(report_of(tmp_path, models=[writes(written)], model=text), "#explorer?event=s/0")
    assert page.texts(".card .text") == [seen, seen]
    assert page.text(".card h3") == seen


@pytest.mark.parametrize(
    "piece", ["x", "<script>", "word ", "Event 0. ", "\u202e", "\n", "{", '{"id": 0}', "😀"], ids=lambda piece: ascii(piece)
)
def test_a_megabyte_of_text_is_shown_without_waiting(tmp_path: Path, watch: Watch, piece: str) -> None:
    long = "Event 0 begins." + piece * (1_000_000 // len(piece)) + "The end."
    page = watch(report_of(tmp_path, models=[writes(f"<think>\n{long}\n</think>\n\n{long}")]), "#explorer?event=s/0")
    assert page.text(".card .text").startswith("Event 0 begins.")
    assert page.text(".card mark").startswith("Event 0 begins.")
    page.page.keyboard.press("j")
    page.settled()
    assert "Event 1 " in page.text("#detail")


def test_all_of_a_long_text_is_there_when_asked_for(tmp_path: Path, watch: Watch) -> None:
    long = "Long ago. " * 100_000 + "\n\nEvent 3 is the end."
    page = watch(report_of(tmp_path, models=[writes(f"<think>\n{long}\n</think>\n\n[]")]), "#explorer?event=s/3")
    assert page.text(".card mark") == "Event 3 is the end."  # though it stands a megabyte away from the beginning
    assert len(page.text(".card .text")) < 300_000
    page.page.get_by_role("button", name="show all 1,000,021 characters").click()
    assert page.evaluate("document.querySelector('.card .text').textContent") == long


def test_a_text_without_any_break_stays_in_its_column(tmp_path: Path, watch: Watch) -> None:
    word = "x" * 3000
    path = report_of(
        tmp_path, models=[writes(f"<think>\n{word}\n</think>\n\n{word}")], model=word, sessions={word: events(word)}
    )
    page = watch(path, viewport={"width": 360, "height": 740})
    for view in VIEWS:
        page.go(f"#{view}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, view
