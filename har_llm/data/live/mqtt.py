"""What a home publishes to an MQTT broker: Home Assistant's states (its integration mqtt_statestream) and the devices of
Zigbee2MQTT."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import ClassVar

from har_llm.common.errors import ConfigError, MissingError
from har_llm.data.live.reading import WatchConfig

WILDCARDS = "+#"


@dataclass(kw_only=True)
class WatchedMqtt(WatchConfig):
    """Topics of a broker, which keeps what is published with QoS 1 or 2 while no process listens: each one has the same
    session."""

    source_class: ClassVar[str] = "har_llm.data.live.mqtt_client.MqttSource"

    host: str = "localhost"
    port: int = 1883
    username: str | None = None
    password_env: str = "MQTT_PASSWORD"  # noqa: S105 (a name)
    """The environment variable that has the password, where there is a username."""
    tls: bool = False
    """Whether the connection is encrypted, and the broker's certificate verified."""
    ca_certs: str | None = None
    """A file with the certificates that are trusted; null = those of the system."""
    client_id: str | None = None
    """The name of the session; null = har_llm- and the dataset's name. No two processes may use one at once."""
    keepalive: int = 30
    """Seconds after which a connection that says nothing is given up."""
    statestream: str | None = "statestream"
    """base_topic of mqtt_statestream, whose entities are sensors by their ids; null = none."""
    publish_timestamps: bool = True
    """Whether mqtt_statestream has publish_timestamps: true. An event is then as old as its last_changed, which is waited
    for at most 2 seconds; otherwise as its arrival."""
    zigbee2mqtt: str | None = None
    """base_topic of Zigbee2MQTT, as in zigbee2mqtt; each property of a device is a sensor, NAME_PROPERTY; null = none."""
    publish: bool = False
    """Whether activities are published to the broker, as a sensor that Home Assistant discovers by itself."""
    discovery_prefix: str = "homeassistant"
    """Where Home Assistant looks for new sensors."""

    def check(self) -> None:
        super().check()
        if not self.host:
            raise ConfigError("watch.host is empty; name the machine of the MQTT broker, as in watch.host=192.168.1.5.")
        for name, most in (("port", 65_535), ("keepalive", 65_535)):
            if not 1 <= getattr(self, name) <= most:
                raise ConfigError(f"watch.{name} is {getattr(self, name)}; it must be from 1 to {most:,}.")
        for name in ("statestream", "zigbee2mqtt", "discovery_prefix"):
            topic = getattr(self, name)
            if topic is not None and (not topic.strip("/") or set(topic) & set(WILDCARDS) or "\0" in topic):
                raise ConfigError(f"watch.{name} is {topic!r}; it must be a topic without + and #, as in homeassistant.")
        if self.statestream is None and self.zigbee2mqtt is None:
            raise ConfigError("watch.statestream and watch.zigbee2mqtt are both null; set what is to be listened to.")
        if self.ca_certs is not None and not self.tls:
            raise ConfigError(f"watch.ca_certs is {self.ca_certs!r}, but watch.tls is false; set watch.tls=true too.")

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def password(self) -> str | None:
        """Raises MissingError where a username has no password."""
        if self.username is None:
            return None
        if (found := os.environ.get(self.password_env)) is None:
            raise MissingError(
                f"watch.username is {self.username!r}, but the environment variable {self.password_env} "
                f"(watch.password_env), which should have the password, is not set."
            )
        return found
