"""Talks to an MQTT broker; imports paho."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from har_llm.common.errors import MissingError, ServiceError, reason_of
from har_llm.common.paths import expanded
from har_llm.data.live.home import LiveHome
from har_llm.data.live.mqtt import WatchedMqtt
from har_llm.data.live.mqtt_messages import Malformed, Messages, NoState, Readings
from har_llm.data.live.reading import Batch, Reading, Say
from har_llm.data.live.told_once import ToldAgain, ToldOnce

REFUSED = ("Not authorized", "Bad user name or password", "Client identifier not valid", "Banned")
"""Answers of a broker that do not change by themselves."""
IN_FLIGHT = 40
"""Messages that are known when they come again; a broker sends no more (mosquitto: 20) before some are acknowledged."""
MOST = 1000
"""Messages in a batch."""
LISTEN_S, ANSWER_S = 0.5, 10.0
"""Seconds that a message, and the answer to a connection, are waited for."""
SILENT_S = 60.0
"""Seconds after which it is said that nothing comes: a broker keeps the last states, and sends them at once."""
WAIT_S, LONGEST_WAIT_S = 1, 60
"""Seconds between two connections, at first and at most."""


def new_client(settings: WatchedMqtt, client_id: str, *, clean_session: bool) -> paho.Client:
    """A client that is not connected yet. Raises MissingError for a password or a file that is not there."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean_session, manual_ack=not clean_session
    )
    if settings.username is not None:
        client.username_pw_set(settings.username, settings.password())
    if settings.tls:
        try:
            client.tls_set(None if settings.ca_certs is None else str(expanded(settings.ca_certs)))
        except OSError as error:
            raise MissingError(
                f"watch.ca_certs is {settings.ca_certs!r}, which cannot be read ({reason_of(error)})."
            ) from None
    return client


class MqttSource:
    """A session of a broker. A message is acknowledged when its readings are on disk.

    If that is not heard, because one of both ends or the connection is lost, the broker sends it again, under the same
    number: so the last ones that are on disk are known.
    """

    def __init__(self, settings: WatchedMqtt, home: LiveHome, place: Any, say: Say):
        """`place`: the numbers and digests of the messages that were accepted last."""
        self._accepted: deque[tuple[int, str]] = deque(((mid, digest) for mid, digest in place or ()), maxlen=IN_FLIGHT)
        self._settings, self._say = settings, ToldOnce(say)
        self._messages = Messages(settings, home.dataset.times())
        name = settings.client_id or f"har_llm-{home.dataset.name}"
        self._client = new_client(settings, name, clean_session=False)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._answer: Any = None
        """What the broker has said to the connection; None while it has not."""
        self._readings: list[Reading] = []
        self._done: list[Any] = []
        self._numbers: list[tuple[int, str]] = []
        """Of those among them that come again if they are not acknowledged."""
        self._state = ToldAgain(say)
        """How the connection is."""
        self._connected: float | None = None
        """When it was there for the first time."""
        self._silent = True
        """Whether nothing has come yet, and nothing was said of that."""

    def batches(self, stop: threading.Event) -> Iterator[Batch | None]:
        wait = WAIT_S
        while not stop.is_set():
            if not self._connect():
                for _ in range(wait):
                    yield None
                    stop.wait(1)
                wait = min(2 * wait, LONGEST_WAIT_S)
                continue
            wait = WAIT_S
            while not stop.is_set() and self._collect():
                readings, self._readings = self._readings, []
                self._accepted += self._numbers
                self._numbers = []
                yield Batch(readings, [*self._accepted] if readings else None, self._acknowledge)
            self._messages.forget()
            self._readings, self._done, self._numbers = [], [], []
            if not stop.is_set():
                self._tell("The connection to the MQTT broker {} is lost; connecting again.")

    @property
    def left_out(self) -> Counter[str]:
        return self._say.counts

    def close(self) -> None:
        self._client.disconnect()

    def _connect(self) -> bool:
        """Raises ServiceError where the broker refuses who this is."""
        self._answer, client, settings = None, self._client, self._settings
        try:
            client.connect(settings.host, settings.port, settings.keepalive)
            code, waited = MQTTErrorCode.MQTT_ERR_SUCCESS, 0.0
            while self._answer is None and code == MQTTErrorCode.MQTT_ERR_SUCCESS and waited < ANSWER_S:
                code, waited = client.loop(LISTEN_S), waited + LISTEN_S
        except (OSError, ValueError) as error:  # ValueError: a name that no machine can have
            self._tell(f"The MQTT broker {{}} cannot be reached ({error}); trying again.")
            return False
        if self._answer is None:
            self._tell("What answers at {} is no MQTT broker, or does not answer; trying again.")
            return False
        if not self._answer.is_failure:
            self._connected = self._connected or time.monotonic()
            self._tell("Connected to the MQTT broker {}.")
            return True
        reason = str(self._answer)
        if reason in REFUSED and self._connected is None:
            rule = f"check watch.username and the environment variable {settings.password_env}, or the broker's rules"
            raise ServiceError(f"The MQTT broker {settings.address} refuses this client ({reason.lower()}); {rule}.")
        self._tell(f"The MQTT broker {{}} refuses the connection ({reason.lower()}); trying again.")
        return False

    def _tell(self, sentence: str) -> None:
        """Say how the connection is."""
        self._state.tell(sentence.format(self._settings.address))

    def _collect(self) -> bool:
        """Take what has come; whether the connection is there still."""
        timeout, before = LISTEN_S, -1
        while before < len(self._done) + len(self._readings) < MOST or before == -1:
            before = len(self._done) + len(self._readings)
            if self._client.loop(timeout) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return False
            timeout = 0.0
        self._take(self._messages.overdue())
        self._say_silent()
        return True

    def _say_silent(self) -> None:
        """Say once that nothing has come for long, and what may be wrong."""
        if not self._silent or self._connected is None or time.monotonic() - self._connected < SILENT_S:
            return
        self._silent, settings = False, self._settings
        sources = (
            ("Home Assistant's mqtt_statestream", "statestream", settings.statestream),
            ("Zigbee2MQTT", "zigbee2mqtt", settings.zigbee2mqtt),
        )
        checks = [f"that base_topic is {base!r} in {who} (watch.{name})" for who, name, base in sources if base is not None]
        self._say.now(
            f"Nothing has come from the MQTT broker {settings.address} in {SILENT_S:g} s. This listens to "
            f"{', '.join(self._messages.topics)}; check {', '.join(checks)}, and that the broker lets this user read them."
        )

    def _acknowledge(self) -> None:
        done, self._done = self._done, []
        for message in done:
            self._client.ack(message.mid, message.qos)

    def _take(self, read: Readings) -> None:
        self._readings += read.readings
        self._done += read.messages
        self._numbers += [_number(one) for one in read.messages if one.qos]

    def _on_connect(self, client: paho.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._answer = reason
        if not reason.is_failure:
            client.subscribe([(topic, 1) for topic in self._messages.topics])

    def _on_subscribe(self, client: paho.Client, data: Any, mid: int, reasons: Any, properties: Any) -> None:
        for topic, reason in zip(self._messages.topics, reasons, strict=False):
            if reason.is_failure:
                self._say.now(f"The MQTT broker does not let this client listen to {topic} ({str(reason).lower()}).")

    def _on_message(self, client: paho.Client, data: Any, message: paho.MQTTMessage) -> None:
        self._silent = False
        try:
            if message.dup and _number(message) in self._accepted:
                self._done.append(message)
                return
            self._take(self._messages.read(message.topic, bytes(message.payload), message, retained=message.retain))
        except NoState as error:
            self._done.append(message)
            self._say.once("attribute of mqtt_statestream", f"{error}; only states are read, attributes are counted.")
        except (Malformed, UnicodeDecodeError) as error:
            self._done.append(message)
            self._say.once(
                "malformed message", f"An MQTT message cannot be understood ({error}); such messages are counted."
            )


def _number(message: paho.MQTTMessage) -> tuple[int, str]:
    """By which a message is known when it is sent again."""
    return message.mid, hashlib.sha256(message.topic.encode() + b"\0" + message.payload).hexdigest()[:8]
