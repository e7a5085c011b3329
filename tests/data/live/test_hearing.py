"""Which readings are events, as a recording of them has it; clocks that jump, sensors that nobody knows, a broken device."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unicodedata import normalize

import pytest

from har_llm.data.live.hearing import EARLIER, FLOOD, LATER, SET_BACK, UNKNOWN, UNUSABLE, WITHOUT_WORD, Hearing
from har_llm.data.live.home import LiveHome
from har_llm.data.live.reading import Reading
from har_llm.data.live.told_once import ToldOnce
from tests.data.datasets.own.homes import texts
from tests.data.live.homes import HEADER, HOME, home

MORNING = datetime(2026, 3, 2, 6, 0)
NOW = MORNING + timedelta(hours=1)
STATES = [
    ("binary_sensor.fridge", "off"),
    ("binary_sensor.fridge", "on"),
    ("binary_sensor.fridge", "on"),
    ("binary_sensor.fridge", "unavailable"),
    ("binary_sensor.fridge", "ON"),
    ("binary_sensor.fridge", "ajar"),
    ("sensor.power", "12"),
    ("sensor.power", "99.5"),
    ("sensor.power", "1200"),
    ("sensor.power", "much"),
    ("sensor.power", "1300"),
    ("sensor.power", "3"),
    ("sensor.battery", "80"),
    ("", "on"),
]


def reading(at: float, sensor: str, value: str | None) -> Reading:
    """Of so many seconds after MORNING."""
    when = MORNING + timedelta(seconds=at)
    return Reading((when, when), sensor, value)


class Heard:
    def __init__(self, home: LiveHome, most_per_minute: int = 60):
        self.said: list[str] = []
        self.hearing = Hearing(home, most_per_minute, ToldOnce(self.said.append))

    def events(self, readings: Iterable[tuple[float, str, str | None]], now: datetime = NOW) -> list[tuple[float, str]]:
        """Of (seconds after MORNING, sensor, value): when each event was, and its text."""
        heard = self.hearing.hear([reading(*one) for one in readings], (now, now))
        for one in heard:
            self.hearing.recall(one)  # as when it is on disk
        return [((one.clock - MORNING).total_seconds(), one.text) for one in heard if one.event]


def test_the_events_are_those_of_a_recording(tmp_path: Path) -> None:
    known = home(tmp_path)
    rows = [f"{sensor},{value},{MORNING + timedelta(seconds=at)}\n" for at, (sensor, value) in enumerate(STATES)]
    (tmp_path / "history.csv").write_text(HEADER + "".join(rows))
    found = Heard(known).events((at, *one) for at, one in enumerate(STATES))
    assert [(str(MORNING + timedelta(seconds=at)), text) for at, text in found] == texts(known.dataset)
    assert [text for _, text in found] == [
        "kitchen fridge door OPENED",
        "kitchen fridge door ajar",
        "kitchen cooker turned ON",
        "kitchen cooker turned OFF",
    ]


def test_a_value_is_the_same_however_its_accents_are_written(tmp_path: Path) -> None:
    described = HOME.replace('{"on": OPENED, "off": CLOSED}', "{ouvert: OPENED, fermé: CLOSED}", 1)
    heard = Heard(home(tmp_path, described=described))
    said = ["ouvert", *[normalize(form, "fermé") for form in ("NFD", "NFC", "NFD", "NFD")]]
    found = heard.events((10 * at, "binary_sensor.fridge", value) for at, value in enumerate(said))
    assert found == [(10, "kitchen fridge door CLOSED")]


def test_what_gets_this_machine_s_time_has_an_offset_only_if_the_others_have(tmp_path: Path) -> None:
    now = NOW, NOW.replace(tzinfo=UTC)
    far = datetime(2099, 1, 1)
    for clock, shown in ((far, NOW), (far.replace(tzinfo=UTC), now[1])):
        (heard,) = Heard(home(tmp_path)).hearing.hear([Reading((far, clock), "binary_sensor.bed", "on", state=False)], now)
        assert (heard.order, heard.clock, heard.clock.tzinfo) == (NOW, shown, shown.tzinfo)


@pytest.mark.parametrize(
    ("kind", "state", "events"),
    [
        ("events", None, [0, 1, 2, 3, 4]),
        ("events", True, [2, 4]),
        ("home_assistant", None, [2, 4]),
        ("home_assistant", False, [0, 1, 2, 3, 4]),
    ],
)
def test_a_source_that_knows_whether_it_tells_states_is_believed(
    tmp_path: Path, kind: str, state: bool | None, events: list[int]
) -> None:
    """Home Assistant publishes a state again whenever an attribute of it changes; a button says the same each time."""
    hearing = Heard(home(tmp_path, kind=kind)).hearing
    moments = [MORNING + timedelta(seconds=at) for at in range(5)]
    given = zip(moments, ("off", "off", "on", "on", "off"), strict=True)
    heard = hearing.hear([Reading((at, at), "binary_sensor.door", value, state) for at, value in given], (NOW, NOW))
    assert [moments.index(one.clock) for one in heard if one.event] == events


def test_a_clock_that_goes_back_gives_the_time_of_the_event_before(tmp_path: Path) -> None:
    heard = Heard(home(tmp_path))
    door = "binary_sensor.door"
    found = heard.events([(0, door, "off"), (50, door, "on"), (20, door, "off"), (60, door, "on"), (10, door, "off")])
    assert [at for at, _ in found] == [50, 50, 60, 60] and heard.hearing.counts[EARLIER] == 2
    assert len(heard.said) == 1 and "events count in the order in which they come" in heard.said[0]
    assert heard.events([(-9e5, "binary_sensor.bed", "on")]) == [] and heard.hearing.counts[EARLIER] == 2, (
        "a state, no event"
    )


def test_a_clock_of_this_machine_that_is_set_back_lets_time_go_on_from_there(tmp_path: Path) -> None:
    """Every event had the time of the last one before, until that time came again."""
    heard = Heard(home(tmp_path, "dataset.timezone=UTC"))
    door, bed, back = "binary_sensor.door", "binary_sensor.bed", MORNING + timedelta(minutes=10)
    heard.events([(0, door, "off"), (3590, door, "on"), (3600, bed, "off")])
    found = heard.events([(590, door, "off"), (595, bed, "on"), (550, door, "on")], back)
    assert [at for at, _ in found] == [590, 595, 595]
    assert heard.hearing.counts[SET_BACK] == heard.hearing.counts[EARLIER] == 1
    assert heard.said[0] == (
        "This machine's clock was set back: it shows 2026-03-02 06:10:00, and the event before had 2026-03-02 06:59:50. A "
        "new session begins."
    )


def test_a_clock_that_is_set_back_a_little_or_for_a_while_starts_nothing(tmp_path: Path) -> None:
    heard = Heard(home(tmp_path, "dataset.timezone=UTC"))
    door = "binary_sensor.door"
    heard.events([(0, door, "off"), (3590, door, "on")])
    assert heard.events([(3400, door, "off")], MORNING + timedelta(seconds=3400)) == [(3590, "hall door CLOSED")]
    wrong = MORNING - timedelta(days=900)  # of a board that has just started, and does not know the time yet
    assert heard.events([(3700, door, "on")], wrong) == [(3590, "hall door OPENED")], "the sensor's own clock is right"
    assert not heard.hearing.counts[SET_BACK]


def test_clocks_are_told_as_the_home_has_them(tmp_path: Path) -> None:
    heard = Heard(home(tmp_path))
    later, door = timedelta(hours=1), "binary_sensor.door"
    for at, value in ((0, "off"), (50, "on"), (20, "off")):
        when = MORNING + timedelta(seconds=at)
        heard.hearing.hear([Reading((when, when + later), door, value)], (NOW, NOW + later))
    assert "reports 2026-03-02 07:00:20, but the event before it 2026-03-02 07:00:50" in heard.said[0]


def test_a_clock_that_is_ahead_gives_this_machines_time_and_holds_nobody_up(tmp_path: Path) -> None:
    heard = Heard(home(tmp_path, "dataset.timezone=UTC"))
    door, bed = "binary_sensor.door", "binary_sensor.bed"
    found = heard.events([(0, bed, "off"), (0, door, "off"), (1e8, door, "on"), (3700, bed, "on"), (3800, door, "off")])
    assert [at for at, _ in found] == [3600, 3700, 3800] and heard.hearing.counts[LATER] == 1


def test_what_nobody_knows_is_counted_and_said_once(tmp_path: Path) -> None:
    heard = Heard(home(tmp_path))
    unknown = [(at, "light.attic", "on") for at in range(5)]
    assert heard.events([*unknown, (6, "door\x1b[2J", "on"), (7, "x" * 300, "on")]) == []
    assert heard.hearing.counts == {UNKNOWN: 5, UNUSABLE: 2}
    assert len(heard.said) == 2 and "history.home.yaml does not list the sensor 'light.attic'" in heard.said[0]


def test_a_value_without_a_word_is_told_as_it_is_counted_and_said_once_a_sensor(tmp_path: Path) -> None:
    heard = Heard(home(tmp_path))
    values = [(0, "door", "off"), (1, "door", "banana"), (2, "door", "ajar"), (3, "bed", "open"), (4, "bed", "unavailable")]
    found = heard.events([(at, f"binary_sensor.{name}", value) for at, name, value in values])
    assert found == [(1, "hall door banana"), (2, "hall door ajar")]
    assert heard.hearing.counts[WITHOUT_WORD] == 3 and len(heard.said) == 2
    assert "'binary_sensor.door' reports 'banana', for which " in heard.said[0]


def test_a_broken_device_hides_no_other_and_takes_no_memory(tmp_path: Path) -> None:
    heard = Heard(home(tmp_path), most_per_minute=10)
    flood = [(at / 1000, "binary_sensor.door", "on" if at % 2 else "off") for at in range(1000)]
    found = heard.events([(0, "binary_sensor.bed", "off"), *flood, (1, "binary_sensor.bed", "on")])
    assert len(found) == 11 and found[-1] == (1, "bedroom bed OCCUPIED")
    assert heard.hearing.counts[FLOOD] == 999 - 10 and len(heard.said) == 1
    assert heard.events([(61, "binary_sensor.door", "off")]) == [(61, "hall door CLOSED")], "a new minute"


def test_many_made_up_names_are_not_kept(tmp_path: Path) -> None:
    heard = Heard(home(tmp_path))
    heard.events((0, f"sensor.{number}", "on") for number in range(500))
    assert len(heard.said) == 5 and heard.said[-1].endswith("Further ones are only counted.")
    assert heard.hearing.counts[UNKNOWN] == 500


def test_what_was_heard_before_a_restart_is_known(tmp_path: Path) -> None:
    known = home(tmp_path)
    first, second = Heard(known), Heard(known)
    first.events([(0, "binary_sensor.door", "off"), (5, "binary_sensor.door", "on")])
    second.hearing.restore(first.hearing.state())
    again = [(5, "binary_sensor.door", "on"), (6, "binary_sensor.door", "off")]
    assert second.events(again) == [(6, "hall door CLOSED")], "what is delivered twice is no event"


@pytest.mark.parametrize("how", ["restored", "recalled"])
def test_a_home_whose_words_were_changed_meanwhile_has_no_event_of_that(tmp_path: Path, how: str) -> None:
    """What was heard before was remembered by its words, so the next state of each sensor was a change."""
    first = Heard(home(tmp_path))
    door, power = "binary_sensor.door", "sensor.power"
    given = [(0, door, "off"), (1, power, "3"), (2, door, "ON"), (3, power, "80")]
    heard = first.hearing.hear([reading(*one) for one in given], (NOW, NOW))
    for one in heard:
        first.hearing.recall(one)
    words = HOME.replace('{room: hall, name: door, states: {"on": OPENED,', '{room: lobby, name: door, states: {"on": WIDE,')
    second = Heard(home(tmp_path, described=words.replace('threshold: "100"', 'threshold: "50"')))
    if how == "restored":
        second.hearing.restore(json.loads(json.dumps(first.hearing.state())))
    for one in heard if how == "recalled" else ():
        second.hearing.recall(one)
    assert second.events([(2, door, "on"), (4, door, "on"), (5, power, "81")]) == []
    assert second.events([(6, door, "off"), (7, door, "on")]) == [(6, "lobby door CLOSED"), (7, "lobby door WIDE")]


def test_a_sensor_that_the_home_has_no_more_is_forgotten(tmp_path: Path) -> None:
    first = Heard(home(tmp_path))
    door = "binary_sensor.door"
    first.events([(0, door, "off"), (1, door, "on")])
    second = Heard(home(tmp_path, described="\n".join(line for line in HOME.splitlines() if door not in line)))
    second.hearing.restore(first.hearing.state())
    assert second.events([(2, door, "off")]) == [] and second.hearing.counts == {UNKNOWN: 1}
