"""YAML that anybody may have written: texts with their lines, and nothing that fills the memory or is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.plain_yaml import Placed, YamlFault, read_texts, texts_of


def plain(found: Placed) -> object:
    value = found.value
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {key: plain(one) for key, one in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("", ""),
        ("# nothing", ""),
        (
            "a: {on: yes, 12:30: 0x1F, 2026-03-02: 1e3, ~: x}",
            {"a": {"on": "yes", "12:30": "0x1F", "2026-03-02": "1e3", "~": "x"}},
        ),
        ("a:\nb: null\nc: ~\nd: 'null'", {"a": "", "b": "", "c": "", "d": "null"}),
        ("- !!python/object/apply:os.system [x]\n- !!int '3'", [["x"], "3"]),
        ("${oc.env:HOME}", "${oc.env:HOME}"),
    ],
)
def test_scalars_are_texts_as_they_are_written(content: str, value: object) -> None:
    assert plain(texts_of(content)) == value


def test_lines_are_those_of_the_file() -> None:
    found = texts_of("a: 1\n\nb:\n  - x\n  - y\n").value
    assert isinstance(found, dict) and (found["a"].line, found["b"].line) == (1, 4)
    assert isinstance(found["b"].value, list) and [one.line for one in found["b"].value] == [4, 5]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("a: &x [1]\nb: *x", 2, "an alias is not read"),
        ("a: 1\na: 2", 2, "'a' is there twice"),
        ("? {a: 1}\n: b", 1, "a key is a list or a mapping"),
        ("a: [", 1, "it is no YAML"),
        ("a: 1\n--- \nb: 2", 2, "it is no YAML"),
        ("[" * 1100, None, "nested too deeply"),
    ],
)
def test_what_is_not_read_is_said(content: str, line: int | None, words: str) -> None:
    with pytest.raises(YamlFault, match=words) as raised:
        texts_of(content)
    assert line is None or raised.value.line == line


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\r\n")
    assert plain(read_texts(path)) == {"a": "é"}
    path.write_bytes(b"a: 1\nb: \xff")
    with pytest.raises(YamlFault, match="not UTF-8") as raised:
        read_texts(path)
    assert raised.value.line == 2
