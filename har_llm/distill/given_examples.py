"""Examples that somebody gives in a file, which is not trusted: the rows of task=export, or of TRL's own formats."""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from har_llm.common.errors import ConfigError, DataError, MissingError, reason_of
from har_llm.common.files import read_bounded
from har_llm.common.notices import Notice, Notices
from har_llm.common.numbers import counted
from har_llm.common.provenance import Provenance
from har_llm.data.answer_form import AnswerForm
from har_llm.data.records import Message
from har_llm.distill.examples import NO_REASONING, Candidate, Example, Selection, refuse_unusable, why_unusable
from har_llm.distill.examples_config import ExampleSettings
from har_llm.models.reasoning import PUBLISHED, Marks
from har_llm.scoring.answer_parts import split_answer
from har_llm.scoring.other_form import OtherForm, other_form

MOST_BYTES = 1024**3
"""A larger file of examples is refused: it would fill the memory."""
ROLES = ("system", "user", "assistant")
PROVENANCE, USES_GOLD = "provenance", "uses_gold"
"""What har_llm's own rows say beside prompt and completion: the label of what is synthetic about them or null, and whether
gold activities were used for them."""
OTHER_PROMPT = (
    "Choose the prompt that they answer, by its name and its prompt.answer_format and prompt.answer_keys, or write them as "
    "this one asks"
)


@dataclass(frozen=True)
class GivenExamples:
    """The rows of a file."""

    name: str
    """Of the file, without its folder."""
    digest: str
    """SHA-256 of its content."""
    examples: Sequence[Example]
    provenance: Provenance
    """What its rows say is synthetic about them."""
    uses_gold: bool | None
    """Whether gold activities were used for some row; None if some rows do not say it."""

    @property
    def dataset(self) -> str:
        """What stands in the place of a dataset's name: other rows have another."""
        return f"file {self.name} ({self.digest[:8]})"

    def select(
        self,
        settings: ExampleSettings,
        *,
        thinking: bool,
        form: AnswerForm,
        activities: Mapping[int, str],
        marks: Marks = PUBLISHED,
    ) -> Selection:
        """The rows that a student may be trained on. `thinking`, `marks`: as for generations (`examples.select`). `form`,
        `activities`: of the answers that its prompts will ask for.

        Raises ConfigError if none is left, and for unusable rows, naming them, unless settings.unusable is leave_out.
        """
        rules = partial(why_unusable, thinking=thinking, marks=marks, mark=form.mark)
        answered = partial(_other_form, thinking=thinking, marks=marks, form=form, activities=activities)
        broken, other, found = dict[str, str](), dict[str, str](), dict[str, str]()
        for one in self.examples:
            if (fault := rules(Candidate("", one.text, "stop", ()))) is not None:
                broken[one.place] = fault
            elif (unlike := answered(one.text)) is not None:
                other[one.place], found[one.place] = unlike
        faults = broken | other
        origin = f"rows of {self.name}"
        if settings.unusable == "stop":
            places = [one.place for one in self.examples if one.place in faults]
            in_order = [(f"{place}: {found[place]}" if found.get(place) else place, faults[place]) for place in places]
            silent = "For a student that does not reason, set model.thinking=false"
            advice = dict.fromkeys(other.values(), OTHER_PROMPT) | {NO_REASONING: silent}
            refuse_unusable(in_order, len(self.examples), f"the {origin}", advice)
        usable = [one for one in self.examples if one.place not in faults]
        if not usable:
            raise ConfigError(f"None of the {origin} can be used for training: {faults[self.examples[0].place]}.")
        left_out = dict(sorted(Counter(faults.values()).items()))
        return Selection(usable, len(self.examples), left_out, self.uses_gold, method="file", origin=origin)


def _other_form(
    text: str, *, thinking: bool, marks: Marks, form: AnswerForm, activities: Mapping[int, str]
) -> OtherForm | None:
    """What another form the answer of a whole text has; None if it has that of the prompts, or none at all."""
    _, answer = split_answer(text, "stop", form, thinking=thinking, marks=marks)
    return None if answer is None else other_form(answer, form, activities)


def read_examples(path: Path) -> GivenExamples:
    """Raises MissingError for a file that cannot be read, and DataError with every line that is no example."""
    try:
        content = read_bounded(path, MOST_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise MissingError(f"lora.examples.path is {str(path)!r}, which cannot be read: {reason_of(error)}.") from None
    faults, rows = Notices(), list[_Row]()
    # Not splitlines, which would also end a row at a line separator (U+2028) that JSON allows within a string.
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append(_row(line, f"{path.name}:{number}"))
        except _Fault as fault:
            faults.append(Notice(str(path), number, "no example", str(fault)))
    if faults:
        summary = f"{faults.total} of {counted(faults.total + len(rows), 'row')} of {path.name} cannot be used as examples:"
        raise DataError(summary, faults, "correct these first")
    if not rows:
        raise MissingError(f"lora.examples.path is {str(path)!r}, which has no rows; each line must hold one example.")
    provenance = Provenance()
    for row in rows:
        provenance |= row.provenance
    said = {row.uses_gold for row in rows}
    uses_gold = True if True in said else None if None in said else False
    digest = hashlib.sha256(content).hexdigest()
    return GivenExamples(path.name, digest, [row.example for row in rows], provenance, uses_gold)


@dataclass(frozen=True)
class _Row:
    example: Example
    provenance: Provenance
    uses_gold: bool | None


class _Fault(Exception):
    """Why a line is no example."""


def _row(line: bytes, place: str) -> _Row:
    try:
        row = json.loads(line.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise _Fault(f"no JSON: {error.msg} at character {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise _Fault(f"no JSON in UTF-8: {error}") from None
    if not isinstance(row, dict):
        raise _Fault(f"{type(row).__name__} instead of an object with prompt and completion")
    messages, text = _parts(row)
    try:
        provenance = Provenance.labelled(row.get(PROVENANCE))
    except ValueError as error:
        raise _Fault(f"{PROVENANCE} is {error}") from None
    uses_gold = row.get(USES_GOLD)
    if not isinstance(uses_gold, bool | None):
        raise _Fault(f"{USES_GOLD} is {reprlib.repr(uses_gold)}; it must be true or false")
    return _Row(Example(place, messages, text), provenance, uses_gold)


def _parts(row: dict[str, Any]) -> tuple[tuple[Message, ...], str]:
    """The prompt's messages and the text that answers them, in any of TRL's formats."""
    if ("messages" in row) == ("prompt" in row and "completion" in row):
        raise _Fault("it must have either prompt and completion, or messages")
    if "messages" in row:
        *prompt, last = _messages(row["messages"], "messages", "assistant")
        answer = [last]
    else:
        prompt, answer = _messages(row["prompt"], "prompt", "user"), _messages(row["completion"], "completion", "assistant")
    if len(answer) != 1 or answer[0]["role"] != "assistant":
        raise _Fault("the answer must be one message with the role assistant, the last one")
    if not prompt or prompt[-1]["role"] != "user":
        raise _Fault("the prompt must end with a message with the role user")
    if not answer[0]["content"].strip():
        raise _Fault("the answer is empty")
    return tuple(prompt), answer[0]["content"]


def _messages(value: Any, name: str, role: str) -> list[dict[str, str]]:
    """The messages of a list, or one with this role of a text."""
    if isinstance(value, str):
        value = [{"role": role, "content": value}]
    if not isinstance(value, list) or not value:
        raise _Fault(f"{name} is no list of messages")
    for message in value:
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            raise _Fault(f"a message of {name} is no object with role and content, and nothing else")
        if message["role"] not in ROLES:
            raise _Fault(f"a role of {name} is {reprlib.repr(message['role'])}; it must be one of {', '.join(ROLES)}")
        if not isinstance(message["content"], str):
            raise _Fault(f"a content of {name} is no text")
        if any("\ud800" <= character <= "\udfff" for character in message["content"]):
            raise _Fault(f"a content of {name} has half a character (a lone surrogate), which no tokenizer can read")
    return value
