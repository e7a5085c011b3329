"""Which passage of a text speaks of an event, tried in the browser that will do it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers import ROOT
from tests.scoring.test_mentions import CASES, EVENTS, IDS

pytestmark = pytest.mark.slow

ASSETS = ROOT / "har_llm" / "report" / "page" / "assets"
WINDOW = [
    {"id": 20, "time": "19:52:10", "text": "kitchen motion sensor turned ON"},
    {"id": 21, "time": "19:53:04", "text": "kitchen induction stove turned OFF"},
    {"id": 22, "time": "19:53:04", "text": "kitchen motion sensor turned ON"},
    {"id": 23, "time": "19:54:00", "text": "bathroom door OPENED"},
]


class Finder:
    def __init__(self, page: Any):
        self._page = page

    def passages(self, text: str, chosen: int = 1, window: Any = WINDOW) -> list[str]:
        found = self._page.evaluate("([text, window, at]) => findPassages(text, window, at)", [text, window, chosen])
        return [text[start:end] for start, end in found["passages"]]

    def certain(self, text: str, chosen: int, window: Any = WINDOW) -> bool:
        found = self._page.evaluate("([text, window, at]) => findPassages(text, window, at)", [text, window, chosen])
        return bool(found["certain"])

    def entries(self, answer: str, shown: int) -> list[str]:
        found = self._page.evaluate("([answer, id]) => findInAnswer(answer, id)", [answer, shown])
        return [answer[start:end] for start, end in found]


@pytest.fixture(scope="module")
def find(browser: Any) -> Iterator[Finder]:
    page = browser.new_page()
    page.add_script_tag(content=(ASSETS / "list.js").read_text() + (ASSETS / "passages.js").read_text())
    yield Finder(page)
    page.close()


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_the_page_takes_the_same_events_for_mentioned_as_the_parsing(find: Finder, text: str, expected: set[int]) -> None:
    window = [{"id": shown, "time": time, "text": text} for shown, (time, text) in zip(IDS, EVENTS, strict=True)]
    assert {IDS[place] for place in range(len(EVENTS)) if find.certain(text, place, window)} == expected


@pytest.mark.parametrize(
    "mention",
    [
        "Event 21 is next.",
        "event 21 is next.",
        "The event with id 21 is next.",
        "The one with ID: 21 is next.",
        'Look at {"id": 21} here.',
        "id=21 is next.",
        "Now #21 is next.",
        "Events 3, 21 and 22 go together.",
        "Events 19-24 go together.",
        "Events 20 through 22 go together.",
        'The "kitchen induction stove turned OFF" is next.',
        "Then Kitchen Induction Stove turned off.",
    ],
)
def test_a_sentence_that_names_the_event_is_found(find: Finder, mention: str) -> None:
    assert find.passages(f"Let me think. {mention}") == [mention]


@pytest.mark.parametrize(
    "text",
    [
        "Activity 21 is eating.",
        "21. eating",
        "Event 211 and event 121 and event 2.",
        "Event 20, then event 22.",
        "At 21:00:00 nothing.",
        "Events 22-30 go together.",
        "id 21:30",
        "Somebody is at home.",
        "",
    ],
)
def test_other_numbers_are_not_the_event(find: Finder, text: str) -> None:
    assert find.passages(text) == []


def test_a_passage_goes_on_to_the_end_of_its_paragraph(find: Finder) -> None:
    about = "Event 21 turns the stove off. That might mean that the person was cooking, maybe dinner. So activity 19."
    assert find.passages(f"First, the start.\n\n{about}\n\nAnd so on.") == [about]


def test_a_passage_ends_where_another_event_is_spoken_of(find: Finder) -> None:
    text = "Event 20 is motion. Event 21 is the stove. Cooking, then. Event 23 is the door. It is wide."
    assert find.passages(text) == ["Event 21 is the stove. Cooking, then."]
    assert find.passages(text, 3) == ["Event 23 is the door. It is wide."]


def test_a_heading_takes_what_it_announces_along(find: Finder) -> None:
    assert find.passages("**Event 21**\n\n- The stove is off.\n- Cooking is over.\n\nOther things.") == [
        "**Event 21**\n\n- The stove is off.\n- Cooking is over."
    ]


def test_a_line_for_each_event_is_one_passage(find: Finder) -> None:
    lines = [f'Event {event["id"]} "{event["text"]}" at 19h: cooking (2).' for event in WINDOW]
    for at, line in enumerate(lines):
        assert find.passages("\n".join(lines), at) == [line]


def test_every_passage_is_found(find: Finder) -> None:
    text = "Event 21 is cooking.\n\nNothing here.\n\nBack to event 21: yes, cooking."
    assert find.passages(text) == ["Event 21 is cooking.", "Back to event 21: yes, cooking."]


def test_words_that_events_share_are_uncertain(find: Finder) -> None:
    text = "There is motion: kitchen motion sensor turned ON. Then quiet."
    assert find.passages(text, 0) == [text]
    assert not find.certain(text, 0)
    assert find.certain("At 19:52:10 there is motion.", 0)
    assert not find.certain("At 19:53:04 there is motion.", 2)
    # With its id, only what is certain is marked.
    assert find.passages("kitchen motion sensor turned ON. Or so.\n\nEvent 22 is it.", 2) == ["Event 22 is it."]


def test_a_passage_does_not_split_a_character(find: Finder) -> None:
    text = "😀" * 300 + " event 21 " + "😀" * 2000
    start, end = find._page.evaluate(
        "([text, window]) => findPassages(text, window, 1).passages[0].map((at) => text.charCodeAt(at))", [text, WINDOW]
    )
    assert start == end == 0xD83D  # the first half of the pair


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ('[{"id": 2, "activity": 1}, {"id": 21, "activity": 3}]', ['{"id": 21, "activity": 3}']),
        ('[{"id": "21", "activity": 3}]', ['{"id": "21", "activity": 3}']),
        ('[{"activity": 3, "event_id": "Event 21"}]', ['{"activity": 3, "event_id": "Event 21"}']),
        ('{"id": 21, "act', ['{"id": 21, "act']),
        ('[{"id": 210, "activity": 21}]', []),
    ],
)
def test_the_entry_of_an_answer_is_found(find: Finder, answer: str, found: list[str]) -> None:
    assert find.entries(answer, 21) == found


def test_the_line_of_an_event_is_found_where_an_answer_has_a_line_an_event(find: Finder) -> None:
    assert find.entries("20. cooking\n21. eating\n- **Event 21:** cooking\n211. x\nAt 21 too", 21) == [
        "21. eating",
        "- **Event 21:** cooking",
    ]


@pytest.mark.parametrize(
    "piece",
    [
        "events 1 , , , , ",
        "{",
        '{"id": 21, ',
        "event 21 ",
        "events 1 and and ",
        "19:53:04",
        "\n",
        "!? ",
        "\t",
        "id",
        "x",
        "1-",
    ],
)
def test_a_megabyte_of_anything_takes_no_time(find: Finder, piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.monotonic()
    find.passages(text)
    find.entries(text, 21)
    assert time.monotonic() - started < 10


def test_what_is_found_is_json(find: Finder) -> None:
    assert json.dumps(find.passages("Event 21 \ud800.")) == '["Event 21 \\ud800."]'
