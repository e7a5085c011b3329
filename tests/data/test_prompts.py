from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.schema import component
from har_llm.config.read import read_experiment
from har_llm.data.datasets.marble import Marble
from har_llm.data.datasets.simulated import SimulatedHome
from har_llm.data.few_shot import example_windows
from har_llm.data.prompts import SectionedPrompt, VerbatimPrompt
from har_llm.data.records import Event, Moment, Prompt, Session, Window
from har_llm.data.rendering import events_json, events_lines
from har_llm.data.windows import FixedWindows
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import parse
from tests.composing import composed, experiment
from tests.helpers import clock, load, session_of, small_home

HOSTILE = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.sampled_from(
        ['a "quoted" lamp', "back\\slash", "two\nlines", "$events", "${rooms} $$", "cuisine été 厨房 🚪", "\u2028\0"]
    ),
)
TIMES = st.builds("{:02d}:{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
EVENTS = st.lists(st.tuples(TIMES, HOSTILE), min_size=1, max_size=35)
GOLD = st.lists(st.tuples(st.integers(1, 30), st.text(max_size=5)), min_size=35, max_size=35)


def session_with(events: list[tuple[str, str]], gold: list[tuple[int, str]]) -> Session:
    listed = [
        Event(number, clock(time), text, (activity,), (subject,))
        for number, ((time, text), (activity, subject)) in enumerate(zip(events, gold, strict=False))
    ]
    return Session("s1", "g", listed)


SHIPPED = ("reasoning", "step_by_step", "direct", "embedded", "few_shot")
WITHOUT_GOLD = st.sampled_from(SHIPPED[:-1])


def shipped_prompt(name: str, **changes: Any) -> SectionedPrompt:
    node = OmegaConf.to_container(composed(f"prompt={name}").prompt)
    prompt = component({**cast(dict[str, Any], node), **changes}, "prompt")
    assert isinstance(prompt, SectionedPrompt)
    return prompt


def rendered(session: Session, name: str = "embedded", **changes: Any) -> list[Prompt]:
    renderer = shipped_prompt(name, **changes).renderer(small_home())
    return [renderer.render(window) for window in FixedWindows().cut(session)]


def as_bytes(prompt: Prompt) -> bytes:
    return json.dumps([dict(message) for message in prompt.messages]).encode()


def events_in(prompt: Prompt) -> Any:
    """The events of the prompt's last message, which they end."""
    content = prompt.messages[-1]["content"]
    return json.loads(content[content.rindex("Events:\n") + len("Events:\n") :])


def test_a_definition_stands_behind_the_name_of_its_activity() -> None:
    renderer = load("prompt/embedded", SectionedPrompt).renderer(small_home(definitions={2: "also a glass of water"}))
    text = renderer.render(next(FixedWindows().cut(session_of(2)))).messages[-1]["content"]
    assert "\n1. cooking\n2. eating: also a glass of water\n3. " in text


# No leakage


@pytest.mark.slow
@given(EVENTS, GOLD, GOLD, WITHOUT_GOLD)
def test_gold_and_subjects_do_not_reach_a_prompt(
    events: list[tuple[str, str]], gold: list[tuple[int, str]], other: list[tuple[int, str]], name: str
) -> None:
    first, second = (rendered(session_with(events, one), name) for one in (gold, other))
    assert [as_bytes(prompt) for prompt in first] == [as_bytes(prompt) for prompt in second]


@pytest.mark.slow
@given(EVENTS, EVENTS, GOLD, WITHOUT_GOLD, st.data())
def test_events_outside_the_window_do_not_reach_a_prompt(
    events: list[tuple[str, str]],
    others: list[tuple[str, str]],
    gold: list[tuple[int, str]],
    name: str,
    data: st.DataObject,
) -> None:
    index = data.draw(st.integers(0, (len(events) - 1) // 10))
    changed = [
        event if number // 10 == index else others[number % len(others)] for number, event in enumerate(events)
    ] + others[: 0 if len(events) % 10 and index == len(events) // 10 else None]
    before, after = (rendered(session_with(one, gold), name) for one in (events, changed[:35]))
    assert as_bytes(before[index]) == as_bytes(after[index])


def test_an_event_of_the_window_does_reach_the_prompt() -> None:
    """The properties above would hold for prompts that say nothing."""
    session = session_of(10)
    changed = Session("s1", "g", [*session.events[:9], session.events[9]._replace(text="kitchen stove turned ON")])
    assert as_bytes(rendered(session)[0]) != as_bytes(rendered(changed)[0])


@pytest.mark.parametrize("home", ["simulated_flat", "simulated_house"])
def test_prompts_of_the_simulated_homes_name_no_resident(home: str) -> None:
    dataset = load(f"dataset/{home}", SimulatedHome)
    recordings = dataset.read(Path())
    renderer = load("prompt/embedded", SectionedPrompt).renderer(recordings.home)
    for window in FixedWindows().cut(recordings.sessions[0]):
        text = "\n".join(message["content"] for message in renderer.render(window).messages)
        assert not set(dataset.residents) & set(re.findall(r"\w+", text))


# Events


@pytest.mark.slow
@given(EVENTS, GOLD, st.sampled_from(["session", "window"]))
def test_events_parse_back(events: list[tuple[str, str]], gold: list[tuple[int, str]], event_ids: str) -> None:
    prompts = rendered(session_with(events, gold), event_ids=event_ids)
    shown = []
    for prompt in prompts:
        parsed = json.loads(events_json(prompt.window, prompt.ids))
        assert [event["id"] for event in parsed] == list(prompt.ids)
        assert all(list(event) == ["id", "time", "event"] for event in parsed)
        assert prompt.messages[-1]["content"].endswith(events_json(prompt.window, prompt.ids))
        shown += [(event["time"], event["event"]) for event in parsed]
    assert shown == events


def test_an_event_a_line_as_in_the_paper() -> None:
    event = Event(0, clock("08:14:28"), "kitchen induction stove wattmeter turned OFF", (1,), ("A",))
    assert events_json(Window("s", 0, (event,)), (0,)) == (
        '[\n{"id": 0, "time": "08:14:28", "event": "kitchen induction stove wattmeter turned OFF"}\n]'
    )


@pytest.mark.slow
@given(EVENTS, GOLD)
def test_a_line_an_event_whatever_its_text(events: list[tuple[str, str]], gold: list[tuple[int, str]]) -> None:
    window = Window("s", 0, tuple(session_with(events, gold).events))
    lines = events_lines(window, range(len(events))).splitlines()
    assert [line.partition(" ")[0] for line in lines] == [f"{shown}." for shown in range(len(events))]


@pytest.mark.parametrize(
    ("event_format", "line"),
    [
        ("json", '{"id": 0, "date": "Wednesday 2012-02-29", "time": "08:00:00", "event": "hall door OPENED"}'),
        ("lines", "0. Wednesday 2012-02-29 08:00:00 hall door OPENED"),
    ],
)
def test_events_may_have_their_dates_and_weekdays(event_format: str, line: str) -> None:
    moment = datetime(2012, 2, 29, 8)

    def shown(when: Moment, **changes: Any) -> str:
        session = Session("s", "g", [Event(0, when, "hall door OPENED", (1,), ())])
        (prompt,) = rendered(session, "direct", event_format=event_format, **changes)
        return prompt.messages[-1]["content"]

    assert line in shown(moment, show_date=True)
    assert "the weekday, the date (YYYY-MM-DD) and the time (HH:mm:ss)" in shown(moment, show_date=True)
    assert "Each has an id, a time (HH:mm:ss), and the room" in shown(moment)
    assert shown(moment) == shown(moment.time()), "byte for byte as without dates"
    with pytest.raises(ConfigError, match=r"prompt.show_date is true, but the events of s have no dates; set it to false"):
        shown(moment.time(), show_date=True)


@pytest.mark.parametrize(("event_ids", "ids"), [("session", range(10, 14)), ("window", range(4))])
def test_event_ids(event_ids: str, ids: range) -> None:
    prompt = rendered(session_of(14), event_ids=event_ids)[1]
    assert prompt.ids == tuple(ids)
    assert [event["id"] for event in events_in(prompt)] == list(ids)


# Sections


def test_static_text_comes_first_and_is_the_same_for_all_windows() -> None:
    prompts = rendered(session_of(35))
    before = {prompt.messages[-1]["content"].removesuffix(events_json(prompt.window, prompt.ids)) for prompt in prompts}
    assert len(prompts) == 4 and len(before) == 1
    assert len({prompt.messages[0]["content"] for prompt in prompts}) == 1
    assert [message["role"] for message in prompts[0].messages] == ["system", "user"]
    text = before.pop()
    for words in (
        "- kitchen: fridge, stove\n- hall\n",
        "1. cooking\n2. eating",
        "- Cooking needs the stove.",
        "A small home.",
    ):
        assert words in text


def test_a_section_with_nothing_to_say_is_left_out() -> None:
    template = load("prompt/embedded", SectionedPrompt)
    window = next(FixedWindows().cut(session_of(3)))
    full = template.renderer(small_home()).render(window).messages[-1]["content"]
    bare = template.renderer(small_home(rules=(), description="")).render(window).messages[-1]["content"]
    for heading in ("Rules:", "About the home:"):
        assert heading in full and heading not in bare
    assert "\n\n\n" not in bare


@pytest.mark.parametrize("nothing", [None, "", " \n"])
def test_a_section_may_be_taken_out(nothing: str | None) -> None:
    template = load("prompt/embedded", SectionedPrompt, sections={"rules": nothing, "task": nothing})
    template.check()
    window = next(FixedWindows().cut(session_of(3)))
    text = template.renderer(small_home()).render(window).messages[-1]["content"]
    assert text.startswith("Rooms of the home") and "Rules:" not in text and "\n\n\n" not in text


@pytest.mark.parametrize(("events", "end"), [("Pay $$$events", "Pay $"), ("été: $events", "été: "), ("$eventsé", "")])
def test_events_stand_where_the_template_says(events: str, end: str) -> None:
    template = load("prompt/embedded", SectionedPrompt, events=events)
    template.check()
    window = next(FixedWindows().cut(session_of(2)))
    assert f"\n\n{end}{BOTH}" in template.renderer(small_home()).render(window).messages[-1]["content"]


@pytest.mark.parametrize("name", ["description", "rooms", "activities", "rules"])
def test_words_of_a_home_are_never_taken_for_placeholders(name: str) -> None:
    values: dict[str, Any] = {
        "description": "costs $events or ${events}",
        "rooms": {"$events": ("${events}",)},
        "activities": {1: "$events"},
        "rules": ("$events $rooms",),
    }
    window = next(FixedWindows().cut(session_of(3)))
    prompt = load("prompt/embedded", SectionedPrompt).renderer(small_home(**{name: values[name]})).render(window)
    assert "$events" in prompt.messages[-1]["content"]
    assert len(events_in(prompt)) == 3
    assert prompt.messages[-1]["content"].count('"kitchen fridge 0"') == 2


def test_the_keys_of_an_answer_are_in_the_example_that_the_prompt_shows() -> None:
    window = next(FixedWindows().cut(session_of(2)))
    usual, papers = (
        load("prompt/embedded", SectionedPrompt, **changes).renderer(small_home()).render(window).messages[-1]["content"]
        for changes in ({}, {"answer_keys": {"id": "event", "activity": "predicted_activity"}})
    )
    assert '\n[{"id": 0, "activity": 1}, {"id": 1, "activity": 1}]\n' in usual
    assert '\n[{"event": 0, "predicted_activity": 1}, {"event": 1, "predicted_activity": 1}]\n' in papers
    assert '"activity"' not in papers and '{"id": 0, "time": ' in papers, "the events of the input keep their keys"


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_prompts_of_marble(name: str) -> None:
    home = load("dataset/marble", Marble).build_home()
    shown = [Window(f"t{session}", 0, tuple(session_of(2).events)) for session in range(4)]
    text = shipped_prompt(name).renderer(home, shown).render(Window("s", 0, ())).messages[-1]["content"]
    listed = ("- medicine area: medicines cabinet\n", "- hall\n", " preparing cold meal\n", "Rules:\n- Cooking needs")
    of_its_makers = (" eating: also just drinking a glass of water\n", "acted at any time of the day")
    for words in (*listed, *of_its_makers):
        assert words in text
    assert "$" not in text and ("<activity>" in text) == (name != "embedded")


def test_a_users_own_file_is_a_prompt() -> None:
    load("prompt/verbatim", VerbatimPrompt, path="my.txt").check()


@pytest.mark.parametrize(
    ("choices", "name"),
    [
        ((), "embedded"),
        (("model=tiny_student", "lora=distilled_tiny"), "embedded"),
        (("model=qwen3_0.6b",), "reasoning"),
        (("model=qwen3_0.6b", "model.thinking=false"), "direct"),
        (("model=qwen3_0.6b", "model.prompt=step_by_step"), "step_by_step"),
        (("model=qwen3_0.6b", "prompt=few_shot"), "few_shot"),
    ],
)
def test_auto_chooses_by_the_model_and_is_not_recorded_itself(choices: tuple[str, ...], name: str) -> None:
    made = experiment(*choices)
    assert made.prompt.name == name == made.source["prompt"]["name"]
    assert read_experiment(OmegaConf.create(made.source)).prompt == made.prompt


def test_the_embedded_models_get_the_text_that_they_were_trained_on() -> None:
    """Recorded before there was any other prompt; another text makes them worse."""
    home = load("dataset/simulated_flat", SimulatedHome).read(Path())
    prompt = load("prompt/embedded", SectionedPrompt).renderer(home.home).render(next(FixedWindows().cut(home.sessions[0])))
    assert hashlib.sha256(as_bytes(prompt)).hexdigest()[:16] == "a0adcbf584a5dec2"


# The form of an answer


WINDOW = next(FixedWindows().cut(session_of(3)))


def asked(name: str, **changes: Any) -> str:
    """What stands behind the rules."""
    prompt = shipped_prompt(name, **changes)
    prompt.check()
    return prompt.renderer(small_home()).render(WINDOW).messages[-1]["content"].partition("Rules:")[2]


def test_an_answer_is_asked_for_by_name_with_blanks_in_the_example_and_the_plain_ids() -> None:
    lines = asked("direct")
    assert "\n0. <activity>\n1. <activity>\n" in lines and lines.endswith("\nAnswer for the ids 0, 1, 2.")
    assert "\n2. 08:00:02 kitchen fridge 0\n" in lines and "name of its activity" in lines
    keys = {"id": "event", "activity": "predicted_activity"}
    listed = asked("direct", answer_format="json", event_format="json", answer_keys=keys)
    assert '\n[{"event": 0, "predicted_activity": "<activity>"}, {"event": 1, ' in listed
    assert 'the "event" of the event and the name of its "predicted_activity"' in listed
    assert "Answer:\n" not in lines
    assert "\nEvent 1: <one sentence about it>\nAnswer:\n0. <activity>\n1. <activity>\n" in asked("step_by_step")


def test_who_caused_an_event_is_asked_for_only_on_demand() -> None:
    assert "who caused" not in asked("reasoning")
    text = asked("reasoning", answer_keys={"resident": "who"})
    assert 'who caused each event, in "who": a number' in text
    assert '[{"id": 0, "activity": "<activity>", "who": "<number>"}, ' in text


def test_an_echo_of_a_prompt_is_no_answer() -> None:
    """Neither its activities nor its example nor its events."""
    prompt = shipped_prompt("direct")
    text = prompt.renderer(small_home()).render(WINDOW).messages[-1]["content"]
    read = parse(text, "stop", Asked((0, 1, 2), Labels(small_home().activities), prompt.form), thinking=False)
    assert [one.activity for one in (*read.strict, *read.lenient)] == [None] * 6


# Few-shot


def few_shot(training: list[Session], window: Window = WINDOW, **changes: Any) -> Prompt:
    prompt = shipped_prompt("few_shot", examples=2, **changes)
    prompt.check()
    windows = (one for session in training for one in FixedWindows(events=3).cut(session))
    shown = example_windows(windows, prompt.examples, prompt.examples_seed, spare=True)
    return prompt.renderer(small_home(), shown).render(window)


def recorded(name: str, gold: int = 1, room: str = "hall", length: int = 7) -> Session:
    return Session(
        name, "g", [Event(at, clock(f"09:00:0{at}"), f"{room} door {at}", (gold,), ("A",)) for at in range(length)]
    )


TRAINING = [recorded(name, gold) for name, gold in (("a", 1), ("b", 2), ("c", 3), ("d", 2))]


def test_examples_are_training_windows_with_their_gold_activities() -> None:
    prompt = few_shot(TRAINING)
    text = prompt.messages[-1]["content"]
    assert len(prompt.examples) == 2 and text.count("Events:\n") == 3
    first = next(session for session in TRAINING if prompt.examples[0].startswith(session.id))
    start = 3 * int(prompt.examples[0].partition("#")[2])
    gold = small_home().activities[first.events[0].activities[0]]
    assert f"\n{start}. 09:00:0{start} hall door {start}\n" in text and f"\n{start}. {gold}\n" in text
    assert len({few_shot(TRAINING, examples_seed=seed).examples for seed in range(9)}) > 1
    assert few_shot(TRAINING).messages == prompt.messages


def test_gold_reaches_a_prompt_from_other_training_sessions_only() -> None:
    prompt = few_shot(TRAINING)
    own = Window("s", 0, tuple(event._replace(activities=(3,), subjects=("B",)) for event in WINDOW.events))
    assert as_bytes(few_shot(TRAINING, own)) == as_bytes(prompt), "neither the window's own"
    of_shown = TRAINING["abcd".index(prompt.examples[0][0])]
    asked_of_it = few_shot(TRAINING, next(FixedWindows(events=3).cut(of_shown)))
    assert not any(example.startswith(of_shown.id) for example in asked_of_it.examples), "nor its session's"
    assert len(asked_of_it.examples) == 2
    changed = [Session(one.id, "g", [event._replace(activities=(3,)) for event in one.events]) for one in TRAINING]
    assert as_bytes(few_shot(changed)) != as_bytes(prompt), "the property above would hold for prompts without examples"


def test_examples_have_gold_for_every_event_and_are_not_shorter_than_others() -> None:
    unlabelled = Session("e", "g", [event._replace(activities=()) for event in TRAINING[0].events])
    with pytest.raises(ConfigError, match=r"needs 3 training sessions with a window of 3 events .* but there are 2"):
        few_shot([*TRAINING[:2], unlabelled, recorded("f", length=2)])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sections": {"task": "Look at $windows"}}, "prompt.sections.task uses $windows"),
        ({"sections": {"task": "Look at $events"}}, "prompt.sections.task uses $events"),
        ({"sections": {"task": "It costs 5 $."}}, "prompt.sections.task has a lone $"),
        ({"system": "You know $gold"}, "prompt.system uses $gold"),
        ({"events": "$events $gold"}, "prompt.events uses $gold"),
        ({"events": "Events:"}, "prompt.events has no $events"),
        ({"events": "$events and $events"}, "prompt.events has $events 2 times; it must have it once"),
        ({"events": "Costs $$events"}, "prompt.events has no $events"),
        ({"sections": {"task": "Answer with $answer"}}, "prompt.answers has no json, but $answer stands in the prompt"),
        ({"answers": {"table": "x"}}, "a key of prompt.answers is 'table'; it must be one of json, lines"),
        ({"event_format": "table"}, "prompt.event_format is 'table'; it must be one of json, lines"),
        ({"event_ids": "global"}, "prompt.event_ids is 'global'"),
    ],
)
def test_wrong_setting_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load("prompt/embedded", SectionedPrompt, **changes).check()
    assert words in str(raised.value)


# A user's own file


def verbatim(path: Path, text: str, system: str = "") -> str:
    path.write_bytes(text.encode())
    prompt = VerbatimPrompt(path=str(path), system=system)
    prompt.check()
    window = next(FixedWindows().cut(session_of(2)))
    messages = prompt.renderer(small_home()).render(window).messages
    assert [message["content"] for message in messages[:-1]] == ([system] if system else [])
    return messages[-1]["content"]


BOTH = """[
{"id": 0, "time": "08:00:00", "event": "kitchen fridge 0"},
{"id": 1, "time": "08:00:01", "event": "kitchen fridge 1"}
]"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Before\n$events\nafter", f"Before\n{BOTH}\nafter"),
        ("Before\n${events}after", f"Before\n{BOTH}after"),
        ("Nothing named\n", f"Nothing named\n\n{BOTH}"),
        ("Nothing named\r\n", f"Nothing named\n\n{BOTH}"),
        ("\ufeffA mark\r\nand\r\nends\n$events\r\nafter", f"A mark\nand\nends\n{BOTH}\nafter"),
        ("Costs 5$, $unknown {json} %s $events", f"Costs 5$, $unknown {{json}} %s {BOTH}"),
        ("Labels:\n$activities\n$events", f"Labels:\n1. cooking\n2. eating\n3. nothing in particular\n{BOTH}"),
    ],
)
def test_verbatim_file(tmp_path: Path, text: str, expected: str) -> None:
    assert verbatim(tmp_path / "my.txt", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Costs 5 $$\n$events", f"Costs 5 $$\n{BOTH}"),
        ("See $events_json\n$events", f"See $events_json\n{BOTH}"),
    ],
)
def test_verbatim_file_keeps_every_other_dollar(tmp_path: Path, text: str, expected: str) -> None:
    assert verbatim(tmp_path / "my.txt", text) == expected


def test_verbatim_file_with_words_of_sections_is_refused(tmp_path: Path) -> None:
    assert "- cooking\n- eating\n" in verbatim(tmp_path / "my.txt", "$names\n$events")
    with pytest.raises(ConfigError, match=r"whose text has \$answer, which only the sections of conf/prompt have"):
        verbatim(tmp_path / "my.txt", "Answer with ${answer}.\n$events")


@pytest.mark.parametrize(
    ("text", "told"), [("{events}", r"has \{events\}; write \$events"), (" \n", "which is empty; write what")]
)
def test_verbatim_file_of_a_slip_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        verbatim(tmp_path / "my.txt", text)


def test_verbatim_system_message(tmp_path: Path) -> None:
    assert verbatim(tmp_path / "my.txt", "$events", system="Be brief.") == BOTH


def test_verbatim_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"prompt\.path is not set"):
        load("prompt/verbatim", VerbatimPrompt).check()
    with pytest.raises(MissingError, match="does not exist"):
        VerbatimPrompt(path=str(tmp_path / "none.txt")).renderer(small_home())
    for path in ("~nobody_here/my.txt", "a\0b"):
        with pytest.raises(MissingError, match=r"prompt\.path is '(~nobody_here|a.x00b)"):
            VerbatimPrompt(path=path).renderer(small_home())
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 $events")
    with pytest.raises(MissingError, match="cannot be read as UTF-8"):
        VerbatimPrompt(path=str(tmp_path / "latin.txt")).renderer(small_home())
