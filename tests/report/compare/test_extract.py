"""What is quoted of a reasoning for one event."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from har_llm.report.compare.extract import LONGEST, extract

TEXTS = ("hall lamp turned ON", "hall door OPENED", "stove turned OFF")
EVENTS = [(f"19:5{place}:00", text) for place, text in enumerate(TEXTS)]


def of(reasoning: str, place: int = 1) -> str:
    return extract(reasoning, range(len(EVENTS)), EVENTS, place)


def test_the_sentences_about_the_event_are_quoted_and_what_is_left_out_is_marked() -> None:
    reasoning = (
        "Let me think. Event 0 is a lamp. Event 1 is the door, so someone left. Perhaps to shop! Event 2 is cooking.\n\n"
        "Again the hall door OPENED. That is leaving.\n\nSo I answer."
    )
    assert of(reasoning) == (
        "[...] Event 1 is the door, so someone left. Perhaps to shop! [...] "
        "Again the hall door OPENED. That is leaving. [...]"
    )
    assert of(reasoning, 2) == "[...] Event 2 is cooking. [...]"


def test_a_reasoning_that_is_all_about_the_event_is_quoted_whole() -> None:
    assert of("At 19:51:00 the door opens.") == "At 19:51:00 the door opens."


def test_events_that_are_named_together_share_a_passage() -> None:
    assert of("Events 0 and 1 are leaving. Event 2 is not.") == "Events 0 and 1 are leaving. [...]"


def test_without_a_mention_nothing_is_quoted() -> None:
    assert of("") == of("Someone cooks.") == of("Event 2 is cooking.") == ""


def test_a_long_passage_ends_with_a_word() -> None:
    quoted = of("Event 1 opens " + "the door widely " * 100)
    assert quoted.removesuffix(" [...]").endswith((" the", " door", " widely")) and quoted.endswith(" [...]")
    assert len(quoted) < LONGEST


def test_of_a_long_reasoning_about_the_event_alone_the_beginning_is_quoted() -> None:
    said = " ".join(f"Event 1 is the door, thought number {number}." for number in range(50))
    quoted = of(said)
    assert said.startswith(quoted.removesuffix(" [...]")) and quoted.endswith(" [...]")
    assert LONGEST - 20 < len(quoted) <= LONGEST + 6


@given(st.lists(st.sampled_from(["Event 1", "hall door OPENED", "Event 2. ", ". ", "\n\n", "x" * 200, " so ", "19:51:00"])))
def test_no_extract_is_long_or_says_what_the_reasoning_does_not(pieces: list[str]) -> None:
    reasoning = "".join(pieces)
    quoted = of(reasoning)
    assert len(quoted) <= LONGEST + 100
    plain = " ".join(reasoning.split())
    assert all(" ".join(part.split()) in plain for part in quoted.split("[...]"))
