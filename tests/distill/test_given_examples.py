"""Rows that somebody gives: every bad one is refused with its line, and what they say of themselves is kept."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import ConfigError, DataError, MissingError
from har_llm.common.provenance import Provenance
from har_llm.data.answer_form import AnswerForm, AnswerKeys
from har_llm.distill.examples import Selection
from har_llm.distill.examples_config import ExampleSettings
from har_llm.distill.given_examples import GivenExamples, read_examples

ASKED = [{"role": "system", "content": "You."}, {"role": "user", "content": "?"}]
SAID = {"role": "assistant", "content": "<think>\nSo.\n</think>\n\n[]"}
ROW = {"prompt": ASKED, "completion": [SAID]}
ACTIVITIES = {1: "sleeping", 2: "cooking", 3: "eating", 5: "sleeping"}
JSON, LINES = AnswerForm(), AnswerForm(format="lines", numbered=False)


def given(folder: Path, *rows: Any) -> GivenExamples:
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return read_examples(path)


def selected(found: GivenExamples, form: AnswerForm = JSON, *, thinking: bool = True, **changes: Any) -> Selection:
    settings = ExampleSettings(method="file", path="rows.jsonl", **changes)
    return found.select(settings, thinking=thinking, form=form, activities=ACTIVITIES)


def test_rows_of_all_formats_are_the_same_examples(tmp_path: Path) -> None:
    text = {"prompt": "?", "completion": SAID["content"], "more": 1}
    found = given(tmp_path, ROW, "", {"messages": [*ASKED, SAID]}, text)
    assert [one.messages for one in found.examples] == [tuple(ASKED), tuple(ASKED), tuple(ASKED[1:])]
    assert {one.text for one in found.examples} == {SAID["content"]}
    assert [one.place for one in found.examples] == ["rows.jsonl:1", "rows.jsonl:3", "rows.jsonl:4"]
    assert found.digest == hashlib.sha256((tmp_path / "rows.jsonl").read_bytes()).hexdigest()


BAD = [
    ("{", "no JSON: Expecting property name enclosed in double quotes at character 2"),
    ("[" * 10**5, "no JSON in UTF-8"),
    ("3", "int instead of an object with prompt and completion"),
    ({}, "either prompt and completion, or messages"),
    ({**ROW, "messages": [SAID]}, "either prompt and completion, or messages"),
    ({**ROW, "prompt": []}, "prompt is no list of messages"),
    ({**ROW, "prompt": [*ASKED, SAID]}, "the prompt must end with a message with the role user"),
    ({**ROW, "completion": ASKED[1:]}, "the answer must be one message with the role assistant"),
    ({"messages": ASKED}, "the answer must be one message with the role assistant"),
    ({"messages": [SAID]}, "the prompt must end with a message with the role user"),
    ({**ROW, "completion": " "}, "the answer is empty"),
    ({**ROW, "prompt": [{"role": "user", "content": "?", "tool_calls": []}]}, "no object with role and content, and noth"),
    ({**ROW, "prompt": [{"role": "tool", "content": "?"}]}, "a role of prompt is 'tool'"),
    ({**ROW, "prompt": [{"role": [], "content": "?"}]}, r"a role of prompt is \[\]"),
    ({**ROW, "prompt": [{"role": "user", "content": ["?"]}]}, "a content of prompt is no text"),
    ({**ROW, "completion": "\ud800"}, "lone surrogate"),
    ({**ROW, "provenance": "real"}, "provenance is 'real' is none of null"),
    ({**ROW, "uses_gold": "no"}, "uses_gold is 'no'; it must be true or false"),
]


@pytest.mark.parametrize(("row", "message"), BAD, ids=range(len(BAD)))
def test_a_bad_row_is_refused_with_its_line(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(
        DataError, match=rf"1 of 2 rows of rows.jsonl cannot be used as examples:\n.*rows\.jsonl:2: .*{message}"
    ):
        given(tmp_path, ROW, row)


def test_every_bad_row_is_counted_and_the_first_are_shown(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)9 of 9 rows .*rows\.jsonl:5: .*and 4 more; correct these first\.$") as told:
        given(tmp_path, *["{"] * 9)
    assert len(told.value.faults) == 9


@pytest.mark.parametrize("content", [b"", b"\n \n", None])
def test_a_file_without_rows_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "rows.jsonl").write_bytes(content)
    with pytest.raises(MissingError, match=r"lora\.examples\.path is .*(no rows|cannot be read)"):
        read_examples(tmp_path / "rows.jsonl")


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b"\xef\xbb\xbf" + json.dumps(ROW).encode() + b"\r\n\xff\n")
    with pytest.raises(DataError, match=r"1 of 2 rows .*\n.*rows\.jsonl:2: no JSON in UTF-8"):
        read_examples(tmp_path / "rows.jsonl")


@pytest.mark.parametrize(("said", "known"), [([True, None], True), ([False, None], None), ([None], None), ([False], False)])
def test_the_use_of_gold_is_known_only_if_all_rows_say_it(tmp_path: Path, said: list[Any], known: bool | None) -> None:
    found = given(tmp_path, *({**ROW, **({} if one is None else {"uses_gold": one})} for one in said))
    assert found.uses_gold == known
    words = {True: "chosen with gold", None: "not known whether gold", False: "are used for training"}[known]
    assert words in selected(found).summary()


def test_what_is_synthetic_about_a_row_is_so_about_the_adapter(tmp_path: Path) -> None:
    found = given(tmp_path, ROW, {**ROW, "provenance": "synthetic home"}, {**ROW, "provenance": None})
    assert found.provenance == Provenance(home=True)


def test_rows_follow_the_rules_of_generations(tmp_path: Path) -> None:
    silent = {**ROW, "completion": "[]"}
    found = given(tmp_path, ROW, silent)
    with pytest.raises(ConfigError, match=r"1 of the rows of rows\.jsonl cannot .*: rows\.jsonl:2 \(without reasoning\)"):
        selected(found)
    left = selected(found, unusable="leave_out")
    assert (len(left.examples), left.left_out) == (1, {"without reasoning": 1})
    with pytest.raises(ConfigError, match=r"For a student that does not reason, set model\.thinking=false\.$"):
        selected(given(tmp_path, silent))
    with pytest.raises(ConfigError, match=r"None of the rows of rows\.jsonl can be used for training: without reasoning"):
        selected(given(tmp_path, silent), unusable="leave_out")
    assert len(selected(given(tmp_path, silent), thinking=False).examples) == 1


UNNUMBERED = AnswerForm(numbered=False)
OTHER_FORMS = [
    ('[{"id": 0, "activity": "cooking"}]', LINES, "in JSON, not in lines"),
    ("0. cooking\n1. eating", JSON, "in lines, not in JSON"),
    ('[{"event": 0, "label": "cooking"}]', JSON, "with other keys than id and activity"),
    (
        '[{"id": 0, "activity": 3}]',
        AnswerForm(keys=AnswerKeys(id="event")),
        "with other keys than event and activity",
    ),
    ("0. 3\n1. 4", LINES, "with activities by number, which the prompt does not show"),
    *(
        (f'[{{"id": 0, "activity": {number}}}]', UNNUMBERED, "with activities by number, which the prompt does not show")
        for number in ("3", '"3"', '"#3"', "3.0")
    ),
]


@pytest.mark.parametrize(("answer", "form", "fault"), OTHER_FORMS)
def test_a_row_in_another_form_than_the_prompt_asks_for_is_refused(
    tmp_path: Path, answer: str, form: AnswerForm, fault: str
) -> None:
    """A student would be trained on answers that are parsed as nothing."""
    row = {**ROW, "completion": answer}
    fitting = {
        **ROW,
        "completion": "0. cooking" if form.format == "lines" else f'[{{"{form.keys.id}": 0, "activity": "cooking"}}]',
    }
    told = rf"1 of the rows of rows\.jsonl cannot .*: rows\.jsonl:2.* \({fault}\)\. Set lora\.examples\.unusable=leave_out"
    with pytest.raises(ConfigError, match=told):
        selected(given(tmp_path, fitting, row), form, thinking=False)
    with pytest.raises(ConfigError, match=rf"\({fault}\)\. Choose the prompt that they answer"):
        selected(given(tmp_path, row), form, thinking=False)


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        ("0. cooking", LINES),
        ("0. 3", AnswerForm(format="lines")),
        ("[]", JSON),
        ("It is not clear.", LINES),
        ('Event 0: a meal.\n\n[{"id": 0, "activity": 3}]', JSON),
        ('{"id": 0} is the first.\nAnswer:\n0. cooking', AnswerForm(format="lines", mark="Answer:")),
    ],
)
def test_a_row_in_the_form_of_the_prompt_or_in_none_is_taken(tmp_path: Path, answer: str, form: AnswerForm) -> None:
    assert len(selected(given(tmp_path, {**ROW, "completion": answer}), form, thinking=False).examples) == 1


def test_rows_with_other_keys_have_one_fault_whatever_these_are(tmp_path: Path) -> None:
    answers = ('{"0": "cooking"}', '{"0": "cooking", "1": "eating"}', f'{{"{"k" * 10**5}": 0}}')
    found = given(tmp_path, *({**ROW, "completion": answer} for answer in answers))
    with pytest.raises(
        ConfigError, match=r"l:1: \['0'\] \(with other .*, rows.*:2: \['0', '1'\] \(.*Choose the prompt"
    ) as told:
        selected(found, thinking=False)
    assert len(str(told.value)) < 700
    both = given(tmp_path, *({**ROW, "completion": answer} for answer in (*answers, "[]")))
    left_out = selected(both, thinking=False, unusable="leave_out").left_out
    assert left_out == {"with other keys than id and activity": 3}


def test_the_form_of_a_row_is_that_of_what_follows_its_reasoning(tmp_path: Path) -> None:
    row = {**ROW, "completion": "<think>\n0. cooking\n</think>\n[]"}
    assert len(selected(given(tmp_path, row)).examples) == 1
