"""Publishes activities to an MQTT broker, as a sensor that Home Assistant discovers by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import har_llm
from har_llm.common.text import one_line
from har_llm.data.live.mqtt import WatchedMqtt
from har_llm.data.live.reading import Say
from har_llm.sweep.live.results import Listener, WatchedWindow

LONGEST_STATE, LONGEST_REASONING = 255, 1000
"""Characters; Home Assistant takes no longer state."""
NO_STATE = "None"
"""What Home Assistant shows as unknown."""
MOST_QUEUED = 100
"""Messages that wait for a broker that is away; the last of a topic is what counts."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1, 60


class Sensor:
    """The topics of a home's activity, and what is written to them."""

    def __init__(self, home: str, model: str, discovery_prefix: str):
        self.node = "har_llm_" + re.sub(r"[^A-Za-z0-9_-]", "_", home)
        self.state, self.attributes = f"har_llm/{self.node}/activity", f"har_llm/{self.node}/attributes"
        self.availability = f"har_llm/{self.node}/availability"
        self.discovery = f"{discovery_prefix}/sensor/{self.node}/activity/config"
        self._home, self._model = home, model

    def config(self) -> Mapping[str, Any]:
        """What Home Assistant reads at `discovery`."""
        version = har_llm.__version__
        return {
            "name": "Activity",
            "unique_id": f"{self.node}_activity",
            "state_topic": self.state,
            "json_attributes_topic": self.attributes,
            "availability_topic": self.availability,
            "icon": "mdi:home-account",
            "device": {
                "identifiers": [self.node],
                "name": f"Activities of {self._home}",
                "manufacturer": "har_llm",
                "model": self._model,
                "sw_version": version,
            },
            "origin": {"name": "har_llm", "sw_version": version},
        }


def state_of(window: WatchedWindow) -> str:
    """The activity of the window's last event that has one."""
    named = [event.activity for event in window.events if event.activity is not None]
    return one_line(named[-1])[:LONGEST_STATE] if named else NO_STATE


def attributes_of(window: WatchedWindow) -> Mapping[str, Any]:
    """What stands beside the state: of the event that it is from, and of the window."""
    first, last = window.events[0], window.events[-1]
    shown = next((event for event in reversed(window.events) if event.activity is not None), last)
    return {
        "confidence": shown.confidence,
        "reasoning": one_line(window.reasoning)[:LONGEST_REASONING],
        "event": shown.event,
        "from": first.time,
        "to": last.time,
        "missed": sum(event.activity is None for event in window.events),
        "delay_s": last.delay_s,
    }


class MqttResults(Listener):
    """A connection of its own, which comes back by itself. What the broker misses meanwhile is not told again, but for the
    last activity."""

    def __init__(self, settings: WatchedMqtt, home: str, model: str, say: Say):
        """Raises MissingError as the source does."""
        from har_llm.data.live.mqtt_client import new_client

        self._sensor, self._say = Sensor(home, model, settings.discovery_prefix), say
        self._last: WatchedWindow | None = None
        self._client = client = new_client(settings, "", clean_session=True)
        client.will_set(self._sensor.availability, "offline", qos=1, retain=True)
        client.reconnect_delay_set(FIRST_WAIT_S, LONGEST_WAIT_S)
        client.max_queued_messages_set(MOST_QUEUED)
        client.on_connect = self._on_connect
        client.connect_async(settings.host, settings.port, settings.keepalive)
        client.loop_start()

    def written(self, window: WatchedWindow) -> None:
        if not window.given_up:
            self._last = window
            self._publish_last()

    def close(self) -> None:
        if self._client.is_connected():
            with suppress(
                ValueError, RuntimeError
            ):  # it could not be queued, or the connection is lost: then the will says it
                self._client.publish(self._sensor.availability, "offline", qos=1, retain=True).wait_for_publish(2)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._say(f"Activities are not published: the MQTT broker refuses the connection ({str(reason).lower()}).")
            return
        client.publish(self._sensor.discovery, json.dumps(self._sensor.config()), qos=1, retain=True)
        client.publish(self._sensor.availability, "online", qos=1, retain=True)
        self._publish_last()

    def _publish_last(self) -> None:
        if self._last is not None and self._client.is_connected():
            attributes = json.dumps(attributes_of(self._last))
            self._client.publish(self._sensor.attributes, attributes, qos=1, retain=True)
            self._client.publish(self._sensor.state, state_of(self._last), qos=1, retain=True)
