"""Every command of docs/gateway.md is typed, in the folder of a made-up home, with the embedded student as a GGUF file."""

from __future__ import annotations

import configparser
import importlib.util
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from har_llm.data.live.file import WatchedFile
from har_llm.data.live.home_assistant import WatchedHomeAssistant
from har_llm.data.live.mqtt import WatchedMqtt
from har_llm.scoring.names import cause_name
from har_llm.scoring.prediction import CAUSES
from har_llm.sweep.live.service import FAILED, QUEUE_FULL, TOO_SHORT
from tests.commands import har_llm, started
from tests.composing import experiment
from tests.data.live.brokers import broker, free_port, needs_broker, publisher
from tests.data.live.fake_home_assistant import TOKEN, FakeHomeAssistant
from tests.gguf_files import write_gguf
from tests.test_docs import DOCS, commands, write_recording

needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed; .ci/run builds it"
)
DOOR = "binary_sensor.hall_front_door"
BEGAN = datetime.now(UTC) - timedelta(hours=2)
Change = Callable[[str, str, datetime], object]


def typed(*words: str) -> list[str]:
    """The command that has all of these words, with answers of a few tokens and windows of two events."""
    (found,) = [one for one in commands("gateway.md") if set(words) <= {*one}]
    return [*found, "model.sampling.max_new_tokens=20", "window.events=2"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_recording(tmp_path / "history.csv")
    har_llm(tmp_path, "task=init", "dataset=home_assistant", "dataset.path=history.csv", "dataset.timezone=Europe/Paris")
    return tmp_path


@pytest.fixture
def board(home: Path) -> Path:
    write_gguf(home / "student.gguf")
    return home


def test_the_commands_are_those_that_are_typed_here() -> None:
    told = [[one for one in arguments if one.startswith(("task=", "watch="))] for arguments in commands("gateway.md")]
    assert sorted(map(" ".join, told)) == [
        *("task=bench", "task=export", "task=predict"),
        *("task=watch", "task=watch watch=home_assistant", "task=watch watch=mqtt"),
    ]


@pytest.mark.slow
def test_a_student_is_planned_for(home: Path) -> None:
    """The model itself would be downloaded."""
    for task in ("task=predict", "task=export"):
        arguments = [one for one in typed(task) if not one.startswith("task=")]
        assert "qwen3_0.6b" in har_llm(home, *arguments, "task=plan").stdout


def test_each_setting_of_what_is_watched_is_explained() -> None:
    page = (DOCS / "gateway.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `watch.")]
    told = [name for row in rows for name in re.findall(r"`watch\.(\w+)`", row)]
    kinds = (WatchedFile, WatchedMqtt, WatchedHomeAssistant)
    assert sorted(told) == sorted({one.name for kind in kinds for one in fields(kind)} - {"name"})


def test_each_cause_of_a_missed_event_is_explained_as_it_is_printed() -> None:
    page = (DOCS / "gateway.md").read_text(encoding="utf-8")
    table = page.partition("| `missed (...)` |")[2].partition("\n\n")[0]
    told = re.findall(r"`([^`]+)`", "".join(line.split("|")[1] for line in table.splitlines()[2:]))
    assert sorted(told) == sorted([*map(cause_name, CAUSES), QUEUE_FULL, FAILED, TOO_SHORT])


@needs_llama
@pytest.mark.slow
def test_a_window_is_measured(board: Path) -> None:
    assert "s a window" in har_llm(board, *typed("task=bench"), "limit=3").stdout


@needs_llama
@pytest.mark.slow
def test_the_recording_is_watched(board: Path) -> None:
    with watching(board, typed("task=watch", "watch.start=beginning")) as told:
        told(4)


@needs_llama
@needs_broker
@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto_pub (mosquitto-clients) is not installed")
@pytest.mark.slow
def test_a_broker_is_watched_and_gets_the_sensor(board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQTT_PASSWORD", "secret")
    port, heard = free_port(), dict[str, str]()
    with broker(board, port), publisher(port) as client:
        client.on_message = lambda *said: heard.update({said[2].topic: said[2].payload.decode()})
        client.subscribe("#", 1)

        def change(entity: str, value: str, moment: datetime) -> None:
            base = f"statestream/{entity.replace('.', '/')}"
            client.publish(f"{base}/state", value, qos=1, retain=True)
            client.publish(f"{base}/last_changed", moment.isoformat(), qos=1, retain=True)

        with watching(board, [*at_host(typed("watch=mqtt"), "127.0.0.1"), f"watch.port={port}"]) as told:
            opened_and_closed(change)
            told(4)
            by_hand(port)
            told(5)  # its event closes the window of the one before
    assert heard["har_llm/har_llm_history/availability"] == "offline"
    assert json.loads(heard["har_llm/har_llm_history/attributes"]).keys() == attributes_told()


def by_hand(port: int) -> None:
    """The page's lines of mosquitto_pub, one event."""
    page = (DOCS / "gateway.md").read_text(encoding="utf-8")
    (lines,) = [
        block for block in re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE) if "mosquitto_pub" in block
    ]
    subprocess.run(["sh", "-ec", lines.replace("homeassistant.local", f"127.0.0.1 -p {port}")], check=True)


def attributes_told() -> set[str]:
    """The first column of the page's table of attributes."""
    table = re.search(r"Its attributes:\n\n.*?\n\n", (DOCS / "gateway.md").read_text(encoding="utf-8"), re.DOTALL)
    assert table is not None
    return {name for row in table[0].splitlines()[4:] if row for name in re.findall(r"`(\w+)`", row.split("|")[1])}


@needs_llama
@pytest.mark.slow
def test_home_assistant_is_watched(board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME_ASSISTANT_TOKEN", TOKEN)
    with FakeHomeAssistant() as server:
        arguments = at_host(typed("watch=home_assistant"), "localhost", f"localhost:{server.port}")
        with watching(board, arguments) as told:
            opened_and_closed(server.change)
            told(4)


def at_host(arguments: Sequence[str], host: str, address: str | None = None) -> list[str]:
    """A command of the page with another machine in place of homeassistant.local."""
    return [
        one.replace("homeassistant.local:8123", address or host).replace("homeassistant.local", host) for one in arguments
    ]


def opened_and_closed(change: Change) -> None:
    for minute in range(6):
        change(DOOR, "off" if minute % 2 else "on", BEGAN + timedelta(minutes=minute))


@contextmanager
def watching(folder: Path, arguments: Sequence[str]) -> Iterator[Callable[[int], None]]:
    """A process that watches, until it is ended as systemd ends it. Gives what waits for so many events in its output."""
    output, log = folder / "outputs" / "live" / "history" / "watch.jsonl", folder / "said.txt"
    with log.open("w") as said:
        process = started(folder, *arguments, errors=said)

    def until(file: Path, lines: int, word: str = "") -> None:
        deadline = time.monotonic() + 300
        while (
            not file.exists() or len([one for one in file.read_text(encoding="utf-8").splitlines() if word in one]) < lines
        ):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.1)

    try:
        until(log, 1, "Watching")
        yield lambda events: until(output, events)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()
    assert "Watched: " in log.read_text(encoding="utf-8").splitlines()[-1]


@pytest.fixture
def unit() -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(DOCS / "har-llm-watch.service", encoding="utf-8")
    return found


def test_the_unit_starts_a_command_of_the_page(unit: configparser.ConfigParser) -> None:
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert program == "/home/har/venv/bin/har-llm" and unit["Service"]["WorkingDirectory"] == "/home/har"
    (told,) = [one for one in commands("gateway.md") if "watch=home_assistant" in one]
    assert set(arguments) <= set(told)
    assert experiment(*arguments).watch.name == "home_assistant"


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    file = tmp_path / "har-llm-watch.service"
    text = (DOCS / file.name).read_text(encoding="utf-8").replace("/home/har/venv/bin/har-llm", sys.executable)
    file.write_text(text.replace("User=har\n", ""), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
