from __future__ import annotations

import sys

import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.data.datasets.own.base import OwnHome
from har_llm.data.datasets.own.events import Events
from har_llm.data.datasets.own.home_assistant import HomeAssistant
from har_llm.data.datasets.own.home_file import OwnDescription
from har_llm.data.live.home import LiveHome
from har_llm.data.live.home_assistant import WatchedHomeAssistant
from har_llm.data.live.home_assistant_source import HomeAssistantSource
from har_llm.data.live.reading import Source

HISTORY = HomeAssistant(name="home", path="history.csv")


def opened(dataset: OwnHome = HISTORY, **settings: str) -> Source:
    watch = WatchedHomeAssistant(name="home_assistant", **settings)  # type: ignore[arg-type]
    watch.check()
    home = LiveHome(dataset, OwnDescription(), "history.home.yaml")
    return watch.open(home, None, print)


def test_a_home_whose_events_are_no_changes_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"but dataset=events takes each for an event; choose dataset=home_assistant\."):
        opened(Events(name="home", path="week.csv"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "homeassistant.local",
        "http://homeassistant.local:8123",
        "ws://",
        "ws://home:0/",
        "ws://home:x/",
        "ws://[home",
        "ws://home\n/",
        "ws://hôme/",
    ],
)
def test_what_is_no_address_of_a_websocket_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"must be the address of a websocket, such as ws://homeassistant\.local:8123"):
        opened(url=url)


@pytest.mark.parametrize("url", ["ws://me:secret@home/", "ws://home/?token=secret", "ws://home/#secret"])
def test_an_address_with_a_secret_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError, match="holds more than an address") as refused:
        opened(url=url)
    assert "secret" not in str(refused.value)


def test_a_token_in_place_of_the_name_of_its_variable_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConfigError, match="not the name of an environment variable") as refused:
        opened(token_env="eyJhbGci.secret")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("token", "fault"), [(None, "is not set"), (" \n", "is not set"), ("se\ncret", "holds no access token")]
)
def test_a_missing_token_is_said_before_anything_is_loaded(
    token: str | None, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if token is None:
        monkeypatch.delenv("HOME_ASSISTANT_TOKEN", raising=False)
    else:
        monkeypatch.setenv("HOME_ASSISTANT_TOKEN", token)
    with pytest.raises(MissingError, match=f"^HOME_ASSISTANT_TOKEN {fault}; make a long-lived access token") as missing:
        opened()
    assert "cret" not in str(missing.value)


def test_a_missing_library_is_said_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "secret\n")
    assert isinstance(opened(token_env="MY_TOKEN"), HomeAssistantSource)
    monkeypatch.delitem(sys.modules, HomeAssistantSource.__module__)
    monkeypatch.setitem(sys.modules, "websockets.exceptions", None)
    with pytest.raises(
        MissingError, match=r"watch=home_assistant needs a library .*websockets.*`pip install -e '\.\[live\]'`"
    ):
        opened(token_env="MY_TOKEN")
