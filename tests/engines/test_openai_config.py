"""The server engine's settings: which are refused, which servers are local, and where the key comes from."""

from __future__ import annotations

import dataclasses
import socket
from typing import Any

import pytest

from har_llm.common.errors import ConfigError, EngineError, MissingError
from har_llm.engines.openai_config import OpenaiEngineConfig
from tests.engines.openai_requests import KEY, config
from tests.helpers import load


def test_a_server_elsewhere_needs_the_key_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config("https://api.example.org/v1")
    with pytest.raises(MissingError, match=r"engine\.api_key_env is OPENAI_API_KEY, but there is no such environment"):
        settings.replicas(None, 1)
    config("http://10.0.0.7:8000/v1", api_key_env=None).replicas(None, 1)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert settings.replicas(None, 1) == [{}]
    assert settings.api_key() == KEY
    monkeypatch.setenv("OPENAI_API_KEY", "schlüssel")
    with pytest.raises(MissingError, match="OPENAI_API_KEY holds no API key: no key has such characters"):
        settings.replicas(None, 1)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_dead_port_is_noticed_at_once_and_named(closed_port: int) -> None:
    """It took 85 seconds until the last of the requests was given up."""
    url = f"http://127.0.0.1:{closed_port}/v1"
    with pytest.raises(
        EngineError, match=rf"No server answers at {url} \(Connection refused\); start it there, .* or correct"
    ):
        config(url).check_reachable()


def test_what_listens_is_reachable_and_a_proxy_is_left_to_the_requests(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        config(f"http://127.0.0.1:{server.getsockname()[1]}/v1").check_reachable()
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port}")
    config("https://no.such.host.invalid/v1").check_reachable()


# Settings


def test_the_shipped_settings_are_sound() -> None:
    shipped = load("engine/openai", OpenaiEngineConfig, base_url="http://127.0.0.1:8000/v1")
    shipped.check()
    assert shipped == OpenaiEngineConfig(base_url="http://127.0.0.1:8000/v1")
    assert not shipped.needs_model()
    assert shipped.identity() == {}
    assert set(shipped.follows()) == {"structured", "thinking_token_budget", "repetition_min_count"}
    plain = dataclasses.replace(shipped, extensions=False)
    assert set(plain.follows()) == {"structured"}
    assert plain.identity() != {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base_url": "localhost:8000/v1"}, "'localhost:8000/v1'; it must be an address such as"),
        ({"base_url": "ftp://host/v1"}, "must be an address"),
        ({"base_url": "http://"}, "must be an address"),
        ({"base_url": ""}, "must be an address"),
        ({"base_url": "http://host:99999/v1"}, "must be an address"),
        ({"base_url": "http://[::1/v1"}, "must be an address"),
        ({"base_url": "http://ho st/v1"}, "must be an address"),
        ({"base_url": "http://host/v1/chat/completions"}, "leave out /chat/completions"),
        ({"base_url": f"http://user:{KEY}@host/v1"}, "holds more than an address"),
        ({"base_url": f"http://host/v1?key={KEY}"}, "holds more than an address"),
        ({"base_url": f"ftp://{KEY}@[host"}, "holds more than an address"),
        ({"api_key_env": KEY}, "engine.api_key_env is not the name of an environment variable"),
        ({"api_key_env": ""}, "engine.api_key_env is not the name"),
        ({"concurrency": 0}, "engine.concurrency is 0; it must be from 1 to 1000"),
        ({"timeout": 0.0}, "engine.timeout is 0.0; it must be from 0.01 to 86400"),
        ({"timeout": float("nan")}, "engine.timeout is nan"),
        ({"max_retries": -1}, "engine.max_retries is -1; it must be from 0 to 100"),
        ({"backoff_s": -0.5}, "engine.backoff_s is -0.5; it must be from 0 to 60"),
    ],
)
def test_wrong_settings_are_refused_without_showing_secrets(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        config("http://127.0.0.1:8000/v1", **changes)
    assert words in str(refusal.value)
    assert KEY not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8000/v1", True),
        ("http://127.0.0.2/v1", True),
        ("http://[::1]:8000/v1/", True),
        ("http://0.0.0.0:8000", True),
        ("http://10.0.0.7/v1", False),
        ("https://api.openai.com/v1", False),
        ("http://localhost.example.org/v1", False),
    ],
)
def test_which_servers_are_on_this_machine(url: str, local: bool) -> None:
    assert config(url).local is local
