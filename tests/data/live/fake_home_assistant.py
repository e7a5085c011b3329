"""A Home Assistant on loopback: its websocket, a recorder, and what goes wrong with them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

TOKEN = "a-long-lived-token"


def state(entity: str, value: str, moment: datetime) -> dict[str, Any]:
    """A state, as Home Assistant tells it."""
    at = moment.astimezone(UTC).isoformat()
    return {"entity_id": entity, "state": value, "attributes": {}, "last_changed": at, "last_updated": at}


def changed(entity: str, value: str, moment: datetime, number: int = 1) -> str:
    """The message of a change. `number`: of the subscription."""
    data = {"entity_id": entity, "old_state": None, "new_state": state(entity, value, moment)}
    event = {"event_type": "state_changed", "data": data, "origin": "LOCAL", "time_fired": moment.isoformat()}
    return json.dumps({"id": number, "type": "event", "event": event})


class FakeHomeAssistant:
    """Accepts TOKEN. What changes is told to every connection and is in the history; with `recorder=False` there is none.

    `mute`: says nothing; `unanswered`: the command that gets no answer; `status`: answers a connection with that HTTP
    status; 307 sends it to `location`.
    """

    def __init__(
        self, *, recorder: bool = True, status: int | None = None, location: str = "", ssl: Any = None, port: int = 0
    ):
        self.recorder, self.status, self.location, self.mute = recorder, status, location, False
        self.unanswered = ""
        self._ssl, self._port = ssl, port
        self._states: dict[str, dict[str, Any]] = {}
        self._recorded: list[tuple[str, str, datetime]] = []
        self._subscribed: dict[ServerConnection, int] = {}
        self._lock = threading.Lock()
        self.received: list[Mapping[str, Any]] = []
        """Every message that came."""
        self.subscribed = threading.Event()
        """Whether a connection waits for changes."""

    def __enter__(self) -> FakeHomeAssistant:
        self._server: Server = serve(
            self._serve, "127.0.0.1", self._port, ssl=self._ssl, process_request=self._answer, compression=None
        )
        self._port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self.drop()
        self._thread.join(5)

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"{'ws' if self._ssl is None else 'wss'}://localhost:{self._port}/api/websocket"

    def change(self, entity: str, value: str, moment: datetime) -> None:
        with self._lock:
            self._states[entity] = state(entity, value, moment)
            self._recorded.append((entity, value, moment))
            for connection, number in self._subscribed.items():
                with suppress(ConnectionClosed):
                    connection.send(changed(entity, value, moment, number))

    def say(self, text: str) -> None:
        """Any message, to every connection that waits for changes."""
        with self._lock:
            for connection in self._subscribed:
                connection.send(text)

    def drop(self) -> None:
        """Lose every connection without a word."""
        with self._lock:
            connections, self._subscribed = [*self._subscribed], {}
            self.subscribed.clear()
        for connection in connections:
            with suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.status is None:
            return None
        answer = connection.respond(HTTPStatus(self.status), f"at your service\n{TOKEN}")
        if self.location:
            answer.headers["Location"] = self.location
        return answer

    def _serve(self, connection: ServerConnection) -> None:
        try:
            if self.mute:
                connection.recv()
            connection.send(json.dumps({"type": "auth_required", "ha_version": "2026.11.1"}))
            said = json.loads(connection.recv())
            self.received.append(said)
            if said != {"type": "auth", "access_token": TOKEN}:
                connection.send(json.dumps({"type": "auth_invalid", "message": "Invalid access token or password"}))
                return
            connection.send(json.dumps({"type": "auth_ok", "ha_version": "2026.11.1"}))
            for message in connection:
                said = json.loads(message)
                self.received.append(said)
                if said["type"] == self.unanswered:
                    continue
                with self._lock:
                    connection.send(json.dumps({"id": said["id"], "type": "result", **self._result(connection, said)}))
        except (ConnectionClosed, OSError):
            pass
        finally:
            with self._lock:
                self._subscribed.pop(connection, None)

    def _result(self, connection: ServerConnection, said: Mapping[str, Any]) -> Mapping[str, Any]:
        if said["type"] == "subscribe_events":
            self._subscribed[connection] = said["id"]
            self.subscribed.set()
            return {"success": True, "result": None}
        if said["type"] == "get_states":
            return {"success": True, "result": [*self._states.values()]}
        if said["type"] == "history/history_during_period" and self.recorder:
            return {"success": True, "result": self._history(said)}
        return {"success": False, "error": {"code": "unknown_command", "message": "Unknown command."}}

    def _history(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        start = datetime.fromisoformat(said["start_time"])
        found: dict[str, list[dict[str, Any]]] = {}
        for entity, value, moment in self._recorded:
            if entity in said["entity_ids"] and moment > start:
                found.setdefault(entity, []).append({"s": value, "lu": moment.timestamp()})
        return found
