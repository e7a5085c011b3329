"""A day of recorded events through a real broker, and the sensor that Home Assistant discovers."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from har_llm.sweep.live.mqtt_results import LONGEST_REASONING, Sensor, attributes_of, state_of
from har_llm.sweep.live.results import WatchedEvent, WatchedWindow
from tests.data.live.brokers import broker, free_port, needs_broker, publisher
from tests.sweep.live.days import as_offline, lines, offline, rows, watch_some, watched

SPEED = 1000


def replay(port: int, recorded: list[str]) -> None:
    """Publish a recording as mqtt_statestream does, SPEED times as fast as it was, without its quiet times."""
    with publisher(port) as client:
        sent: list[Any] = []
        for row in recorded:
            entity, state, changed = row.strip().split(",")
            base = f"statestream/{entity.replace('.', '/')}"
            sent += [client.publish(f"{base}/state", state, qos=1), client.publish(f"{base}/last_changed", changed, qos=1)]
            time.sleep(97 / SPEED)
        for one in sent:
            one.wait_for_publish(20)


@pytest.mark.slow
@needs_broker
def test_a_day_through_the_broker_says_what_a_run_of_its_recording_says(tmp_path: Path) -> None:
    port, recorded = free_port(), rows(47)
    listening = (
        "watch=mqtt",
        f"watch.port={port}",
        "watch.host=127.0.0.1",
        "watch.publish=true",
    )
    given = watched(tmp_path, *listening, data=recorded)
    heard: dict[str, list[str]] = {}
    with broker(tmp_path, port), publisher(port) as reader:
        reader.on_message = lambda *said: heard.setdefault(said[2].topic, []).append(said[2].payload.decode())
        reader.subscribe([("har_llm/#", 1), ("homeassistant/sensor/#", 1)])
        for part, windows in ((recorded[:25], 2), (recorded[25:], 3)):  # two processes, one after the other
            sending = threading.Thread(target=replay, args=(port, part))
            watch_some(given, windows, seconds=60, meanwhile=sending)
            sending.join()
        time.sleep(0.2)
    told = as_offline(lines(given))
    assert told == offline(given)[: len(told)] and len(told) == 40
    sensor = Sensor("history", "tiny_student", "homeassistant")
    config = json.loads(heard[sensor.discovery][0])
    assert config["state_topic"] == sensor.state and config["device"]["identifiers"] == ["har_llm_history"]
    assert {"preparing a meal", "sleeping"} <= {*heard[sensor.state]}
    assert json.loads(heard[sensor.attributes][0])["reasoning"] == "Because."
    assert heard[sensor.availability][0] == "online" and heard[sensor.availability][-1] == "offline"


def event(activity: str | None, confidence: float | None = None) -> WatchedEvent:
    missed = "omitted" if activity is None else None
    return WatchedEvent("s", 0, 0, "2026-03-02 06:00:00", None, "hall door OPENED", activity, missed, confidence, 1.5)


def test_the_sensor_shows_the_last_activity_and_where_it_is_from() -> None:
    window = WatchedWindow([event("eating", 0.4), event("x" * 300, 0.6), event(None)], "because\n" * 1000)
    assert state_of(window) == "x" * 255
    said = attributes_of(window)
    assert said["confidence"] == 0.6 and said["missed"] == 1 and len(said["reasoning"]) == LONGEST_REASONING
    assert state_of(WatchedWindow([event(None)])) == "None", "which Home Assistant shows as unknown"


def test_the_topics_of_a_home_have_a_name_that_topics_may_have() -> None:
    sensor = Sensor("our home/#+", "model", "homeassistant")
    assert sensor.discovery == "homeassistant/sensor/har_llm_our_home___/activity/config"
    assert json.dumps(sensor.config())
