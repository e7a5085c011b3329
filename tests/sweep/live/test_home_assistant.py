"""A day of recorded events over Home Assistant's websocket, with connections that are lost and a process that ends."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from har_llm.data.live import home_assistant_source, home_assistant_talk
from tests.data.live.fake_home_assistant import TOKEN, FakeHomeAssistant
from tests.sweep.live.days import as_offline, lines, offline, rows, watch_some, watched

pytestmark = pytest.mark.slow


def test_a_day_over_the_websocket_says_what_a_run_of_its_recording_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME_ASSISTANT_TOKEN", TOKEN)
    monkeypatch.setattr(home_assistant_source, "PAUSES_S", (0.01, 0.05))
    monkeypatch.setattr(home_assistant_talk, "SETTLE_S", 0.05)
    recorded = rows(47)

    def change(part: list[str]) -> None:
        for place, row in enumerate(part):
            entity, state, changed = row.strip().split(",")
            server.change(entity, state, datetime.fromisoformat(changed))
            if place % 8 == 7:
                server.drop()
            time.sleep(0.01)

    with FakeHomeAssistant() as server:
        given = watched(tmp_path, "watch=home_assistant", f"watch.url={server.url}", data=recorded)
        change(recorded[:3])
        watch_some(given, 2, seconds=60, meanwhile=threading.Thread(target=change, args=(recorded[3:25],)))
        change(recorded[25:33])  # while no process listens
        watch_some(given, 3, seconds=60, meanwhile=threading.Thread(target=change, args=(recorded[33:],)))
    told = as_offline(lines(given))
    assert told == offline(given)[: len(told)] and len(told) == 40


def test_a_home_may_be_listened_to_in_another_way_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place of a file was given to whatever was listened to next, which ended with a traceback."""
    monkeypatch.setenv("HOME_ASSISTANT_TOKEN", TOKEN)
    recorded = rows(36)
    by_file = watched(tmp_path, data=recorded[:13])
    watch_some(by_file, 1)

    def change() -> None:
        for row in recorded[13:26]:
            entity, state, changed = row.strip().split(",")
            server.change(entity, state, datetime.fromisoformat(changed))

    with FakeHomeAssistant() as server:
        by_websocket = watched(tmp_path, "watch=home_assistant", f"watch.url={server.url}")
        watch_some(by_websocket, 2, meanwhile=threading.Thread(target=change))
    with (tmp_path / "history.csv").open("a") as stream:
        stream.write("".join(recorded[26:]))
    watch_some(by_file, 1)
    told = as_offline(lines(by_file))
    assert told == offline(watched(tmp_path, data=recorded))[: len(told)] and len(told) == 30
