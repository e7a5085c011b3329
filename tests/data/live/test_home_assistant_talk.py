from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.data.live.home_assistant_talk import MOST_HELD, PATIENCE_S, SETTLE_S, TRIES, Broken, Change, Refused, Talk
from tests.data.live.fake_home_assistant import changed, state

DOOR, LAMP, SUN = "binary_sensor.door", "light.lamp", "sun.sun"
BEGIN = datetime(2026, 11, 30, 7, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


class Spoken:
    """A talk, and what was malformed in it."""

    def __init__(self, latest: dict[str, Change] | None = None, since: datetime | None = None):
        self.faults: list[str] = []
        self.talk = Talk("secret", {DOOR, LAMP}, {} if latest is None else latest, since, self.faults.append)

    def hear(self, content: object, now: float = 0.0) -> list[Change]:
        return [*self.talk.take(content if isinstance(content, str) else json.dumps(content), now)]

    def asked(self) -> list[dict[str, Any]]:
        found = [*map(json.loads, self.talk.outbox)]
        self.talk.outbox.clear()
        return found

    def begun(self, *states: dict[str, Any]) -> list[Change]:
        """What it hands over when the token is accepted and both questions are answered."""
        self.hear({"type": "auth_required"})
        self.hear({"type": "auth_ok"})
        subscribe, ask = self.asked()[-2:]
        self.hear({"id": subscribe["id"], "type": "result", "success": True, "result": None})
        return self.hear({"id": ask["id"], "type": "result", "success": True, "result": [*states]})


def result(asked: dict[str, Any], history: object) -> dict[str, Any]:
    return {"id": asked["id"], "type": "result", "success": True, "result": history}


def test_the_token_is_said_once_and_then_what_is_wanted() -> None:
    spoken = Spoken()
    assert spoken.hear({"type": "auth_required", "ha_version": "2026.11.1"}) == []
    assert spoken.asked() == [{"type": "auth", "access_token": "secret"}]
    spoken.hear({"type": "auth_ok"})
    assert spoken.asked() == [
        {"id": 1, "type": "subscribe_events", "event_type": "state_changed"},
        {"id": 2, "type": "get_states"},
    ]


def test_the_present_states_come_first_in_order_then_each_change() -> None:
    spoken = Spoken()
    assert spoken.begun(state(LAMP, "on", at(-1)), state(SUN, "up", at(-3)), state(DOOR, "off", at(-2))) == [
        Change(at(-2), DOOR, "off"),
        Change(at(-1), LAMP, "on"),
    ]
    assert spoken.talk.live and set(spoken.talk.entities) == {LAMP, SUN, DOOR}
    assert spoken.hear(changed(SUN, "down", at(0))) == []
    assert spoken.hear(changed(DOOR, "on", at(1))) == [Change(at(1), DOOR, "on")]
    assert spoken.hear(changed(DOOR, "on", at(1))) == []  # another attribute of the same state
    assert spoken.hear(changed(DOOR, "off", at(-9))) == [Change(at(-9), DOOR, "off")]  # the clock was set back
    assert not spoken.faults


def test_a_present_state_of_before_its_sensors_last_change_is_of_a_clock_that_was_set_back() -> None:
    """It counted as handed over already, and so did all changes until the wrong time came again."""
    spoken = Spoken({DOOR: Change(at(60), DOOR, "off"), LAMP: Change(at(61), LAMP, "on")}, at(61))
    assert spoken.begun(state(DOOR, "on", at(5)), state(LAMP, "on", at(4))) == []
    spoken.talk.wait(SETTLE_S)
    (asked,) = spoken.asked()
    assert spoken.hear(result(asked, {}), SETTLE_S) == [Change(at(5), DOOR, "on")]
    assert spoken.hear(changed(DOOR, "off", at(6))) == [Change(at(6), DOOR, "off")]


def test_a_refused_token_is_told_with_its_reason() -> None:
    with pytest.raises(Refused, match=r"Invalid \\x1b token"):
        Spoken().hear({"type": "auth_invalid", "message": "Invalid \x1b token"})


@pytest.mark.parametrize("command", ["subscribe_events", "get_states"])
def test_what_cannot_be_done_without_may_not_be_refused(command: str) -> None:
    spoken = Spoken()
    spoken.hear({"type": "auth_ok"})
    (asked,) = [one for one in spoken.asked() if one["type"] == command]
    with pytest.raises(Broken, match=f"refused {command} .*no rights"):
        spoken.hear({"id": asked["id"], "type": "result", "success": False, "error": {"message": "no rights"}})


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[" * 100_000,
        "[]",
        "null",
        '{"type": "event"}',
        {"type": "event", "event": {"data": {"new_state": 5}}},
        {"type": "event", "event": {"data": {"new_state": {"state": "on"}}}},
        {"type": "event", "event": {"data": {"new_state": {"entity_id": DOOR, "state": "on"}}}},
        {"type": "event", "event": {"data": {"new_state": state(DOOR, "x" * 256, at(0))}}},
        {"type": "event", "event": {"data": {"new_state": state(DOOR, "on", at(0)) | {"state": 5}}}},
        {"type": "event", "event": {"data": {"new_state": state(DOOR, "on", at(0)) | {"last_changed": "2026-11-30 07:00"}}}},
        {"type": "event", "event": {"data": {"new_state": state(DOOR, "on", at(0)) | {"last_changed": 1e300}}}},
        '{"type": "event", "event": {"data": {"new_state": {"entity_id": "light.lamp", "last_changed": NaN}}}}',
    ],
)
def test_a_malformed_message_is_said_and_left_out(broken: object) -> None:
    spoken = Spoken()
    spoken.begun()
    assert spoken.hear(broken) == [] and len(spoken.faults) == 1
    assert spoken.hear(changed(DOOR, "on", at(1))) == [Change(at(1), DOOR, "on")]


@pytest.mark.parametrize(
    "harmless",
    [
        {"type": "pong"},
        {"type": "of a later version"},
        {"id": 99, "type": "result", "success": True, "result": None},
        {"id": [], "type": "result", "success": False},
        {"type": ["event"]},
        {"id": 1, "type": "event", "event": {"data": {"entity_id": DOOR, "new_state": None}}},  # removed
    ],
)
def test_a_message_that_says_nothing_to_us_is_passed_over(harmless: object) -> None:
    spoken = Spoken()
    spoken.begun()
    assert spoken.hear(harmless) == [] and not spoken.faults


def test_what_was_missed_comes_in_order_and_once() -> None:
    latest = {DOOR: Change(at(0), DOOR, "off")}
    spoken = Spoken(latest, since=at(0))
    assert spoken.begun(state(DOOR, "on", at(3)), state(LAMP, "on", at(-60))) == []
    assert spoken.hear(changed(DOOR, "on", at(3))) == []  # held until what was before it is known
    assert [*spoken.talk.wait(SETTLE_S - 1)] == [] == spoken.asked()
    assert [*spoken.talk.wait(SETTLE_S)] == []
    (asked,) = spoken.asked()
    assert datetime.fromisoformat(asked["start_time"]) < at(0) and asked["entity_ids"] == [DOOR, LAMP]
    assert spoken.hear(changed(LAMP, "off", at(4))) == []
    history = {
        DOOR: [
            {"s": "off", "lu": at(0).timestamp()},
            {"s": "on", "lu": at(1).timestamp()},
            {"s": "off", "lu": at(2.5).timestamp(), "lc": at(2).timestamp()},
        ],
        SUN: [{"s": "up", "lu": at(1).timestamp()}],
    }
    assert spoken.hear(result(asked, history)) == [
        Change(at(0), LAMP, "on"),  # never seen before, so its first change would not be known as one
        Change(at(1), DOOR, "on"),
        Change(at(2), DOOR, "off"),
        Change(at(3), DOOR, "on"),
        Change(at(4), LAMP, "off"),
    ]
    assert latest == {DOOR: Change(at(3), DOOR, "on"), LAMP: Change(at(4), LAMP, "off")}
    assert spoken.talk.unknown_since is None and not spoken.faults


def test_a_history_that_is_refused_is_asked_for_again_and_then_given_up() -> None:
    spoken = Spoken({}, since=at(0))
    spoken.begun(state(DOOR, "on", at(3)))
    now = 0.0
    for _ in range(TRIES):
        assert [*spoken.talk.wait(now := now + SETTLE_S)] == []
        (asked,) = spoken.asked()
        assert spoken.hear({"id": asked["id"], "type": "result", "success": False, "error": {}}, now) == []
    assert [*spoken.talk.wait(now + SETTLE_S)] == [Change(at(3), DOOR, "on")]
    assert spoken.talk.unknown_since == at(0)


def test_a_history_that_does_not_come_is_not_waited_for_and_not_taken_later() -> None:
    spoken = Spoken({}, since=at(0))
    spoken.begun(state(DOOR, "on", at(3)))
    spoken.talk.wait(SETTLE_S)
    (asked,) = spoken.asked()
    assert [*spoken.talk.wait(SETTLE_S + PATIENCE_S)] == [Change(at(3), DOOR, "on")]
    assert spoken.talk.unknown_since == at(0)
    assert spoken.hear(result(asked, {DOOR: [{"s": "off", "lu": at(1).timestamp()}]})) == []


def test_not_more_is_held_than_memory_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_HELD < 10**6
    monkeypatch.setattr("har_llm.data.live.home_assistant_talk.MOST_HELD", 2)
    spoken = Spoken({}, since=at(0))
    spoken.begun()
    assert [spoken.hear(changed(DOOR, str(n), at(n))) for n in (1, 2)] == [[], []]
    assert len(spoken.hear(changed(DOOR, "3", at(3)))) == 3 and spoken.talk.unknown_since == at(0)


@given(st.lists(st.sampled_from([DOOR, LAMP]), max_size=12), st.data())
@settings(max_examples=50, deadline=None)
def test_each_change_comes_once_and_in_order_wherever_connections_are_lost(sensors: list[str], data: st.DataObject) -> None:
    """Each change is told as it happens, is missed and in the history only, or both."""
    changes = [Change(at(minute), sensor, str(minute)) for minute, sensor in enumerate(sensors)]
    latest: dict[str, Change] = {}
    came: list[Change] = []
    place = 0
    while place < len(changes):
        since = max((one.moment for one in latest.values()), default=None)
        missed = data.draw(st.integers(0, len(changes) - place)) if since else 0
        told = data.draw(st.integers(1, len(changes)))
        spoken = Spoken(latest, since)
        known = {one.sensor: one for one in changes[: place + missed]}
        came += spoken.begun(*(state(one.sensor, one.value, one.moment) for one in known.values()))
        during = changes[place + missed : place + missed + told]
        came += [one for change in during for one in spoken.hear(changed(change.sensor, change.value, change.moment))]
        spoken.talk.wait(SETTLE_S)
        for asked in spoken.asked():
            history: dict[str, list[dict[str, Any]]] = {}
            for one in changes[: place + missed + data.draw(st.integers(0, len(during)))]:
                if since is not None and one.moment >= since:
                    history.setdefault(one.sensor, []).append({"s": one.value, "lu": one.moment.timestamp()})
            came += spoken.hear(result(asked, history))
        place += missed + len(during)
    assert came == changes
