"""Phone calls and locations as events of MARBLE: off by default, in order of time, and never saying whose they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError
from har_llm.common.notices import Notice
from har_llm.data.datasets.marble import Marble
from har_llm.data.datasets.marble_extras import EXTRA_EVENTS
from har_llm.data.prompts import SectionedPrompt
from har_llm.data.records import Event, Home
from har_llm.data.windows import FixedWindows
from tests.data.datasets.marble_files import (
    EVENT_ROWS,
    LABEL_ROWS,
    LOCATION_ROWS,
    LOCATIONS_HEADER,
    PHONE_HEADER,
    PHONE_ROWS,
    START,
    write,
    write_instance,
    write_subject,
)
from tests.helpers import load, only_fault, real_data

BOTH = list(EXTRA_EVENTS)


def marble(*extra_events: str, **changes: Any) -> Marble:
    """The shipped config, checked, without the counts of the real release: small releases differ from them."""
    dataset = load("dataset/marble", Marble, extra_events=list(extra_events), **changes)
    dataset.expected = {}
    dataset.check()
    return dataset


def events_of(data: Path, *extra_events: str) -> list[Event]:
    (session,) = marble(*extra_events).read(data).sessions
    return list(session.events)


def _in_words(event: Event) -> tuple[object, ...]:
    return (event.id, event.time, event.text, event.activities, event.subjects)


def told(events: Sequence[Event]) -> list[tuple[str, str]]:
    """What a model is told of the events, without their ids."""
    return [(event.time, event.text) for event in events]


def kinds(dataset: Marble, data: Path) -> list[tuple[int | None, str]]:
    return [(notice.line, notice.kind) for notice in dataset.read(data).repairs]


# On and off


def test_by_default_the_files_are_not_even_read(tmp_path: Path) -> None:
    folder = write_instance(tmp_path)
    for name in ("smartphone.csv", "locations.csv"):
        (folder / "subject-200" / name).write_bytes(b"\xff anything")
    assert load("dataset/marble", Marble).extra_events == []
    assert len(events_of(tmp_path)) == len(EVENT_ROWS)


def test_extra_events_take_their_place_in_time(tmp_path: Path) -> None:
    write_instance(tmp_path, phone=PHONE_ROWS, locations=LOCATION_ROWS)
    assert [_in_words(event) for event in events_of(tmp_path, *BOTH)] == [
        (0, "14:43:20", "hall somebody ENTERED", (14,), ("200",)),
        (1, "14:43:21", "kitchen pantry door OPENED", (14,), ("200",)),
        (2, "14:43:24", "kitchen somebody ENTERED", (14,), ("200",)),
        (3, "14:43:25", "kitchen pantry door CLOSED", (3,), ("200",)),
        (4, "14:43:27", "phone outgoing call STARTED", (3,), ("200",)),
        (5, "14:43:29", "kitchen stove turned ON", (3,), ("200",)),
        (6, "14:44:19", "phone outgoing call ENDED", (3,), ("200",)),
    ]
    assert not marble(*BOTH).read(tmp_path).repairs


@pytest.mark.parametrize(("kind", "words"), [("phone", "phone"), ("location", "somebody ENTERED")])
def test_each_kind_can_be_had_alone(tmp_path: Path, kind: str, words: str) -> None:
    write_instance(tmp_path, phone=PHONE_ROWS, locations=LOCATION_ROWS)
    events = events_of(tmp_path, kind)
    extra = [event for event in events if words in event.text]
    assert len(extra) == 2 and len(events) == 2 + len(EVENT_ROWS)
    assert [event.id for event in events] == list(range(5))


def test_both_kinds_of_calls_and_every_location_have_words(tmp_path: Path) -> None:
    phone = [f'{name},"{status}",{START + n}' for n, (name, status) in enumerate(
        [("S1", "ON"), ("S1", "OFF"), ("S2", "ON"), ("S2", "OFF")]
    )]  # fmt: skip
    places = ["HALL", "KITCHEN", "DINING_ROOM", "MEDICINE_AREA", "LIVING_ROOM", "OFFICE"]
    locations = [f"{START + 100 * n},{START + 100 * n + 99},{place}" for n, place in enumerate(places)]
    write_instance(tmp_path, phone=phone, locations=locations)
    assert [event.text for event in events_of(tmp_path, "phone")[:4]] == [
        "phone outgoing call STARTED",
        "phone outgoing call ENDED",
        "phone incoming call ANSWERED",
        "phone incoming call ENDED",
    ]
    rooms = [event.text.removesuffix(" somebody ENTERED") for event in events_of(tmp_path, "location")[:6]]
    assert rooms == list(marble().home.rooms)


def test_no_smartphone_csv_means_no_call(tmp_path: Path) -> None:
    write_instance(tmp_path, "A1a/instance1")
    write_instance(tmp_path, "A1a/instance2", phone=PHONE_ROWS)
    sessions = marble("phone").read(tmp_path).sessions
    assert [len(session.events) for session in sessions] == [3, 5]


def test_a_smartphone_csv_of_a_header_alone_means_no_call(tmp_path: Path) -> None:
    write_instance(tmp_path, phone=())
    assert len(events_of(tmp_path, "phone")) == 3 and kinds(marble("phone"), tmp_path) == []


def test_line_ends_and_quotes_do_not_matter(tmp_path: Path) -> None:
    folder = write_instance(tmp_path, phone=PHONE_ROWS, locations=LOCATION_ROWS)
    expected = events_of(tmp_path, *BOTH)
    for name in ("smartphone.csv", "locations.csv"):
        path = folder / "subject-200" / name
        rows = path.read_text().replace('"', "").split()
        path.write_text("\n".join(",".join(f'"{field}"' for field in row.split(",")) for row in rows))
    assert events_of(tmp_path, *BOTH) == expected


# Whose activity, and nobody's name


def two_subjects(data: Path, first: str, second: str) -> Path:
    """Two subjects do different things; every kind of event of both falls on the same milliseconds."""
    events = [f'R1,"ON",{START + 50},"{second}"', f'E2,"ON",{START + 50},"{first}"']
    cooking, eating = [f"{START},{START + 90},COOKING"], [f"{START},{START + 90},EATING"]
    phone = f'S1,"ON",{START + 50}', f'S2,"ON",{START + 50}'
    folder = write_instance(
        data, "A2a/instance1", events, cooking, first, phone=phone[:1], locations=[f"{START + 50},{START + 60},OFFICE"]
    )
    write_subject(folder, second, eating, phone=phone[1:], locations=[f"{START + 50},{START + 70},HALL"])
    return folder


def test_an_extra_event_has_the_activity_of_its_own_subject(tmp_path: Path) -> None:
    two_subjects(tmp_path, "200", "201")
    events = {event.text: (event.activities, event.subjects) for event in events_of(tmp_path, *BOTH)}
    assert events["office somebody ENTERED"] == events["phone outgoing call STARTED"] == ((3,), ("200",))
    assert events["hall somebody ENTERED"] == events["phone incoming call ANSWERED"] == ((4,), ("201",))


def test_ties_are_in_an_order_that_does_not_depend_on_who_it_is(tmp_path: Path) -> None:
    two_subjects(tmp_path / "a", "200", "201")
    two_subjects(tmp_path / "b", "201", "200")
    texts = [event.text for event in events_of(tmp_path / "a", *BOTH)]
    assert texts == [
        "hall somebody ENTERED",  # who comes in is there before anything is touched
        "office somebody ENTERED",
        "kitchen pantry door OPENED",  # sensors in the order of their file
        "living room television turned ON",
        "phone incoming call ANSWERED",
        "phone outgoing call STARTED",
    ]
    assert told(events_of(tmp_path / "b", *BOTH)) == told(events_of(tmp_path / "a", *BOTH))


BOTH_ON = marble(*BOTH)
PROMPT = load("prompt/embedded", SectionedPrompt)
times = st.lists(st.integers(0, 40), min_size=1, max_size=6, unique=True)


@settings(deadline=None, max_examples=40)
@given(times, times, st.sampled_from(["COOKING", "EATING", "TRANSITION"]), st.integers(100, 999), st.integers(0, 20))
def test_subject_and_activity_never_reach_what_a_model_is_told(
    tmp_path_factory: pytest.TempPathFactory, calls: list[int], moves: list[int], label: str, subject: int, begins: int
) -> None:
    """Nor whether an extra event has a label: those of the other subject begin later."""

    def prompts(folder: Path, name: str, act: str, begins: int) -> list[object]:
        places = ("HALL", "KITCHEN")
        locations = [f"{START + at},{START + at},{places[n % 2]}" for n, at in enumerate(sorted(moves))]
        phone = [f'S1,"ON",{START + at}' for at in sorted(calls)]
        events, labels = [f'R1,"ON",{START + 20},"{name}"'], [f"{START + begins},{START + 99},{act}"]
        write_instance(folder, events=events, labels=labels, subject=name, phone=phone, locations=locations)
        recordings = BOTH_ON.read(folder)
        renderer = PROMPT.renderer(recordings.home)
        return [
            renderer.render(window).messages for session in recordings.sessions for window in FixedWindows().cut(session)
        ]

    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    assert prompts(one, "20", "COOKING", 0) == prompts(other, str(subject), label, begins)


@pytest.mark.parametrize("null_class", ["label", "dropped"])
def test_an_extra_event_between_two_activities_is_kept_unlabelled_and_told(tmp_path: Path, null_class: str) -> None:
    """Gold must not decide what a model is shown. It is not of the null class either, so it stays when that is dropped."""
    labels = [f"{START},{START + 4999},TRANSITION", f"{START + 5000},{START + 10000},COOKING"]
    early, late = f"{START - 5},{START + 10},HALL", f"{START + 10001},{START + 10002},OFFICE"
    folder = write_instance(tmp_path, labels=labels, phone=[f'S1,"ON",{START + 10001}'], locations=[early, late])
    dataset = marble(*BOTH, null_class=null_class)
    recordings = dataset.read(tmp_path)
    extra = [event for event in recordings.sessions[0].events if "somebody" in event.text or "phone" in event.text]
    assert [(event.text, event.activities) for event in extra] == [
        ("hall somebody ENTERED", ()),
        ("office somebody ENTERED", ()),
        ("phone outgoing call STARTED", ()),
    ]
    assert recordings.dropped_events == ({"null class": 1} if null_class == "dropped" else {})
    assert [(Path(n.path).name, n.line, n.kind) for n in recordings.repairs] == [
        ("locations.csv", 2, "location event without an activity"),
        ("locations.csv", 3, "location event without an activity"),
        ("smartphone.csv", 2, "phone event without an activity"),
    ]
    assert f"subject-200/labels.csv has no activity at {START - 5}; kept, unlabelled" in recordings.repairs[0].message
    assert recordings.repairs[0].path == str(folder / "subject-200" / "locations.csv")


# Rows of locations


LOCATIONS: dict[str, tuple[list[str], list[str], list[tuple[int, str]]]] = {
    # rows, rooms entered in order, repairs
    "in disorder": (
        [f"{START + 50},{START + 59},OFFICE", f"{START},{START + 9},HALL"],
        ["hall", "office"], [(3, "location row out of order")],
    ),
    "twice": (
        [f"{START},{START + 9},HALL", f"{START},{START + 9},HALL"], ["hall"], [(3, "location row twice")]
    ),
    "ending before it starts": (
        [f"{START},{START + 9},HALL", f"{START + 50},{START + 40},OFFICE"], ["hall"], [(3, "location ends before it starts")]
    ),
    "going on": (
        [f"{START},{START + 9},HALL", f"{START + 10},{START + 19},HALL"], ["hall"], [(3, "location goes on")]
    ),
    "the same, one in the other": (
        [f"{START},{START + 9},HALL", f"{START},{START + 99},HALL", f"{START + 100},{START + 109},HALL"],
        ["hall"], [(3, "location goes on"), (4, "location goes on")],
    ),
    "left and entered again": (
        [f"{START},{START + 9},HALL", f"{START + 11},{START + 19},HALL"], ["hall", "hall"], []
    ),
    "sharing a millisecond": (
        [f"{START},{START + 9},HALL", f"{START + 9},{START + 19},OFFICE"], ["hall", "office"], []
    ),
    "overlapping": (
        [f"{START},{START + 9},HALL", f"{START + 8},{START + 19},OFFICE"], ["hall", "office"], [(3, "locations overlap")]
    ),
    "one inside another": (
        [f"{START},{START + 99},HALL", f"{START + 8},{START + 19},OFFICE", f"{START + 30},{START + 39},OFFICE",
         f"{START + 120},{START + 130},HALL"],
        ["hall", "office", "office", "hall"], [(3, "locations overlap"), (4, "locations overlap")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOCATIONS)
def test_rows_of_locations(tmp_path: Path, name: str) -> None:
    rows, rooms, repairs = LOCATIONS[name]
    write_instance(tmp_path, events=[f'R1,"ON",{START + 500},"200"'], locations=rows)
    recordings = marble("location").read(tmp_path)
    entered = [event.text.removesuffix(" somebody ENTERED") for event in recordings.sessions[0].events]
    assert entered == [*rooms, "kitchen pantry door OPENED"]
    assert [(notice.line, notice.kind) for notice in recordings.repairs] == repairs


def test_rows_of_calls_in_disorder_or_twice(tmp_path: Path) -> None:
    on, off = PHONE_ROWS
    write_instance(tmp_path, phone=[off, on, on, off])
    expected = [(3, "phone row out of order"), (4, "phone row twice"), (5, "phone row twice")]
    assert kinds(marble("phone"), tmp_path) == expected
    texts = [event.text for event in events_of(tmp_path, "phone") if "phone" in event.text]
    assert texts == ["phone outgoing call STARTED", "phone outgoing call ENDED"]


def test_two_locations_may_be_one_room(tmp_path: Path) -> None:
    write_instance(tmp_path, locations=[f"{START},{START + 9},KITCHEN", f"{START + 10},{START + 19},MEDICINE_AREA"])
    dataset = marble("location", locations={"MEDICINE_AREA": "kitchen"})
    assert kinds(dataset, tmp_path) == [(3, "location goes on")]


# Broken files


def one_fault(data: Path, *extra_events: str) -> Notice:
    return only_fault(marble(*extra_events), data)


CALL, PLACE = PHONE_ROWS[0], LOCATION_ROWS[0]
PHONE_FILE, LOCATIONS_FILE = "smartphone.csv", "locations.csv"
BAD_FILES: dict[str, tuple[str, str, list[str], int | None, str, str]] = {
    "unknown call": (PHONE_FILE, PHONE_HEADER, [CALL, CALL.replace("S1", "S3")], 3, "unknown phone event", "'S3'"),
    "unknown status": (PHONE_FILE, PHONE_HEADER, [CALL.replace("ON", "RINGING")], 2, "unknown status", "'RINGING'"),
    "no time of a call": (PHONE_FILE, PHONE_HEADER, ['S1,"ON",noon'], 2, "unreadable time", "ts is 'noon'"),
    "a field too few": (PHONE_FILE, PHONE_HEADER, ['S1,"ON"'], 2, "wrong number of fields", "2 fields"),
    "columns of sensors": (PHONE_FILE, "sensor_id,sensor_status,ts", [CALL], 1, "wrong header", PHONE_HEADER),
    "unknown location": (LOCATIONS_FILE, LOCATIONS_HEADER, [PLACE, PLACE.replace("HALL", "CELLAR")], 3, "unknown location",
                         "'CELLAR'; dataset.locations knows HALL, KITCHEN"),
    "no time of a location": (LOCATIONS_FILE, LOCATIONS_HEADER, [f"soon,{START},HALL"], 2, "unreadable time", "ts_start"),
    "seconds": (LOCATIONS_FILE, LOCATIONS_HEADER, [f"{START},1542203009,HALL"], 2, "unreadable time", "13 digits"),
    "a field too many": (LOCATIONS_FILE, LOCATIONS_HEADER, [f"{PLACE},200"], 2, "wrong number of fields", "4 fields"),
    "columns of labels": (LOCATIONS_FILE, "ts_start,ts_end,act", [PLACE], 1, "wrong header", LOCATIONS_HEADER),
    "two places at once": (LOCATIONS_FILE, LOCATIONS_HEADER, [PLACE, PLACE.replace("HALL", "OFFICE")], 3,
                           "contradicting locations", "one place at a time"),
    "nowhere": (LOCATIONS_FILE, LOCATIONS_HEADER, [], 1, "empty file", "no rows"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file(tmp_path: Path, name: str) -> None:
    file, header, rows, line, kind, words = BAD_FILES[name]
    folder = write_instance(tmp_path, phone=PHONE_ROWS, locations=LOCATION_ROWS)
    path = folder / "subject-200" / file
    write(path, header, rows)
    fault = one_fault(tmp_path, *BOTH)
    assert (fault.path, fault.line, fault.kind) == (str(path), line, kind)
    assert words in fault.message


def test_missing_locations_are_refused(tmp_path: Path) -> None:
    write_instance(tmp_path, "A1a/instance1", locations=LOCATION_ROWS)
    folder = write_instance(tmp_path, "A1a/instance2")
    fault = one_fault(tmp_path, "location")
    assert (fault.path, fault.kind) == (str(folder / "subject-200" / "locations.csv"), "missing file")
    assert "the release has it for every subject" in fault.message
    assert "leave location out of dataset.extra_events" in fault.message


@pytest.mark.parametrize("kind", EXTRA_EVENTS)
def test_a_copy_without_any_of_the_files_is_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    for number in range(1, 4):
        write_instance(tmp_path, f"A1a/instance{number}")
    fault = one_fault(tmp_path, kind)
    assert (fault.path, fault.line, fault.kind) == (str(tmp_path / "marble"), None, "missing file")
    assert f"asks for {kind}" in fault.message and f"leave {kind} out of dataset.extra_events" in fault.message


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (write_instance(tmp_path) / "subject-200" / "locations.csv").mkdir()
    assert one_fault(tmp_path, "location").kind == "unreadable"


def test_contradicting_labels_are_refused_here_too(tmp_path: Path) -> None:
    labels = [*LABEL_ROWS, f"{START + 7000},{START + 7000},EATING"]
    folder = write_instance(tmp_path, labels=labels, phone=PHONE_ROWS)
    fault = one_fault(tmp_path, "phone")
    assert (fault.path, fault.line) == (str(folder / "subject-200" / "smartphone.csv"), 2)
    assert fault.kind == "contradicting labels" and "activities 3 and 4" in fault.message


def test_broken_labels_are_told_once_and_not_for_every_event(tmp_path: Path) -> None:
    write_instance(tmp_path, labels=[f"{START},soon,COOKING"], phone=PHONE_ROWS, locations=LOCATION_ROWS)
    assert one_fault(tmp_path, *BOTH).kind == "unreadable time"


def test_every_fault_is_found_in_one_pass(tmp_path: Path) -> None:
    write_instance(tmp_path, phone=["S9,RING,noon", "x"], locations=["a,b,CELLAR", PLACE, PLACE.replace("HALL", "OFFICE")])
    assert Counter(fault.kind for fault in marble(*BOTH).faults(tmp_path)) == {
        "unknown phone event": 1,
        "unknown status": 1,
        "unreadable time": 3,
        "wrong number of fields": 1,
        "unknown location": 1,
        "contradicting locations": 1,
    }


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    data = tmp_path_factory.mktemp("any")
    folder = write_instance(data) / "subject-200"
    (folder / "smartphone.csv").write_bytes(f"{PHONE_HEADER}\r\n{CALL}\r\n".encode() + raw)
    (folder / "locations.csv").write_bytes(f"{LOCATIONS_HEADER}\r\n{PLACE}\r\n".encode() + raw)
    if not BOTH_ON.faults(data):
        BOTH_ON.read(data)


# What a prompt says of the home


def home(*extra_events: str) -> Home:
    return marble(*extra_events).build_home()


def test_the_home_speaks_of_phones_and_locations_only_while_they_are_on() -> None:
    shipped = load("dataset/marble", Marble).home.description
    assert home().description == shipped
    said = {kinds: home(*kinds).description for kinds in ((), ("phone",), ("location",), ("phone", "location"))}
    for asked, description in said.items():
        assert ("People carry their phones" in description) == ("phone" in asked)
        assert ("The PC, the telephone, the sink" in description) == ("phone" not in asked)
        assert ("somebody ENTERED a room" in description) == ("location" in asked)
        assert description.startswith("Doors and drawers report") and "\n\n" not in description
        assert description.count("the sink and the front door have no sensor.") == 1
    assert home("location", "phone") == home("phone", "location")


def test_everything_else_of_the_home_stays_as_it_is() -> None:
    plain, both = home(), home(*BOTH)
    assert (plain.rooms, plain.activities, plain.rules, plain.name) == (both.rooms, both.activities, both.rules, both.name)


def test_words_of_the_events_are_words_of_the_description() -> None:
    """A model can look up there what STARTED or ENTERED means."""
    dataset = marble(*BOTH)
    texts = [text for pair in dataset.phone_events.values() for text in pair] + [dataset.location_event]
    words = {word for text in texts for word in text.split() if word.isupper()}
    assert words == {"STARTED", "ENDED", "ANSWERED", "ENTERED"}
    assert all(word in dataset.build_home().description for word in words)


# The known counts


def test_known_counts_are_those_of_the_sensors(tmp_path: Path) -> None:
    write_instance(tmp_path, phone=PHONE_ROWS, locations=LOCATION_ROWS)
    dataset = marble(*BOTH)
    dataset.expected = {"sessions": 1, "events": 3}
    assert not dataset.read(tmp_path).repairs
    dataset.expected = {"sessions": 1, "events": 4}
    (notice,) = dataset.read(tmp_path).repairs
    assert "3 events read, the release is known to have 4 (those of environmental.csv; " in notice.message


def test_dropping_the_null_class_drops_extra_events_of_it_too(tmp_path: Path) -> None:
    write_instance(tmp_path, phone=PHONE_ROWS, locations=LOCATION_ROWS)
    recordings = marble(*BOTH, null_class="dropped").read(tmp_path)
    assert recordings.dropped_events == {"null class": 3}
    assert [event.id for event in recordings.sessions[0].events] == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", EXTRA_EVENTS)
def test_real_copies_without_the_files_are_refused_and_others_have_events(kind: str) -> None:
    data = real_data("marble")
    names = {"phone": "smartphone.csv", "location": "locations.csv"}
    dataset = marble(kind)
    if not any((data / "marble").glob(f"*/*/*/{names[kind]}")):
        assert [fault.kind for fault in dataset.faults(data)] == ["missing file"]
    else:
        assert sum(len(session.events) for session in dataset.read(data).sessions) > 1790


# Settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"extra_events": ["phones"]}, "dataset.extra_events has 'phones'; it may have phone, location."),
        ({"extra_events": ["phone", "phone"]}, "dataset.extra_events is ['phone', 'phone']; name each kind once."),
        ({"extra_descriptions": {"watch": {"text": "x"}}}, "dataset.extra_descriptions has 'watch'"),
        ({"phone_events": {"S1": ["STARTED"]}}, "dataset.phone_events.S1 is ['STARTED']; it must be [ON text, OFF text]"),
        ({"phone_events": {"S1": ["STARTED", " "]}}, "dataset.phone_events.S1 is ['STARTED', ' ']"),
        (
            {"locations": {"HALL": "corridor"}},
            "dataset.locations.HALL is 'corridor', which dataset.home.rooms does not list",
        ),
        ({"extra_events": ["location"], "location_event": ""}, "dataset.location_event is empty; dataset.extra_events has"),
        (
            {"extra_events": ["phone"], "home": {"description": "A flat."}},
            "dataset.extra_descriptions.phone.instead_of is 'The PC, the telephone, the sink and the front door have",
        ),
    ],
)
def test_wrong_setting_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load("dataset/marble", Marble, **changes).check()
    assert message in str(raised.value)


@pytest.mark.parametrize(("kind", "setting"), [("phone", "phone_events"), ("location", "locations")])
def test_empty_setting_is_refused_only_where_it_is_needed(kind: str, setting: str) -> None:
    dataset = marble()
    setattr(dataset, setting, {})
    dataset.check()
    dataset.extra_events = [kind]
    with pytest.raises(ConfigError, match=f"dataset.{setting} is empty"):
        dataset.check()


def test_a_description_of_ones_own_needs_no_words_about_extra_events_that_are_off() -> None:
    assert marble(home={"description": "A flat."}).build_home().description == "A flat."
    changes = {"phone": {"instead_of": ""}}
    described = marble("phone", home={"description": "A flat."}, extra_descriptions=changes).build_home().description
    assert described.startswith("A flat.\nThe PC, the sink")
