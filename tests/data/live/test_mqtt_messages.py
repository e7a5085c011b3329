"""What MQTT messages mean: those of Home Assistant's mqtt_statestream, those of Zigbee2MQTT, and anything else."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.own.times import Times, zone_of
from har_llm.data.live.mqtt import WatchedMqtt
from har_llm.data.live.mqtt_messages import Malformed, Messages, NoState
from har_llm.data.live.reading import Reading

PLAIN = WatchedMqtt(name="mqtt", zigbee2mqtt="zigbee2mqtt", publish_timestamps=False)
STAMPED = replace(PLAIN, publish_timestamps=True)


def messages(given: WatchedMqtt = PLAIN) -> Messages:
    return Messages(given, Times(zone_of("Europe/Paris"), utc=True))


def found(asked: Messages, topic: str, payload: str | bytes) -> list[tuple[str, str | None]]:
    content = payload if isinstance(payload, bytes) else payload.encode()
    return [(one.sensor, one.value) for one in asked.read(topic, content, topic, retained=False).readings]


def test_a_state_of_home_assistant_is_a_reading_of_its_entity_now() -> None:
    (reading,) = messages().read("statestream/binary_sensor/fridge/state", b"on", None, retained=False).readings
    assert (reading.sensor, reading.value) == ("binary_sensor.fridge", "on")
    assert abs(reading.when[0] - datetime.now(UTC).replace(tzinfo=None)) < timedelta(seconds=60)
    assert found(messages(), "elsewhere/binary_sensor/fridge/state", "on") == []


def test_a_state_waits_for_the_time_that_is_published_behind_it() -> None:
    asked, base = messages(STAMPED), "statestream/binary_sensor"
    assert asked.read(f"{base}/fridge/state", b"on", 1, retained=False) == ([], [])
    assert asked.read(f"{base}/door/state", b"off", 2, retained=False) == ([], [])
    read = asked.read(f"{base}/fridge/last_changed", b"2026-03-02T06:10:00.250000+00:00", 3, retained=False)
    when = datetime(2026, 3, 2, 6, 10, 0, 250000)
    in_paris = datetime.fromisoformat("2026-03-02T07:10:00.250000+01:00")
    assert read.readings == [Reading((when, in_paris), "binary_sensor.fridge", "on", state=True)]
    assert read.messages == [1, 3], "both are acknowledged with it"
    read = asked.read(f"{base}/door/state", b"on", 4, retained=False)
    assert [(one.value) for one in read.readings] == ["off"] and read.messages == [2], "one that no time followed"


def test_a_state_whose_time_does_not_come_is_given_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = messages(STAMPED)
    asked.read("statestream/binary_sensor/fridge/state", b"on", 1, retained=False)
    assert asked.overdue() == ([], [])
    monkeypatch.setattr("har_llm.data.live.mqtt_messages.HOLD_S", -1.0)
    assert [one.value for one in asked.overdue().readings] == ["on"] and asked.overdue() == ([], [])


def test_each_property_of_a_device_of_zigbee2mqtt_is_a_sensor() -> None:
    said = '{"contact": false, "battery": 97.5, "action": "single", "update": {"state": "idle"}, "last_seen": 1772431800000}'
    read = messages().read("zigbee2mqtt/hall/door", said.encode(), None, retained=False).readings
    assert [(one.sensor, one.value) for one in read] == [
        ("hall/door_contact", "false"),
        ("hall/door_battery", "97.5"),
        ("hall/door_action", "single"),
    ]
    assert {one.when[0] for one in read} == {datetime(2026, 3, 2, 6, 10)}
    for topic in ("bridge/state", "hall/door/availability", "hall/door/set"):
        assert found(messages(), f"zigbee2mqtt/{topic}", "online") == []


def test_a_state_says_how_a_sensor_is_and_an_action_what_happens() -> None:
    (door,) = messages().read("statestream/binary_sensor/fridge/state", b"on", None, retained=True).readings
    assert door.state, "only a change is an event, also where a recording's rows are all events"
    said = b'{"contact": false, "action": "single"}'
    read = messages().read("zigbee2mqtt/door", said, None, retained=False).readings
    assert [(one.sensor, one.state) for one in read] == [("door_contact", True), ("door_action", False)]
    kept = messages().read("zigbee2mqtt/door", said, None, retained=True).readings
    assert [one.sensor for one in kept] == ["door_contact"], "what the broker has kept does not happen now"


@pytest.mark.parametrize("attribute", ["device_class", "brightness", "last_updated"])
def test_an_attribute_is_no_state_also_where_devices_are_listened_to_in_the_same_place(attribute: str) -> None:
    asked = messages(replace(PLAIN, statestream="home/ha", zigbee2mqtt="home"))
    assert found(asked, "home/ha/light/lamp/state", "on") == [("light.lamp", "on")]
    assert found(asked, "home/lamp", '{"state": "ON"}') == [("lamp_state", "ON")]
    with pytest.raises(NoState, match=f"'light.lamp' has its attribute '{attribute}'"):
        found(asked, f"home/ha/light/lamp/{attribute}", '{"r": 1}')


@pytest.mark.parametrize(
    ("topic", "payload", "told"),
    [
        ("zigbee2mqtt/door", b"{", "a message of 'door' is no JSON"),
        ("zigbee2mqtt/door", b"[" * 5000, "is no JSON"),
        ("zigbee2mqtt/door", b"[1]", "is no object of at most 100 properties"),
        ("zigbee2mqtt/door", b" " * 70_000, "has 70,000 bytes"),
        ("statestream/binary_sensor/door/state", b"\xff", "a state is no text in UTF-8"),
        ("statestream/binary_sensor/door/state", b"x" * 2000, "a state has 2,000 bytes"),
    ],
)
def test_what_cannot_be_understood_says_why(topic: str, payload: bytes, told: str) -> None:
    with pytest.raises(Malformed, match=told):
        found(messages(), topic, payload)


@settings(max_examples=100)
@given(
    st.sampled_from(["statestream/a/b/state", "statestream/a/b/last_changed", "zigbee2mqtt/a", "zigbee2mqtt//", "x"]),
    st.one_of(
        st.binary(max_size=50),
        st.dictionaries(
            st.text(max_size=5), st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=5)), max_size=3
        ).map(lambda said: __import__("json").dumps({**said, "last_seen": next(iter(said.values()), None)}).encode()),
    ),
    st.booleans(),
)
def test_anything_may_come(topic: str, payload: bytes, retained: bool) -> None:
    for settings_ in (PLAIN, STAMPED):
        with suppress(Malformed, NoState):
            for one in messages(settings_).read(topic, payload, None, retained=retained).readings:
                assert isinstance(one.value, str) and isinstance(one.when[0], datetime)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("port", 0, "watch.port is 0; it must be from 1 to 65,535"),
        ("statestream", "home/#", "watch.statestream is 'home/#'; it must be a topic without"),
        ("host", "", "watch.host is empty"),
        ("ca_certs", "ca.pem", "but watch.tls is false"),
        ("quiet_s", 0.0, "watch.quiet_s is 0.0; it must be a number of seconds above 0"),
        ("when_full", "panic", "watch.when_full is 'panic'"),
    ],
)
def test_settings_that_cannot_be_are_refused(name: str, value: object, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        replace(PLAIN, **{name: value}).check()  # type: ignore[arg-type]


@pytest.mark.parametrize("first", [b"2026-03-02T06:10:00", b"2026-03-02T06:10:00Z"])
def test_a_time_that_cannot_be_read_is_that_of_its_arrival_by_the_clock_of_the_others(first: bytes) -> None:
    """Of times without a zone, by the machine's clock: in UTC it would be hours beside them."""
    asked, base = Messages(STAMPED, Times(None)), "statestream/binary_sensor/fridge"
    for changed in (first, b"soon"):
        asked.read(f"{base}/state", b"on", 1, retained=False)
        (reading,) = asked.read(f"{base}/last_changed", changed, 2, retained=False).readings
    known = first.endswith(b"Z")
    now = datetime.now(UTC).replace(tzinfo=None) if known else datetime.now()
    assert abs(reading.when[0] - now) < timedelta(seconds=60)
    assert (reading.when[1].tzinfo is not None) == known


def test_an_arrival_says_nothing_of_the_zone_of_times() -> None:
    asked, base = Messages(STAMPED, Times(None)), "statestream/binary_sensor/fridge"
    asked.now()
    asked.read(f"{base}/state", b"on", 1, retained=False)
    (reading,) = asked.read(f"{base}/last_changed", b"2026-03-02T06:10:00", 2, retained=False).readings
    assert reading.when[0] == datetime(2026, 3, 2, 6, 10)
