"""A real MQTT broker, mosquitto, on this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

MOSQUITTO = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
CONFIG = """listener {port} 127.0.0.1
user root
max_queued_messages 0
persistence true
persistence_location {folder}/
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def broker(folder: Path, port: int, password: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """`password`: of the user home; None = anybody may connect. What it has for sessions that are away outlives it."""
    assert MOSQUITTO is not None
    config = CONFIG.format(port=port, folder=folder)
    if password is not None:
        (folder / "passwords").write_text(f"home:{password}\n")
        subprocess.run(["mosquitto_passwd", "-U", folder / "passwords"], check=True)
        config += f"password_file {folder / 'passwords'}\n"
    else:
        config += "allow_anonymous true\n"
    (folder / "mosquitto.conf").write_text(config)
    process = subprocess.Popen([MOSQUITTO, "-c", folder / "mosquitto.conf"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def publisher(port: int) -> Iterator[Any]:
    """A client that publishes, with its own thread."""
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()
