from __future__ import annotations

import logging
import shutil
import socket
import ssl
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from har_llm.common.errors import ServiceError
from har_llm.data.datasets.own.home_assistant import HomeAssistant
from har_llm.data.datasets.own.home_file import OwnDescription, OwnSensor
from har_llm.data.live import home_assistant_source, home_assistant_talk
from har_llm.data.live.home import LiveHome
from har_llm.data.live.home_assistant import WatchedHomeAssistant
from har_llm.data.live.reading import Batch
from tests.data.live.fake_home_assistant import TOKEN, FakeHomeAssistant

DOOR, LAMP, NOISE = "binary_sensor.door", "light.lamp", "sensor.noise"
BEGIN = datetime(2026, 11, 30, 7, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_assistant_source, "PAUSES_S", (0.01, 0.05))
    monkeypatch.setattr(home_assistant_source, "POLL_S", 0.02)
    monkeypatch.setattr(home_assistant_talk, "SETTLE_S", 0.05)


def home() -> LiveHome:
    dataset = HomeAssistant(name="home", path="history.csv", timezone="Europe/Paris")
    sensors = {DOOR: OwnSensor(name="door"), LAMP: OwnSensor(name="lamp"), NOISE: OwnSensor(left_out=True)}
    return LiveHome(dataset, OwnDescription(sensors=sensors), "history.home.yaml")


class Listening:
    """A source that is read in a thread, as task=watch reads it."""

    def __init__(self, url: str, token: str = TOKEN, place: object = None):
        self.said: list[str] = []
        self.came: list[tuple[str, str]] = []
        self.clocks: list[str] = []
        self.place = place
        self.error: ServiceError | None = None
        self._stop = threading.Event()
        settings = WatchedHomeAssistant(name="home_assistant", url=url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME_ASSISTANT_TOKEN", token)
            self.source = settings.open(home(), place, self.said.append)
        self.batches: list[Batch | None] = []
        self._thread = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        try:
            for batch in self.source.batches(self._stop):
                self._take(batch)
        except ServiceError as error:
            self.error = error

    def _take(self, batch: Batch | None) -> None:
        self.batches.append(batch)
        for reading in () if batch is None else batch.readings:
            self.came.append((reading.sensor, reading.value))
            self.clocks.append(f"{reading.when[1]:%H:%M}")
        self.place = batch.place if batch is not None and batch.place is not None else self.place

    def __enter__(self) -> Listening:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self.source.close()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def until(self, *came: tuple[str, str], said: str = "") -> None:
        """Wait for readings, these and no others, and for a sentence."""
        deadline = time.monotonic() + 10
        while len(self.came) < len(came) or not any(said in one for one in self.said):
            assert time.monotonic() < deadline, (self.came, self.said)
            time.sleep(0.01)
        assert self.came == [*came]


def test_states_changes_and_what_was_missed_come_once_each_and_in_order() -> None:
    with FakeHomeAssistant() as server:
        server.change("sun.sun", "up", at(-2))
        server.change(DOOR, "off", at(-1))
        with Listening(server.url) as listening:
            listening.until(
                (DOOR, "off"), said="it has 1 of the 2 sensors of the home (not: light.lamp; see history.home.yaml)"
            )
            server.change(NOISE, "5", at(0))
            server.change(LAMP, "on", at(1))
            listening.until((DOOR, "off"), (LAMP, "on"))
            server.drop()
            server.change(LAMP, "off", at(2))
            server.change(LAMP, "on", at(3))
            server.change(DOOR, "on", at(4))
            assert server.subscribed.wait(5)
            server.change(DOOR, "off", at(5))
            listening.until(
                *((DOOR, "off"), (LAMP, "on"), (LAMP, "off"), (LAMP, "on"), (DOOR, "on"), (DOOR, "off")), said="it was lost"
            )
        assert listening.clocks == ["07:59", "08:01", "08:02", "08:03", "08:04", "08:05"]
        assert [one.partition(" ")[0] for one in listening.said] == ["Connected", "No", "Connected"]
        assert listening.said[2].endswith("it has 2 of the 2 sensors of the home; it told 4 changes that came meanwhile.")
        server.change(DOOR, "on", at(6))  # while nobody listens
        with Listening(server.url, place=listening.place) as again:
            again.until((DOOR, "off"), (LAMP, "on"), (DOOR, "on"))  # the first two: at the place, or before it


def test_a_wrong_token_ends_it_with_a_sentence_that_does_not_repeat_it() -> None:
    with FakeHomeAssistant() as server, Listening(server.url, token="another-token") as listening:
        deadline = time.monotonic() + 10
        while listening.error is None and time.monotonic() < deadline:
            time.sleep(0.01)
        said = str(listening.error)
        assert "refuses the access token (Invalid access token or password); make a new one" in said
        assert "another-token" not in said and not listening.batches  # so that no model is loaded


def test_a_server_that_is_absent_is_said_once_and_found_when_it_comes() -> None:
    with FakeHomeAssistant() as server:
        url, port = server.url, server.port
    with Listening(url) as listening:
        listening.until(said="No connection to Home Assistant at ws://localhost")
        time.sleep(0.2)
        assert len(listening.said) == 1
        with FakeHomeAssistant(port=port) as server:
            server.change(DOOR, "on", at(0))
            listening.until((DOOR, "on"), said="Connected to")


def test_no_redirection_is_followed() -> None:
    with FakeHomeAssistant() as thief, FakeHomeAssistant(status=307, location=thief.url) as server:
        with Listening(server.url) as listening:
            listening.until(said="it sends elsewhere (HTTP 307), which is not followed; set watch.url to where it is")
        assert not thief.received


@pytest.mark.parametrize(("status", "rule"), [(403, "as after several wrong tokens"), (404, "ends with /api/websocket")])
def test_a_refusal_by_http_is_said_and_tried_again(status: int, rule: str) -> None:
    with FakeHomeAssistant(status=status) as server, Listening(server.url) as listening:
        listening.until(said=rule)
        server.status = None
        listening.until(said="Connected to")
    assert not any(TOKEN in one for one in listening.said)


def test_what_says_nothing_is_no_home_assistant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_assistant_source, "CONNECT_S", 0.1)
    with FakeHomeAssistant() as server:
        server.mute = True
        with Listening(server.url) as listening:
            listening.until(said="no answer within 0.1 s; it is tried again")
            server.mute = False
            listening.until(said="Connected to")


@pytest.mark.parametrize("command", ["get_states", "subscribe_events"])
def test_one_that_takes_the_token_and_answers_no_more_is_tried_again(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_assistant_source, "ANSWER_S", 0.1)
    with FakeHomeAssistant() as server:
        server.unanswered = command
        server.change(DOOR, "on", at(0))
        with Listening(server.url) as listening:
            listening.until(said=f"it accepts the token, and then does not answer {command} within 0.1 s; it is tried again")
            server.unanswered = ""
            monkeypatch.setattr(home_assistant_source, "ANSWER_S", 10.0)
            listening.until((DOOR, "on"), said="Connected to")


def test_what_speaks_no_http_is_said() -> None:
    def answer() -> None:
        with other, other.accept()[0] as connection:  # then closed, so that the next try is refused and not left waiting
            connection.recv(10_000)
            connection.sendall(b"SSH-2.0\r\n")

    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=answer, daemon=True).start()
        with Listening(f"ws://127.0.0.1:{other.getsockname()[1]}/api/websocket") as listening:
            listening.until(said="did not receive a valid HTTP response")


def test_what_is_malformed_is_said_once_and_the_next_message_is_taken() -> None:
    with FakeHomeAssistant() as server, Listening(server.url) as listening:
        listening.until(said="Connected to")
        for _ in range(3):
            server.say("{")
        server.change(DOOR, "on", at(0))
        listening.until((DOOR, "on"))
        rule = "such messages are left out and counted"
        assert listening.said[1:] == [f"Home Assistant at {server.url} sent no JSON object; {rule}."]


def test_a_message_that_is_too_large_ends_the_connection_not_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_assistant_source, "LARGEST", 2**20)
    with FakeHomeAssistant() as server, Listening(server.url) as listening:
        listening.until(said="Connected to")
        server.subscribed.clear()
        server.say("x" * (2**20 + 1))
        assert server.subscribed.wait(5)
        server.change(DOOR, "on", at(0))
        listening.until((DOOR, "on"), said="it sent a message of over 1 MiB")


def test_without_a_recorder_the_present_states_still_come() -> None:
    with FakeHomeAssistant(recorder=False) as server:
        server.change(DOOR, "off", at(0))
        server.change(DOOR, "on", at(1))
        with Listening(server.url, place=at(0).isoformat()) as listening:
            listening.until((DOOR, "on"), said="what changed since 2026-11-30 07:00:00 UTC cannot be had from its recorder")


def test_the_token_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets").setLevel(logging.DEBUG)
    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)  # the fake one's
    with FakeHomeAssistant() as server, Listening(server.url) as listening:
        listening.until(said="Connected to")
    assert TOKEN not in caplog.text


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of localhost that nobody else has issued, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    file = tmp_path / "localhost.pem"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    name = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    command = ["openssl", "req", "-x509", *curve, *name, "-keyout", str(file), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run(command, capture_output=True, check=True)
    file.write_bytes(file.read_bytes() + (tmp_path / "certificate.pem").read_bytes())
    return file


def test_a_certificate_is_checked(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with FakeHomeAssistant(ssl=context) as server:
        with Listening(server.url) as listening:
            listening.until(said="its certificate cannot be checked (self-signed certificate); set SSL_CERT_FILE")
            assert not server.received
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Listening(server.url) as listening:
            listening.until(said="Connected to")
