"""task=watch as a command: what it shows, how it ends, and what it refuses."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.commands import har_llm, started, workers_of
from tests.sweep.live.days import answers, rows, watched

pytestmark = pytest.mark.slow

COMMAND = (
    "task=watch",
    "dataset=home_assistant",
    "dataset.path=history.csv",
    "dataset.timezone=UTC",
    "model=tiny_student",
    "engine=scripted",
)


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
def test_it_watches_until_it_is_ended_and_then_says_what_it_did(tmp_path: Path, ended_by: signal.Signals) -> None:
    watched(tmp_path, data=rows(61))
    output = tmp_path / "outputs" / "live" / "history" / "watch.jsonl"
    settings = (f"engine.path={answers(tmp_path)}", "engine.delay_s=0.2", "watch.start=beginning", "watch.quiet_s=600")
    command = started(tmp_path, *COMMAND, *settings)
    deadline, killed = time.monotonic() + 120, list[None]()
    while (not output.exists() or output.read_text().count("\n") < 57) and time.monotonic() < deadline:
        assert command.poll() is None, command.communicate()[1]
        time.sleep(0.05)
        if ended_by == signal.SIGINT and not killed and output.exists() and output.read_text():
            killed = [worker.kill() for worker in workers_of(command)]  # the engine: it is started again
    command.send_signal(ended_by)
    out, errors = command.communicate(timeout=60)
    assert command.returncode == 0, errors
    assert out.startswith("2026-03-02 23:06:28 to 23:21:01, 10 events: preparing a meal, 1 missed (omitted) [")
    loading, watching, *between, ended = errors.splitlines()
    assert loading == "Loading the model."
    assert len(between) == bool(killed) and all("was killed by signal 9" in one for one in between)
    assert watching.startswith("Watching") and "outputs/live/history/watch.jsonl" in watching
    assert ended == (
        "Watched: 61 readings, 58 events, 7 windows answered (7 of them within 60 s); 3 first state of a sensor, no change."
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "history.home.yaml, which describes the home, is not there; run the same command with task=init first"),
        (
            ("dataset=simulated_flat",),
            "but dataset=simulated_flat is a recording of the past; choose dataset=home_assistant",
        ),
        (("-m", "seed=0,1"), "task is watch in a sweep, but it watches one home until it is ended; leave out -m."),
        (("watch.port=1883",), "watch.port"),
    ],
)
def test_what_cannot_be_watched_says_why(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    command = [one for one in COMMAND if "simulated" not in "".join(arguments) or not one.startswith("dataset")]
    assert told in har_llm(tmp_path, *command, *arguments, expect=1).stderr
