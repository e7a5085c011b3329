"""Windows turned into chat messages (section 3.1.3).

What a model is told is written in conf/prompt and conf/dataset, never here. Gold activities, subjects and events outside the
window are not used, so they cannot leak into a prompt; only few-shot prompts show other windows, with gold activities.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from string import Template

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError, MissingError, reason_of
from har_llm.common.files import read_bounded
from har_llm.common.paths import expanded
from har_llm.data.answer_form import ACTIVITIES, FORMATS, AnswerForm, AnswerKeys, check_mark
from har_llm.data.gold_answer import gold_answer, written_answer
from har_llm.data.records import Home, Window
from har_llm.data.rendering import EventsText, Renderer, StaticText, events_json, events_lines, shown_ids

EVENT_IDS = ("session", "window")
EVENT_FORMATS = ("json", "lines")
KEYS = ("id_key", "activity_key", "resident_key")
OF_A_HOME = ("description", "rooms", "activities", "names", "rules", *KEYS, "answer", "form", "mark")
OF_A_WINDOW = ("events", "ids")
"""Placeholders of what differs from window to window."""


@dataclass(kw_only=True)
class PromptConfig(ABC):
    """What all prompts share: the ids and the form of the answers that they ask for. Configured by conf/prompt."""

    name: str = "own"
    """Names the prompt in records and tables."""
    event_ids: str = "session"
    """session: an event keeps its position in the session; window: ids start at 0 in each window."""
    show_date: bool = False
    """Whether an event has its date and weekday before its time; false as in the paper."""
    answer_format: str = "json"
    """How answers are parsed. json: a list of objects; lines: a line an event, as in "0. cooking"."""
    answer_keys: AnswerKeys = field(default_factory=AnswerKeys)
    """The keys of the objects of a JSON answer that the prompt asks for, and by which answers are parsed."""
    answer_activities: str = "names"
    """names or numbers: how the prompt asks for activities, and so how gold answers are written. Names are understood
    always, numbers where the prompt has them."""
    answer_mark: str | None = None
    """The line after which the answer comes, where the prompt asks to reason before it in the text; null = none."""
    examples: int = 0
    """Windows of the training part that are shown with their gold activities; such runs are marked as using gold."""
    examples_seed: int = 0
    """Draws these windows."""

    def check(self) -> None:
        require("prompt.event_ids", self.event_ids, EVENT_IDS)
        require("prompt.answer_format", self.answer_format, FORMATS)
        require("prompt.answer_activities", self.answer_activities, ACTIVITIES)
        self.answer_keys.check()
        if self.answer_keys.resident is not None and self.answer_format != "json":
            raise ConfigError(
                f"prompt.answer_keys.resident is {self.answer_keys.resident!r}, but a line an event has no place for it; "
                f"add prompt.answer_format=json, or leave it null."
            )
        check_mark(self.answer_mark)
        if self.examples < 0:
            raise ConfigError(f"prompt.examples is {self.examples}; it must be 0 or more.")

    def text_digest(self) -> str | None:
        """A digest of a user's own text; None where the settings say all of it."""
        return None

    @property
    def form(self) -> AnswerForm:
        return AnswerForm(
            self.answer_format, self.answer_keys, self.answer_activities, self.answer_mark, numbered=self._numbered
        )

    @abstractmethod
    def renderer(self, home: Home, shown: Sequence[Window] = ()) -> Renderer:
        """What turns windows of this home into prompts. `shown`: windows for its examples, one more than it has."""

    @property
    def _numbered(self) -> bool:
        """Whether it may show activities with their numbers."""
        return True


@dataclass(kw_only=True)
class SectionedPrompt(PromptConfig):
    """Named sections, filled with the home and joined by blank lines; the window's events come last.

    A section may use $description, $rooms, $activities (or $names, without their numbers) and $rules; $examples; $answer,
    the answer in words, $form, one for two events with blanks in place of activities, $mark, $id_key, $activity_key and
    $resident_key.
    `events` uses $events, and behind it $ids, the window's ids. A section whose placeholder is empty (no rules, no
    description, no examples) is left out whole, and so is one that is null or empty.
    """

    system: str
    sections: dict[str, str | None] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    """What $answer says, by answer_format."""
    events: str = "$events"
    event_format: str = "json"
    """json: the window as a list of objects, as in the paper; lines: a line an event, "0. 08:00:00 hall door OPENED"."""
    blank: str = "<activity>"
    """What stands in $form for an activity."""
    blank_resident: str = "<number>"
    """What stands in $form for who caused an event, where the prompt asks for it."""
    example: str = "$events\n\n$answer"
    """Each of $examples: the events and the answer of a window."""

    def check(self) -> None:
        super().check()
        require("prompt.event_format", self.event_format, EVENT_FORMATS)
        for name, text in self.sections.items():
            _check_placeholders(f"prompt.sections.{name}", text or "", (*OF_A_HOME, "examples"))
        for name, text in self.answers.items():
            _check_placeholders(f"prompt.answers.{name}", text, ("id_key", "activity_key"))
        _check_placeholders("prompt.system", self.system, OF_A_HOME)
        _check_placeholders("prompt.example", self.example, ("events", "answer", "mark"))
        _check_placeholders("prompt.events", self.events, (*OF_A_HOME, *OF_A_WINDOW))
        count = len(_template_parts(self.events)) - 1
        if count == 0:
            raise ConfigError("prompt.events has no $events; without it a model would not see the window.")
        if count > 1:
            raise ConfigError(f"prompt.events has $events {count} times; it must have it once.")
        self._check_answers()
        self._check_examples()
        self._check_residents()

    def _check_answers(self) -> None:
        for name in self.answers:
            require("a key of prompt.answers", name, FORMATS)
        texts = [self.system, *(text or "" for text in self.sections.values())]
        if self.answer_format not in self.answers and any("answer" in Template(text).get_identifiers() for text in texts):
            raise ConfigError(
                f"prompt.answers has no {self.answer_format}, but $answer stands in the prompt and prompt.answer_format is "
                f"{self.answer_format}; say in prompt.answers.{self.answer_format} how to answer."
            )

    def _check_examples(self) -> None:
        used = [name for name, text in self.sections.items() if "examples" in Template(text or "").get_identifiers()]
        if bool(used) != bool(self.examples):
            raise ConfigError(
                f"prompt.examples is {self.examples}, and {' and '.join(used) or 'no section'} of prompt.sections uses "
                f"$examples; prompt=few_shot has both."
            )

    def _check_residents(self) -> None:
        texts = [self.system, self.events, *(text or "" for text in self.sections.values())]
        if self.answer_keys.resident and all("resident_key" not in Template(text).get_identifiers() for text in texts):
            raise ConfigError(
                f"prompt.answer_keys.resident is {self.answer_keys.resident!r}, but no section of the prompt says what it "
                f"is, with $resident_key; prompt=direct, reasoning and step_by_step do."
            )

    def renderer(self, home: Home, shown: Sequence[Window] = ()) -> Renderer:
        own = self.answer_keys
        keys = {"id_key": own.id, "activity_key": own.activity, "resident_key": own.resident or ""}
        answer = Template(self.answers.get(self.answer_format, "")).substitute(keys)
        form = written_answer((0, 1), [self.blank] * 2, self.form, [self.blank_resident] * 2)
        values = {**_home_values(home), **keys, "answer": answer, "form": form, "mark": self.answer_mark or ""}
        before, after = _template_parts(self.events.strip())

        def static(windows: Sequence[Window]) -> str:
            filled = {**values, "examples": "\n\n".join(self._example(one, home) for one in windows)}
            parts = [_section(text or "", filled) for text in self.sections.values()]
            return "\n\n".join([*filter(None, parts), Template(before).substitute(filled)])

        return Renderer(
            Template(self.system).substitute(values).strip(),
            StaticText(static, self.examples, shown),
            lambda ids: Template(after).substitute(values, ids=", ".join(map(str, ids))),
            self._events,
            window_ids=self.event_ids == "window",
        )

    @property
    def _numbered(self) -> bool:
        texts = (self.system, self.events, *self.sections.values())
        return self.answer_activities == "numbers" or any(
            "activities" in Template(text or "").get_identifiers() for text in texts
        )

    @property
    def _events(self) -> EventsText:
        return partial(events_lines if self.event_format == "lines" else events_json, dated=self.show_date)

    def _example(self, window: Window, home: Home) -> str:
        ids = shown_ids(window, window_ids=self.event_ids == "window")
        gold = gold_answer(window, ids, home.activities, self.form)
        return Template(self.example).substitute(events=self._events(window, ids), answer=gold, mark=self.answer_mark or "")


@dataclass(kw_only=True)
class VerbatimPrompt(PromptConfig):
    """A user's own file, sent as it is with the window's events in place of $events (at its end when it has none).

    Only the placeholders of this module are filled; any other $ stays as written.
    """

    path: str | None = None
    """The file."""
    system: str = ""

    def check(self) -> None:
        super().check()
        if self.examples:
            raise ConfigError(f"prompt.examples is {self.examples}, but a file has no place for them; write them into it.")
        if not self.path:
            raise ConfigError("prompt.path is not set; prompt=verbatim needs prompt.path=FILE, the text to send.")

    def text_digest(self) -> str:
        """Of the file's text. Raises MissingError as `renderer` does."""
        return hashlib.sha256(self._text.encode()).hexdigest()[:12]

    @cached_property
    def _text(self) -> str:
        path = expanded(str(self.path))
        try:
            return read_bounded(path).decode("utf-8-sig").replace("\r\n", "\n")  # what editors on Windows write is not meant
        except FileNotFoundError:
            raise MissingError(
                f"prompt.path is {str(path)!r}, which does not exist; name the file with your prompt."
            ) from None
        except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a path that no file can have
            raise MissingError(
                f"prompt.path is {str(path)!r}, which cannot be read as UTF-8 text: {reason_of(error)}."
            ) from None

    def renderer(self, home: Home, shown: Sequence[Window] = ()) -> Renderer:
        text = self._text
        if (found := _OF_SECTIONS.search(text)) is not None:
            raise ConfigError(
                f"prompt.path is {self.path!r}, whose text has ${found[1]}, which only the sections of conf/prompt have; "
                f"write in its place what it stands for (task=prompt shows it for a prompt of conf/prompt)."
            )
        if (found := _WITHOUT_DOLLAR.search(text)) is not None:
            raise ConfigError(
                f"prompt.path is {self.path!r}, whose text has {found[0]}; write ${found[1]} for it to be filled in."
            )
        if not text.strip():
            raise ConfigError(f"prompt.path is {self.path!r}, which is empty; write what the model is asked into it.")
        if not _EVENTS.search(text):
            text = text.rstrip("\n") + "\n\n$events"
        before, after = (_fill(half, _home_values(home)) for half in _EVENTS.split(text, maxsplit=1))
        static = StaticText(lambda _: before, 0, ())
        return Renderer(
            self.system,
            static,
            lambda _: after,
            partial(events_json, dated=self.show_date),
            window_ids=self.event_ids == "window",
        )


def _home_values(home: Home) -> dict[str, str]:
    return {
        "description": home.description,
        "rooms": "\n".join(
            f"- {room}: {', '.join(things)}" if things else f"- {room}" for room, things in home.rooms.items()
        ),
        "activities": "\n".join(f"{number}. {home.described(number)}" for number in home.activities),
        "names": "\n".join(f"- {home.described(number)}" for number in home.activities),
        "rules": "\n".join(f"- {rule}" for rule in home.rules),
    }


_EVENTS = re.compile(r"(?<!\$)\$(?:events\b|\{events\})")
_WITHOUT_DOLLAR = re.compile(r"(?<!\$)\{(events|description|rooms|activities|names|rules)\}")
"""As Python's own formats write placeholders."""
_HOME = re.compile(r"\$(?:(description|rooms|activities|names|rules)\b|\{(description|rooms|activities|names|rules)\})")
_OF_SECTIONS = re.compile(r"(?<!\$)\$\{?(id_key|activity_key|resident_key|answer|form|mark|ids|examples)\b")
"""Placeholders of the shipped prompts that a file cannot have, because what they stand for is written in conf/prompt."""


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
