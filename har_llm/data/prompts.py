"""Windows turned into chat messages (section 3.1.3).

What a model is told is written in conf/prompt and conf/dataset, never here. Gold activities, subjects and events outside the
window are not used, so they cannot leak into a prompt.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from string import Template
from typing import Protocol, runtime_checkable

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.paths import expanded
from har_llm.data.answer_form import FORMATS, AnswerForm, AnswerKeys, check_mark
from har_llm.data.records import Home, Message, Prompt, Window

EVENT_IDS = ("session", "window")
PLACEHOLDERS = ("description", "rooms", "activities", "rules", "id_key", "activity_key", "events")


@runtime_checkable
class PromptConfig(Protocol):
    """A prompt's settings. Configured by conf/prompt/<name>.yaml."""

    @property
    def form(self) -> AnswerForm: ...

    def check(self) -> None: ...

    def renderer(self, home: Home) -> Renderer:
        """What turns windows of this home into prompts."""
        ...


@dataclass(kw_only=True)
class AskingPrompt:
    """What all prompts say of the ids and the form of the answers that they ask for."""

    event_ids: str = "session"
    """session: an event keeps its position in the session; window: ids start at 0 in each window."""
    answer_format: str = "json"
    """How answers are parsed. json: a list of objects; lines: a line an event, as in "0. cooking"."""
    answer_keys: AnswerKeys = field(default_factory=AnswerKeys)
    """The keys of the objects of a JSON answer that the prompt asks for, and by which answers are parsed."""
    answer_mark: str | None = None
    """The line after which the answer comes, where the prompt asks to reason before it in the text; null = none."""

    def check(self) -> None:
        require("prompt.event_ids", self.event_ids, EVENT_IDS)
        require("prompt.answer_format", self.answer_format, FORMATS)
        self.answer_keys.check()
        check_mark(self.answer_mark)

    @property
    def form(self) -> AnswerForm:
        return AnswerForm(self.answer_format, self.answer_keys, self.answer_mark)


@dataclass(kw_only=True)
class SectionedPrompt(AskingPrompt):
    """Named sections, filled with the home and joined by blank lines; the window's events come last.

    A section may use $description, $rooms, $activities and $rules, and $id_key and $activity_key for the keys of an answer;
    `events` uses $events. A section whose placeholder is empty for a home (no rules, no description) is left out whole, and
    so is one that is null or empty itself.
    """

    system: str
    sections: dict[str, str | None] = field(default_factory=dict)
    events: str = "$events"

    def check(self) -> None:
        super().check()
        for name, text in self.sections.items():
            _check_placeholders(f"prompt.sections.{name}", text or "", PLACEHOLDERS[:-1])
        _check_placeholders("prompt.system", self.system, PLACEHOLDERS[:-1])
        _check_placeholders("prompt.events", self.events, PLACEHOLDERS)
        count = len(_template_parts(self.events)) - 1
        if count == 0:
            raise ConfigError("prompt.events has no $events; without it a model would not see the window.")
        if count > 1:
            raise ConfigError(f"prompt.events has $events {count} times; it must have it once.")

    def renderer(self, home: Home) -> Renderer:
        values = _home_values(home) | {"id_key": self.answer_keys.id, "activity_key": self.answer_keys.activity}
        parts = [_section(text or "", values) for text in self.sections.values()]
        before, after = _template_parts(self.events.strip())
        return Renderer(
            Template(self.system).substitute(values).strip(),
            "\n\n".join([*filter(None, parts), Template(before).substitute(values)]),
            Template(after).substitute(values),
            window_ids=self.event_ids == "window",
        )


@dataclass(kw_only=True)
class VerbatimPrompt(AskingPrompt):
    """A user's own file, sent as it is with the window's events in place of $events (at its end when it has none).

    Only the placeholders of this module are filled; any other $ stays as written.
    """

    path: str | None = None
    """The file."""
    system: str = ""

    def check(self) -> None:
        super().check()
        if not self.path:
            raise ConfigError("prompt.path is not set; prompt=verbatim needs prompt.path=FILE, the text to send.")

    def renderer(self, home: Home) -> Renderer:
        path = expanded(str(self.path))
        try:
            text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")  # what editors on Windows write is not meant
        except FileNotFoundError:
            raise MissingError(
                f"prompt.path is {str(path)!r}, which does not exist; name the file with your prompt."
            ) from None
        except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a path that no file can have
            raise MissingError(f"prompt.path is {str(path)!r}, which cannot be read as UTF-8 text: {error}.") from None
        if not _EVENTS.search(text):
            text = text.rstrip("\n") + "\n\n$events"
        before, after = (_fill(half, _home_values(home)) for half in _EVENTS.split(text, maxsplit=1))
        return Renderer(self.system, before, after, window_ids=self.event_ids == "window")


class Renderer:
    """Turns windows of one home into prompts. The static text is built once."""

    def __init__(self, system: str, before: str, after: str, *, window_ids: bool):
        self._system: tuple[Message, ...] = ({"role": "system", "content": system},) if system else ()
        self._before = before
        self._after = after
        self._window_ids = window_ids

    def render(self, window: Window) -> Prompt:
        ids = tuple(range(len(window.events))) if self._window_ids else tuple(event.id for event in window.events)
        text = self._before + events_json(window, ids) + self._after
        return Prompt(window, (*self._system, {"role": "user", "content": text}), ids)


_quote = json.encoder.encode_basestring  # what json.dumps(ensure_ascii=False) does to a string, without its set-up


def events_json(window: Window, ids: tuple[int, ...]) -> str:
    """The window as a JSON list, one event a line (section 3.1.1)."""
    lines = [
        f'{{"id": {shown}, "time": "{event.time}", "event": {_quote(event.text)}}}'
        for shown, event in zip(ids, window.events, strict=True)
    ]
    return "[\n" + ",\n".join(lines) + "\n]"


def _home_values(home: Home) -> dict[str, str]:
    return {
        "description": home.description,
        "rooms": "\n".join(
            f"- {room}: {', '.join(things)}" if things else f"- {room}" for room, things in home.rooms.items()
        ),
        "activities": "\n".join(f"{number}. {home.described(number)}" for number in home.activities),
        "rules": "\n".join(f"- {rule}" for rule in home.rules),
    }


_EVENTS = re.compile(r"(?<!\$)\$(?:events\b|\{events\})")
_HOME = re.compile(r"\$(?:(description|rooms|activities|rules)\b|\{(description|rooms|activities|rules)\})")


def _template_parts(text: str) -> list[str]:
    """The parts around each $events. Split before anything is filled in, so that no "$events" of a home's text counts."""
    parts, end = [], 0
    for match in Template.pattern.finditer(text):
        if "events" in (match["named"], match["braced"]):
            parts.append(text[end : match.start()])
            end = match.end()
    return [*parts, text[end:]]


def _section(text: str, values: dict[str, str]) -> str:
    """The section filled in; empty if the value of one of its placeholders is empty."""
    if not all(values[name] for name in Template(text).get_identifiers()):
        return ""
    return Template(text).substitute(values).strip()


def _fill(text: str, values: dict[str, str]) -> str:
    """The home's placeholders filled in, and every other $ left as it is."""
    return _HOME.sub(lambda match: values[match[1] or match[2]], text)


def _check_placeholders(field_name: str, text: str, allowed: tuple[str, ...]) -> None:
    if not Template(text).is_valid():
        raise ConfigError(f"{field_name} has a lone $; write $$ for a dollar sign.")
    unknown = sorted(set(Template(text).get_identifiers()) - set(allowed))
    if unknown:
        raise ConfigError(f"{field_name} uses ${unknown[0]}; it may use {', '.join('$' + name for name in allowed)}.")
