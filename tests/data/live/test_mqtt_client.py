"""watch=mqtt with a real broker, which is absent, refuses, goes away, and keeps what comes while nobody listens."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import MissingError, ServiceError
from har_llm.data.live.mqtt import WatchedMqtt
from tests.data.live.brokers import broker, free_port, needs_broker, publisher
from tests.data.live.homes import Listened, home

pytestmark = [pytest.mark.slow, needs_broker]
SECONDS = 20


def listening(folder: Path, port: int, place: object = None, **settings: Any) -> Listened:
    given = WatchedMqtt(name="mqtt", host="127.0.0.1", port=port, publish_timestamps=False)
    return Listened(replace(given, **settings), home(folder), place)


def until(listened: Listened, count: int) -> list[tuple[str, str | None]]:
    """The values of so many readings, as they come."""
    found: list[tuple[str, str | None]] = []
    end = time.monotonic() + SECONDS
    while len(found) < count and time.monotonic() < end:
        found += listened.values()
    return found


def say(port: int, *states: str, sensor: str = "door") -> None:
    with publisher(port) as client:
        for state in states:
            client.publish(f"statestream/binary_sensor/{sensor}/state", state, qos=1).wait_for_publish(SECONDS)


def test_what_comes_while_nobody_listens_is_kept_and_told_once(tmp_path: Path) -> None:
    port = free_port()
    with broker(tmp_path, port):
        first = listening(tmp_path, port)
        assert first.next() == [] and first.said == [f"Connected to the MQTT broker 127.0.0.1:{port}."]
        say(port, "on", "off")
        assert until(first, 2) == [("door", "on"), ("door", "off")]
        say(port, "on")
        assert len(first.next(kept=False, acknowledged=False) or ()) == 1, "killed before it is on disk"
        first.source.close()
        say(port, "off", "on")
        second = listening(tmp_path, port, first.place)
        assert until(second, 3) == [("door", "on"), ("door", "off"), ("door", "on")]
        assert second.values() == []


def test_a_message_that_is_on_disk_and_was_not_acknowledged_is_not_told_again(tmp_path: Path) -> None:
    port = free_port()
    with broker(tmp_path, port):
        first = listening(tmp_path, port)
        first.next()
        say(port, "on", "off")
        found = [one.value for _ in range(3) for one in first.next(acknowledged=False) or ()]
        assert found == ["on", "off"] and first.place
        first.source.close()
        say(port, "on")
        assert until(listening(tmp_path, port, first.place), 1) == [("door", "on")]


def test_a_message_that_comes_again_is_known_among_many_that_do_not(tmp_path: Path) -> None:
    port = free_port()
    with broker(tmp_path, port):
        first = listening(tmp_path, port)
        first.next()
        say(port, "on")
        with publisher(port) as client:
            for number in range(60):
                client.publish("statestream/binary_sensor/bed/state", str(number), qos=0).wait_for_publish(SECONDS)
        found: list[str | None] = []
        while len(found) < 61:
            found += [one.value for one in first.next(acknowledged=False) or ()]
        first.source.close()
        say(port, "off")
        assert until(listening(tmp_path, port, first.place), 1) == [("door", "off")]


def test_a_topic_that_is_no_text_is_malformed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        listened = listening(tmp_path, server.getsockname()[1])

        def serve() -> None:
            """What a broker says that lets such a topic pass: CONNACK, SUBACK and a PUBLISH of QoS 1."""
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"\x20\x02\0\0")
                connection.recv(1000)
                topic = b"statestream/binary_sensor/door/state"
                door = b"\x32" + bytes([2 + len(topic) + 4, 0, len(topic)]) + topic + b"\0\x06on"
                connection.sendall(b"\x90\x03\0\x01\x01" + b"\x32\x07\0\x01\xff\0\x05on" + door)
                while len(acknowledged) < 8 and (came := connection.recv(1000)):
                    acknowledged.extend(came)

        acknowledged = bytearray()
        thread = threading.Thread(target=serve)
        thread.start()
        assert until(listened, 1) == [("door", "on")]
        thread.join(SECONDS)
    assert acknowledged == b"\x40\x02\0\x05\x40\x02\0\x06" and "cannot be understood" in listened.said[1]


def test_a_broker_that_is_absent_or_goes_away_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    listened = listening(tmp_path, port)
    assert listened.next() is None and "cannot be reached ([Errno 111] Connection refused); trying again" in listened.said[0]
    for state in ("on", "off"):
        with broker(tmp_path, port):
            while listened.next() is None:
                pass
            say(port, state)
            assert until(listened, 1) == [("door", state)]
    connected, *told = listened.said[1:]
    assert connected.startswith("Connected") and "is lost; connecting again" in told[0] and connected in told


def test_a_broker_that_stays_away_is_named_again_with_how_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_llm.data.live.told_once.AGAIN_S", 0.0)
    listened = listening(tmp_path, free_port())
    assert [listened.next() for _ in range(2)] == [None, None]
    first, again = listened.said
    assert again == f"{first} It has been so for 1 s."


def test_topics_on_which_nothing_comes_are_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_llm.data.live.mqtt_client.SILENT_S", 0.0)
    port = free_port()
    with broker(tmp_path, port):
        listened = listening(tmp_path, port, statestream="homeassistant", zigbee2mqtt="zigbee2mqtt")
        assert [listened.next() for _ in range(3)] == [[], [], []]
        assert listened.said[1:] == [
            f"Nothing has come from the MQTT broker 127.0.0.1:{port} in 0 s. This listens to homeassistant/+/+/state, "
            f"zigbee2mqtt/#; check that base_topic is 'homeassistant' in Home Assistant's mqtt_statestream "
            f"(watch.statestream), that base_topic is 'zigbee2mqtt' in Zigbee2MQTT (watch.zigbee2mqtt), and that the broker "
            f"lets this user read them."
        ]


def test_of_topics_on_which_something_comes_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    with broker(tmp_path, port):
        listened = listening(tmp_path, port)
        listened.next()
        say(port, "on")
        assert until(listened, 1) == [("door", "on")]
        monkeypatch.setattr("har_llm.data.live.mqtt_client.SILENT_S", 0.0)
        assert listened.next() == [] and len(listened.said) == 1


def test_a_wrong_password_ends_it_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("MQTT_PASSWORD", "wrong")
    with broker(tmp_path, port, password="right"):
        with pytest.raises(ServiceError, match=r"refuses this client \(not authorized\); check watch.username and"):
            listening(tmp_path, port, username="home").next()
        monkeypatch.setenv("MQTT_PASSWORD", "right")
        assert listening(tmp_path, port, username="home").next() == []
    monkeypatch.delenv("MQTT_PASSWORD")
    with pytest.raises(MissingError, match=r"the environment variable MQTT_PASSWORD \(watch.password_env\)"):
        listening(tmp_path, port, username="home")


def test_malformed_messages_are_said_once(tmp_path: Path) -> None:
    port = free_port()
    with broker(tmp_path, port):
        listened = listening(tmp_path, port)
        listened.next()
        say(port, "x" * 5000, "y" * 5000, "on")
        assert until(listened, 1) == [("door", "on")]
        assert len(listened.said) == 2 and "a state has 5,000 bytes" in listened.said[1]


def test_attributes_are_counted_and_said_once(tmp_path: Path) -> None:
    port = free_port()
    with broker(tmp_path, port), publisher(port) as client:
        listened = listening(tmp_path, port, statestream="home/ha", zigbee2mqtt="home")
        listened.next()
        for part, payload in (("color", "{}"), ("brightness", "3"), ("state", "on")):
            client.publish(f"home/ha/light/lamp/{part}", payload, qos=1).wait_for_publish(SECONDS)
        assert until(listened, 1) == [("light.lamp", "on")]
        assert listened.source.left_out == {"attribute of mqtt_statestream": 2}
        (told,) = listened.said[1:]
        assert told == "'light.lamp' has its attribute 'color' published; only states are read, attributes are counted."


def test_a_thousand_messages_are_taken_at_once(tmp_path: Path) -> None:
    port = free_port()
    with broker(tmp_path, port), publisher(port) as client:
        listened = listening(tmp_path, port)
        listened.next()
        for number in range(1000):
            client.publish("statestream/binary_sensor/door/state", "on" if number % 2 else "off", qos=1)
        assert len(until(listened, 1000)) == 1000


def test_a_library_that_is_missing_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    monkeypatch.delitem(sys.modules, "har_llm.data.live.mqtt_client", raising=False)
    with pytest.raises(MissingError, match=r"watch=mqtt needs a library .*`pip install -e '\.\[live\]'`"):
        listening(tmp_path, 1883)
