"""An engine without a model: it answers from a file. For tests, and to score answers that were made elsewhere."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError, reason_of
from har_llm.common.files import read_bounded
from har_llm.common.paths import expanded
from har_llm.engines.base import FINISH_REASONS, Generation, LoadedModel, Request
from har_llm.engines.config import EngineConfig


@dataclass(kw_only=True)
class ScriptedEngineConfig(EngineConfig):
    """Answers each prompt with the text of the first rule whose `contains` occurs in the prompt's last message."""

    engine_name: ClassVar[str] = "Scripted"
    engine_class: ClassVar[str] = "har_llm.engines.scripted.ScriptedEngine"
    synthetic: ClassVar[bool] = True

    path: str | None = None
    """JSONL of {"contains": text, "text": answer, "finish_reason": "stop"}; rules are tried in order."""
    text: str = ""
    """The answer if no rule fits."""
    finish_reason: str = "stop"
    delay_s: float = 0.0
    """Pause before each answer, in seconds."""

    def check(self) -> None:
        require("engine.finish_reason", self.finish_reason, FINISH_REASONS)
        if self.delay_s < 0:
            raise ConfigError(f"engine.delay_s is {self.delay_s}; it must be 0 or more.")
        read_rules(self.path)

    def identity(self) -> dict[str, Any]:
        rules = json.dumps([rule.__dict__ for rule in read_rules(self.path)], sort_keys=True)
        script = hashlib.sha256(rules.encode()).hexdigest()
        return {"engine": "scripted", "script": script, "text": self.text, "finish_reason": self.finish_reason}

    def needs_model(self) -> bool:
        return False


@dataclass(frozen=True)
class Rule:
    contains: str
    text: str
    finish_reason: str = "stop"


class ScriptedEngine:
    def __init__(self, config: ScriptedEngineConfig, model: LoadedModel):
        self._delay_s = config.delay_s
        self._rules = read_rules(config.path)
        self._default = Rule("", config.text, config.finish_reason)

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        for request in requests:
            prompt = request.messages[-1]["content"]
            rule = next((rule for rule in self._rules if rule.contains in prompt), self._default)
            time.sleep(self._delay_s)
            tokens = len(rule.text.split())
            yield Generation(request.key, rule.text, rule.finish_reason, len(prompt.split()), tokens, self._delay_s)

    def close(self) -> None:
        pass


def read_rules(path: str | None) -> list[Rule]:
    """The rules of a file. Raises ConfigError, with the line, if it does not have the form of ScriptedEngineConfig.path."""
    if path is None:
        return []
    try:
        text = read_bounded(expanded(path)).decode()
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a path that no file can have
        raise ConfigError(f"engine.path is {path!r}, which cannot be read: {reason_of(error)}.") from None
    rules = []
    # Not splitlines, which would also end a row at a line separator (U+2028) that JSON allows within a string.
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], 1):
        rule = _rule(line)
        if rule is None:
            raise ConfigError(f'{path}:{number}: not of the form {{"contains": "...", "text": "..."}}: {line[:80]}')
        require(f"{path}:{number}: finish_reason", rule.finish_reason, FINISH_REASONS)
        rules.append(rule)
    return rules


def _rule(line: str) -> Rule | None:
    try:
        rule = Rule(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    return rule if isinstance(rule.contains, str) and isinstance(rule.text, str) else None
