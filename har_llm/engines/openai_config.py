"""Any server that speaks OpenAI's chat completions (vLLM, SGLang, llama.cpp, OpenAI itself): the settings.

The API key is no setting, because settings are kept with every run; they name the environment variable that holds it.
"""

from __future__ import annotations

import os
import re
import socket
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import SplitResult, urlsplit

from har_llm.common.errors import ConfigError, EngineError, MissingError, reason_of
from har_llm.common.extra_args import check_plain, extra_identity
from har_llm.engines.config import EngineConfig
from har_llm.models.footprint import Footprint

NO_KEY = "none"
"""Sent to a server that needs no key, because the client library requires one."""
CONNECT_S = 10.0
"""Seconds to wait for a connection."""
LONGEST_TIMEOUT_S = 86_400
RANGES: Mapping[str, tuple[float, float]] = {
    "concurrency": (1, 1000),  # as many connections as the client library opens
    "timeout": (0.01, LONGEST_TIMEOUT_S),
    "max_retries": (0, 100),
    "backoff_s": (0, 60),
}


@dataclass(kw_only=True)
class OpenaiEngineConfig(EngineConfig):
    engine_name: ClassVar[str] = "OpenAI"
    engine_class: ClassVar[str] = "har_llm.engines.openai_engine.OpenaiEngine"

    base_url: str
    """Base address of the server's API, such as http://127.0.0.1:8000/v1."""
    api_key_env: str | None = "OPENAI_API_KEY"
    """Name of the environment variable that holds the API key; null = the server needs none."""
    concurrency: int = 32
    """Most requests in flight."""
    timeout: float = 1800.0
    """Seconds to wait for a whole generation; after two timeouts the request fails."""
    max_retries: int = 6
    """How often a request is sent again after a temporary failure."""
    backoff_s: float = 1.0
    """First pause before sending again, in seconds (varied at random); each further one is twice as long, up to a minute."""
    extensions: bool = True
    """true: also send what vLLM and similar servers understand beyond OpenAI's API: top_k, min_p, enable_thinking and
    conf/decoding. SGLang and llama.cpp silently ignore thinking_token_budget and repetition_min_count; llama.cpp follows
    structured where model.thinking is false, and that it ignores it elsewhere is noticed. false: OpenAI's API only, for
    OpenAI's own models and for llama.cpp with decoding=structured after reasoning. It has no top_k and no min_p (set
    both to 0) and no enable_thinking: model.thinking then only says whether reasoning is expected (OpenAI's own models:
    false). The server renders the prompts; only with extensions, and only for a template that takes date_string, is a
    date in them the same every day."""
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
        check_plain(self.extra_args, "engine.extra_args")

    def identity(self) -> dict[str, Any]:
        """Without extensions, enable_thinking is not sent, and the server takes settings from the model's files."""
        made: dict[str, Any] = {} if self.extensions else {"extensions": False}
        return made | extra_identity(self.extra_args)

    def follows(self) -> Sequence[str]:
        return ("structured", "thinking_token_budget", "repetition_min_count") if self.extensions else ("structured",)

    def about(self) -> dict[str, Any]:
        return {"server": self.base_url}

    def needs_model(self) -> bool:
        return False

    def replicas(self, size: Footprint | None, tokens: int) -> Sequence[Mapping[str, str]]:
        self.api_key()  # a missing key is reported before anything starts
        return [{}]

    def check_reachable(self) -> None:
        """Raise EngineError if nothing listens at the address: requests would be sent again for a minute or more."""
        url = urlsplit(self.base_url)
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        if not self.local and _has_proxy(url.scheme, host):
            return  # the proxy is asked with the first request
        try:
            socket.create_connection((host, port), timeout=self.connect_s).close()
        except OSError as error:
            raise EngineError(
                f"No server answers at {self.base_url} ({reason_of(error)}); start it there, as with "
                f"`vllm serve MODEL --port {port}`, or correct engine.base_url, and run the same command again."
            ) from None

    def api_key(self) -> str | None:
        """The API key, or None for a server that needs none. Raises MissingError if it is needed and not set."""
        # A key that was read from a file may end in a line break, which cannot be sent.
        key = os.environ.get(self.api_key_env or "", "").strip()
        if not (key.isascii() and key.isprintable()):
            raise MissingError(f"The environment variable {self.api_key_env} holds no API key: no key has such characters.")
        if not key and self.api_key_env is not None and not self.local:
            raise MissingError(
                f"engine.api_key_env is {self.api_key_env}, but there is no such environment variable; set it to the key of "
                f"{self.base_url}, or set engine.api_key_env=null for a server that needs none."
            )
        return key or None

    @property
    def connect_s(self) -> float:
        """Seconds to wait for a connection."""
        return min(CONNECT_S, self.timeout)

    @property
    def local(self) -> bool:
        """Whether the server's address is on this machine."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            address = ip_address(host)
        except ValueError:
            return host == "localhost"
        return address.is_loopback or address.is_unspecified


def _has_proxy(scheme: str, host: str) -> bool:
    """Whether the environment names a proxy for this host."""
    proxies = urllib.request.getproxies()
    return (scheme in proxies or "all" in proxies) and not urllib.request.proxy_bypass(host)


def _check_url(text: str) -> None:
    """Raise ConfigError for what is not the address of a server, or has more in it: a password, or a key as a parameter."""
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        url, usable = SplitResult("", "", "", "", ""), False
    if "@" in text or "?" in text or "#" in text:  # the message must not repeat the address: it may hold a secret
        raise ConfigError(
            "engine.base_url holds more than an address (a user name, a password or parameters), and settings are kept with "
            "every run; leave only http://HOST:PORT/v1, and put a key into the variable that engine.api_key_env names."
        )
    if not usable or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigError(f"engine.base_url is {text!r}; it must be an address such as http://127.0.0.1:8000/v1.")
    if url.path.rstrip("/").endswith("/chat/completions"):
        raise ConfigError(f"engine.base_url is {text!r}; leave out /chat/completions, which is added to it.")
