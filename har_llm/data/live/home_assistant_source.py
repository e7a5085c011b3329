"""Listens to Home Assistant's websocket, and connects again where it is lost. Imports websockets."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection, connect

from har_llm.common.errors import ConfigError, ServiceError, first_line
from har_llm.common.numbers import counted
from har_llm.data.live.home import LiveHome
from har_llm.data.live.home_assistant import WatchedHomeAssistant
from har_llm.data.live.home_assistant_talk import Broken, Change, Refused, Talk
from har_llm.data.live.reading import Batch, Reading, Say
from har_llm.data.live.told_once import ToldAgain, ToldOnce

CONNECT_S = 10.0
"""Seconds to wait for a connection."""
ANSWER_S = 60.0
"""Seconds from the beginning of a connection within which the present states must have come: a large home on a small board
takes some."""
POLL_S = 0.5
"""Seconds to wait for a message."""
MOST_AT_ONCE = 500
"""Messages that are handed over together, so that a busy home does not wait for a disk at each."""
LARGEST = 64 * 2**20
"""Bytes of a message. All states of a large home are some millions."""
PAUSES_S = (1.0, 60.0)
"""Seconds before a connection is tried again: at first, and at most."""
SHOWN = 5


class HomeAssistantSource:
    def __init__(self, settings: WatchedHomeAssistant, home: LiveHome, place: Any, say: Say):
        """`place`: the moment of the change that was accepted last. Raises MissingError where there is no token, ConfigError
        for a home whose events are no changes: the present states, which each connection begins with, would be events."""
        if not home.dataset.changes_only:
            raise ConfigError(
                f"watch=home_assistant tells states, of which the changes are events, but dataset={home.dataset.kind} takes "
                f"each for an event; choose dataset=home_assistant."
            )
        self._url, self._token, self._home, self._say = settings.url, settings.token(), home, ToldOnce(say)
        self._times = home.dataset.times()
        self._sensors = {sensor for sensor, one in home.described.sensors.items() if not one.left_out}
        self._since = datetime.fromisoformat(place) if isinstance(place, str) else None
        self._latest: dict[str, Change] = {}
        self._closed = threading.Event()
        self._lost = ToldAgain(say)
        """Why there is no connection."""
        self._absent: set[str] | None = None
        """Sensors that Home Assistant did not have at the last connection."""

    @property
    def left_out(self) -> Counter[str]:
        return self._say.counts

    def close(self) -> None:
        self._closed.set()

    def batches(self, stop: threading.Event) -> Iterator[Batch | None]:
        first, most = PAUSES_S
        pause = first
        while not self._ended(stop):
            try:
                with self._connected() as connection:
                    for batch in self._heard(connection, stop):
                        pause = first if batch is not None else pause
                        yield batch
            except Refused as refusal:
                rule = "make a new one there (your profile, Security) for the variable that watch.token_env names"
                raise ServiceError(f"Home Assistant at {self._url} refuses the access token ({refusal}); {rule}.") from None
            except (OSError, WebSocketException, Broken) as error:
                self._say_lost(_reason(error))
                if _too_big(error):
                    self._since = None  # or the same answer would end the next connection too
            until = time.monotonic() + pause
            while not self._ended(stop) and time.monotonic() < until:
                stop.wait(min(POLL_S, pause))
                yield None
            pause = min(2 * pause, most)

    def _ended(self, stop: threading.Event) -> bool:
        return stop.is_set() or self._closed.is_set()

    @contextmanager
    def _connected(self) -> Iterator[ClientConnection]:
        """The library is given a socket, so that it uses no proxy and follows no redirection, and a log that nobody reads,
        because every message would be in it, that with the token too."""
        url = urlsplit(self._url)
        port = url.port or (443 if url.scheme == "wss" else 80)
        opened = socket.create_connection((url.hostname or "", port), timeout=CONNECT_S)
        opened.settimeout(None)
        log = logging.Logger("unread", logging.CRITICAL + 1)
        try:
            made = connect(self._url, sock=opened, open_timeout=CONNECT_S, close_timeout=1, max_size=LARGEST, logger=log)
            with made as connection:
                yield connection
        except ValueError as error:  # of a redirection
            raise error.__cause__ if isinstance(error.__cause__, InvalidStatus) else error from None

    def _heard(self, connection: ClientConnection, stop: threading.Event) -> Iterator[Batch | None]:
        """What comes over a connection, once the token is accepted; None until what was missed before is known."""
        begun = time.monotonic()
        talk = Talk(self._token, self._sensors, self._latest, self._since, self._say_malformed)
        while not self._ended(stop):
            for message in talk.outbox:
                connection.send(message)
            talk.outbox.clear()
            messages = _messages(connection)
            was_live, now = talk.live, time.monotonic()
            changes = [change for message in messages for change in talk.take(message, now)]
            changes += talk.wait(now)
            if talk.live and not was_live:
                self._say_connected(talk, len(changes))
            if talk.owed and now - begun > (ANSWER_S if talk.accepted else CONNECT_S):
                raise _unanswered(talk)
            if talk.accepted:
                yield self._batch(changes) if talk.live else None

    def _batch(self, changes: Sequence[Change]) -> Batch:
        if not changes:
            return Batch()
        self._since = changes[-1].moment
        readings = [Reading(self._times.read(one.moment.isoformat()), one.sensor, one.value) for one in changes]
        return Batch(readings, self._since.isoformat())

    def _say_connected(self, talk: Talk, came: int) -> None:
        said = [f"Connected to Home Assistant at {self._url}"]
        absent = self._sensors - talk.entities
        if absent != self._absent:
            here = f"it has {len(self._sensors) - len(absent)} of the {counted(len(self._sensors), 'sensor')} of the home"
            some = ", ".join(sorted(absent)[:SHOWN]) + (", ..." if len(absent) > SHOWN else "")
            said.append(f"{here} (not: {some}; see {self._home.place})" if absent else here)
            self._absent = absent
        if talk.unknown_since is not None:
            said.append(f"what changed since {talk.unknown_since:%Y-%m-%d %H:%M:%S} UTC cannot be had from its recorder")
        elif self._since is not None:
            said.append(f"it told {counted(came, 'change')} that came meanwhile")
        self._lost.end()
        self._say.now("; ".join(said) + ".")

    def _say_lost(self, reason: str) -> None:
        self._lost.tell(f"No connection to Home Assistant at {self._url}: {reason}; it is tried again until there is one.")

    def _say_malformed(self, what: str) -> None:
        rule = "such messages are left out and counted"
        self._say.once(what, f"Home Assistant at {self._url} sent {what}; {rule}.")


def _messages(connection: ClientConnection) -> Sequence[str | bytes]:
    """What has come, after a wait for the first. Raises ConnectionClosed where nothing has and nothing will."""
    found: list[str | bytes] = []
    while len(found) < MOST_AT_ONCE:
        try:
            found.append(connection.recv(timeout=0 if found else POLL_S))
        except TimeoutError:
            break
        except ConnectionClosed:
            if not found:
                raise
            break
    return found


def _unanswered(talk: Talk) -> Exception:
    if not talk.accepted:
        return TimeoutError()
    commands = " and ".join(sorted(talk.owed))
    return Broken(f"it accepts the token, and then does not answer {commands} within {ANSWER_S:g} s")


def _reason(error: Exception) -> str:
    """Why there is no connection, and what helps where it does not come by itself."""
    if isinstance(error, socket.gaierror):
        return f"no machine of that name is known ({error.strerror}); write its IP address in watch.url"
    if isinstance(error, ssl.SSLCertVerificationError):
        rule = "set SSL_CERT_FILE to the certificate of who issued it"
        return f"its certificate cannot be checked ({error.verify_message}); {rule}"
    if isinstance(error, InvalidStatus):
        return _status(error.response.status_code)
    if isinstance(error, ConnectionClosed):
        if _too_big(error):
            return f"it sent a message of over {LARGEST // 2**20} MiB; what changed meanwhile is not asked for"
        return "it was lost" if error.rcvd is None else f"it was closed there ({error.rcvd.reason or error.rcvd.code})"
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_S:g} s"
    return getattr(error, "strerror", None) or first_line(error)


def _too_big(error: Exception) -> bool:
    sent = error.sent if isinstance(error, ConnectionClosed) else None
    return sent is not None and sent.code == CloseCode.MESSAGE_TOO_BIG


def _status(code: int) -> str:
    if 300 <= code < 400:
        return f"it sends elsewhere (HTTP {code}), which is not followed; set watch.url to where it is"
    if code == 403:
        return "it refuses this machine (HTTP 403), as after several wrong tokens; see ip_bans.yaml there"
    return f"it answers with HTTP {code}; the address ends with /api/websocket"
