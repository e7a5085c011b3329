"""Any server that speaks OpenAI's chat completions (vLLM, SGLang, llama.cpp, OpenAI itself): the settings.

The key is never a setting: the settings are kept with every run. They name the environment variable that holds it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import SplitResult, urlsplit

from har_llm.common.errors import ConfigError, MissingError
from har_llm.engines.base import SingleWorker, extra_identity

NO_KEY = "none"
"""Sent to a server that asks for no key, because the client library does not go without."""
LONGEST_TIMEOUT_S = 86_400
RANGES: Mapping[str, tuple[float, float]] = {
    "concurrency": (1, 1000),  # as many connections as the client library opens
    "timeout": (0.01, LONGEST_TIMEOUT_S),
    "max_retries": (0, 100),
    "backoff_s": (0, 60),
}


@dataclass(kw_only=True)
class OpenaiEngineConfig(SingleWorker):
    engine_class: ClassVar[str] = "har_llm.engines.openai_engine.OpenaiEngine"

    base_url: str
    """Where the server's API begins, such as http://127.0.0.1:8000/v1."""
    api_key_env: str | None = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key; null = the server asks for none."""
    concurrency: int = 32
    """Most requests in flight."""
    timeout: float = 1800.0
    """Longest wait for a whole text; after a second one in vain the request fails."""
    max_retries: int = 6
    """How often a request is sent again after a failure that may pass."""
    backoff_s: float = 1.0
    """About how long the first pause before sending again is; each further one is twice as long, up to a minute."""
    extensions: bool = True
    """true: send what vLLM and its relatives understand beyond OpenAI's API: top_k, min_p, enable_thinking, decoding. SGLang
    and llama.cpp pass over thinking_token_budget and repetition_min_count in silence, llama.cpp over structured too (which
    is noticed). false: OpenAI's API alone. It knows no top_k and no min_p (set both to 0) and no enable_thinking:
    model.thinking then only says whether <think> is expected (OpenAI's own models: false). So, too, for llama.cpp with
    decoding=structured."""
    extra_args: dict[str, Any] = field(default_factory=dict)
    """Further fields of every request's body, as the server knows them."""

    def check(self) -> None:
        _check_url(self.base_url)
        # The value is not repeated: it may be a key that was taken for the name.
        if self.api_key_env is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.api_key_env):
            raise ConfigError(
                "engine.api_key_env is not the name of an environment variable; put the key into one and give its name, "
                "as in engine.api_key_env=OPENAI_API_KEY."
            )
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"engine.{name} is {value}; it must be from {low:g} to {high:g}.")

    def identity(self) -> dict[str, Any]:
        """Without extensions enable_thinking is not sent, and a server takes from the model's own file what is left open."""
        made: dict[str, Any] = {} if self.extensions else {"extensions": False}
        return made | extra_identity(self.extra_args)

    def follows(self) -> Sequence[str]:
        return ("structured", "thinking_token_budget", "repetition_min_count") if self.extensions else ("structured",)

    def about(self) -> dict[str, Any]:
        return {"server": self.base_url}

    def needs_model(self) -> bool:
        return False

    def replicas(self, weight_bytes: float | None) -> Sequence[Mapping[str, str]]:
        self.api_key()  # a missing one is said before anything is begun
        return [{}]

    def api_key(self) -> str | None:
        """The key, or None where the server gets none. Raises MissingError for one that is needed and not there."""
        # A file's line end comes along easily and could not be sent.
        key = os.environ.get(self.api_key_env or "", "").strip()
        if not (key.isascii() and key.isprintable()):
            raise MissingError(f"The environment variable {self.api_key_env} holds no key: it has characters that none has.")
        if not key and self.api_key_env is not None and not self.local:
            raise MissingError(
                f"engine.api_key_env is {self.api_key_env}, but there is no such environment variable; set it to the key of "
                f"{self.base_url}, or engine.api_key_env=null for a server that asks for none."
            )
        return key or None

    @property
    def local(self) -> bool:
        """Whether the server runs on this machine, as far as its address says."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            address = ip_address(host)
        except ValueError:
            return host == "localhost"
        return address.is_loopback or address.is_unspecified


def _check_url(text: str) -> None:
    """Raises ConfigError for what is no address of a server, or holds more than one: a password, a key as a parameter."""
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        url, usable = SplitResult("", "", "", "", ""), False
    if "@" in text or "?" in text or "#" in text:  # not repeated: what is secret in it would be shown
        raise ConfigError(
            "engine.base_url holds more than an address (a user name, a password or parameters), and settings are kept with "
            "every run; leave only http://HOST:PORT/v1, and put a key into the variable that engine.api_key_env names."
        )
    if not usable or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigError(f"engine.base_url is {text!r}; it must be an address such as http://127.0.0.1:8000/v1.")
    if url.path.rstrip("/").endswith("/chat/completions"):
        raise ConfigError(f"engine.base_url is {text!r}; leave out /chat/completions, which is added to it.")
