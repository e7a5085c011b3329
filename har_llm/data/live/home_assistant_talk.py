"""What is said over Home Assistant's websocket: messages in, messages and changes out, without a socket or a clock.

See developers.home-assistant.io/docs/api/websocket. Behind the token three things are asked for: every change from now on,
the present states, and, where changes may have been missed before, those, as Home Assistant's recorder has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from har_llm.common.text import one_line
from har_llm.data.datasets.own.times import UNIX_FROM, UNIX_TO

SETTLE_S = 10.0
"""Seconds from when changes are told as they happen until those before are asked for: the recorder writes them every 5."""
PATIENCE_S = 120.0
"""Seconds to wait for what was missed."""
TRIES = 3
"""How often it is asked for: a Home Assistant that starts has no recorder at first."""
MOST_HELD = 100_000
"""Changes that are held, so that they stay in order, until those before them are known."""
LONGEST_STATE = 255
"""Characters of a state; Home Assistant allows no more."""
ENTITY = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+", re.ASCII)
HISTORY = "history/history_during_period"


class Refused(Exception):
    """Home Assistant does not accept the token; str() is what it says."""


class Broken(Exception):
    """What was said makes no sense, or what cannot be done without was refused; str() says what."""


class Change(NamedTuple):
    """A state that an entity took."""

    moment: datetime
    """In UTC."""
    sensor: str
    value: str


class Talk:
    """One connection's. `latest`, of each sensor what was handed over last, is kept up to date, for the next one."""

    def __init__(
        self,
        token: str,
        sensors: Collection[str],
        latest: dict[str, Change],
        since: datetime | None,
        malformed: Callable[[str], None],
    ):
        """`sensors`: those of the home; all others are left out. `since`: from this moment on, it included, changes may have
        been missed; None at first.
        `malformed`: called with what is wrong with a message that is left out."""
        self._token, self._sensors, self._latest, self._since = token, sensors, latest, since
        self._malformed = malformed
        self._asked: dict[int, str] = {}
        self._commands = 0
        self.owed = {"subscribe_events", "get_states"}
        """Commands that nothing can be told without, and that are not answered yet."""
        self._held: list[Change] = []
        self._due: float | None = None
        """When what was missed is asked for, or given up."""
        self._tries = 0
        self.outbox: list[str] = []
        """Messages to be sent, in order. Whoever sends them empties it."""
        self.accepted = False
        """Whether the token is."""
        self.live = False
        """Whether changes are handed over as they come."""
        self.entities: AbstractSet[str] = frozenset()
        """What Home Assistant has states of."""
        self.unknown_since: datetime | None = None
        """From when on what was missed cannot be had."""

    def take(self, message: str | bytes, now: float) -> Sequence[Change]:
        """The changes that a message brings, or completes. `now`: in seconds. Raises Refused, Broken."""
        content = _object(message)
        if content is None:
            self._malformed("no JSON object")
            return ()
        kind, number = content.get("type"), content.get("id")
        if kind == "auth_required":
            self.outbox.append(json.dumps({"type": "auth", "access_token": self._token}))
        elif kind == "auth_invalid":
            raise Refused(one_line(str(content.get("message", "")))[:200])
        elif kind == "auth_ok":
            self.accepted = True
            self._ask("subscribe_events", event_type="state_changed")
            self._ask("get_states")
        elif kind == "result" and isinstance(number, int):
            return self._answered(self._asked.pop(number, ""), content, now)
        elif kind == "event":
            return self._changed(content)
        return ()

    def wait(self, now: float) -> Sequence[Change]:
        """What is to be handed over because of the time. To be called every second or so."""
        if self._due is None or now < self._due:
            return ()
        if self._tries == TRIES or HISTORY in self._asked.values():
            return self._give_up()
        self._tries += 1
        self._due = now + PATIENCE_S
        assert self._since is not None
        self._ask(
            HISTORY,
            start_time=(self._since - timedelta(milliseconds=1)).isoformat(),  # what changed at it is not told
            entity_ids=sorted(filter(ENTITY.fullmatch, self._sensors)),
            include_start_time_state=False,
            minimal_response=True,
            no_attributes=True,
        )
        return ()

    def _ask(self, command: str, **details: Any) -> None:
        self._commands += 1
        self._asked[self._commands] = command
        self.outbox.append(json.dumps({"id": self._commands, "type": command, **details}))

    def _answered(self, command: str, content: Mapping[str, Any], now: float) -> Sequence[Change]:
        if command == HISTORY and self.live:
            return ()  # it was given up
        result = content.get("result")
        if content.get("success") is not True:
            if command == HISTORY:
                self._due = now + SETTLE_S
            elif command:
                raise Broken(f"it refused {command} ({one_line(str(content.get('error', '')))[:200]})")
            return ()
        if command == HISTORY:
            return self._release(self._missed(result))
        if command == "get_states":
            self._take_states(result)
        self.owed.discard(command)
        if self.owed or self.live or self._due is not None:
            return ()
        if self._since is None:
            return self._release(())
        self._due = now + SETTLE_S
        return ()

    def _take_states(self, result: Any) -> None:
        if not isinstance(result, list):
            raise Broken("its answer to get_states is no list")
        states = [one for one in result if isinstance(one, dict)]
        self.entities = {entity for one in states if isinstance(entity := one.get("entity_id"), str)}
        present = [self._placed(change) for one in states if (change := self._read(one)) is not None]
        self._held += present
        for change in present:
            before = self._latest.get(change.sensor)
            if before is not None and change.moment < before.moment and change.value != before.value:
                del self._latest[change.sensor]  # Home Assistant's clock was set back

    def _placed(self, change: Change) -> Change:
        """A present state. That of a sensor that handed nothing over yet was so, at the latest, when the others did."""
        if self._since is None or change.sensor in self._latest or change.moment > self._since:
            return change
        return change._replace(moment=self._since)

    def _changed(self, content: Mapping[str, Any]) -> Sequence[Change]:
        event = content.get("event")
        data = event.get("data") if isinstance(event, dict) else None
        if not isinstance(data, dict) or not isinstance(new := data.get("new_state"), dict | None):
            self._malformed("an event without data")
            return ()
        change = None if new is None else self._read(new)  # none where an entity was removed
        if change is None:
            return ()
        if not self.live:
            self._held.append(change)
            return self._give_up() if len(self._held) > MOST_HELD else ()
        before = self._latest.get(change.sensor)
        if before is not None and before.moment == change.moment:  # another of its attributes
            return ()
        self._latest[change.sensor] = change
        return (change,)

    def _read(self, state: Mapping[str, Any]) -> Change | None:
        sensor = state.get("entity_id")
        if not isinstance(sensor, str):
            self._malformed("a state without its entity")
        elif sensor in self._sensors:
            return self._made(sensor, state.get("state"), state.get("last_changed"))
        return None

    def _made(self, sensor: str, value: object, changed: object) -> Change | None:
        moment = _moment(changed)
        if moment is None:
            self._malformed(f"a state of {sensor} without a time")
        elif not isinstance(value, str) or len(value) > LONGEST_STATE:
            self._malformed(f"a state of {sensor} that is no text of at most {LONGEST_STATE} characters")
        else:
            return Change(moment, sensor, value)
        return None

    def _missed(self, result: Any) -> Iterator[Change]:
        """The changes of a history. It has the states of each entity, each with `s`, the state, `lu`, when it was updated,
        and `lc`, when it was changed, where that is another time."""
        histories = result.items() if isinstance(result, dict) else ()
        for sensor, states in histories:
            if sensor not in self._sensors:
                continue
            for state in states if isinstance(states, list) else ():
                if not isinstance(state, dict):
                    self._malformed(f"a history of {sensor} that holds no states")
                elif (made := self._made(sensor, state.get("s"), state.get("lc", state.get("lu")))) is not None:
                    yield made

    def _give_up(self) -> Sequence[Change]:
        """Go on without what was missed."""
        self.unknown_since = self._since
        return self._release(())

    def _release(self, missed: Iterator[Change] | Sequence[Change]) -> Sequence[Change]:
        """What was missed, what was held and the present states, in order, each change once."""
        found = sorted([*missed, *self._held], key=lambda change: change.moment)
        self.live, self._due, self._held = True, None, []
        fresh = []
        for change in found:
            before = self._latest.get(change.sensor)
            if before is None or before.moment < change.moment:
                self._latest[change.sensor] = change
                fresh.append(change)
        return fresh


def _object(message: str | bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _moment(said: object) -> datetime | None:
    """When something was: a text with its offset, or UNIX seconds."""
    try:
        if isinstance(said, str):
            moment = datetime.fromisoformat(said)
        else:
            moment = datetime.fromtimestamp(said, UTC) if isinstance(said, int | float) else datetime.min
        usable = moment.tzinfo is not None and UNIX_FROM <= moment.timestamp() <= UNIX_TO
    except (ValueError, OverflowError, OSError):
        return None
    return moment.astimezone(UTC) if usable else None
