"""Home Assistant's websocket as what task=watch listens to: the settings.

The token is no setting, because settings are kept; they name the environment variable that holds it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from har_llm.common.errors import ConfigError, MissingError
from har_llm.data.live.reading import WatchConfig

EXAMPLE = "ws://homeassistant.local:8123/api/websocket"


@dataclass(kw_only=True)
class WatchedHomeAssistant(WatchConfig):
    """The states of entities, as Home Assistant tells them while they change. What changes while there is no connection is
    asked for afterwards."""

    source_class: ClassVar[str] = "har_llm.data.live.home_assistant_source.HomeAssistantSource"

    url: str = EXAMPLE
    """The websocket of Home Assistant; wss:// where it has a certificate, which is checked. The token goes to it alone: no
    proxy is used, and no redirection followed."""
    token_env: str = "HOME_ASSISTANT_TOKEN"  # noqa: S105 - a name
    """Name of the environment variable that holds a long-lived access token (in Home Assistant: your profile, Security)."""

    def check(self) -> None:
        super().check()
        _check_url(self.url)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.token_env):  # not repeated: it may be a token
            raise ConfigError(
                "watch.token_env is not the name of an environment variable; put the token into one and give its name, as "
                "in watch.token_env=HOME_ASSISTANT_TOKEN."
            )

    def token(self) -> str:
        """Raises MissingError where the variable has none."""
        token = os.environ.get(self.token_env, "").strip()
        if token and token.isascii() and token.isprintable():
            return token
        fault = "holds no access token" if token else "is not set"
        raise MissingError(
            f"{self.token_env} {fault}; make a long-lived access token in Home Assistant (your profile, Security) and "
            f"run: export {self.token_env}=TOKEN"
        )


def _check_url(text: str) -> None:
    """Raise ConfigError for what is no address of a websocket, or has more in it, such as a password."""
    if "@" in text or "?" in text or "#" in text:  # not repeated: it may hold a secret
        raise ConfigError(
            f"watch.url holds more than an address (a user name, a password or parameters); leave only {EXAMPLE}, and put "
            f"the token into the variable that watch.token_env names."
        )
    try:
        url = urlsplit(text)
        usable = url.scheme in ("ws", "wss") and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigError(f"watch.url is {text!r}; it must be the address of a websocket, such as {EXAMPLE}.")
