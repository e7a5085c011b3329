"""YAML that anybody may have written: texts with their lines, and nothing that fills the memory or is run."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from har_llm.common.plain_yaml import Placed, YamlFault, read_texts, read_yaml, texts_of


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


TEXTS = st.text() | st.text(st.characters(categories=("Cs", "L", "P")))
"""Also with halves of characters, as of names that are not UTF-8; PyYAML writes them as escapes."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=50)
@given(VALUES, st.booleans())
@example("d\udcff", False)
def test_a_file_says_what_pyyaml_reads(value: object, unicode: bool) -> None:
    content = yaml.safe_dump(value, allow_unicode=unicode)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(content, encoding="utf-8", newline="")
        assert read_yaml(path) == yaml.safe_load(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: &x [1]\nb: *x", "an alias is not read"),
        ("[" * 100_000, "nested too deeply"),
        ("a: " + "{a: " * 1000, "nested too deeply"),
        ("- " * 5000, "nested too deeply"),
        ('- "\\uDCFF"\n- ' + "[" * 100_000, "nested too deeply"),
        ('- "\\uDCFF"\n- &x [1]\n- *x', "an alias is not read"),
        ("!!python/object/apply:os.system [x]", "could not determine a constructor"),
        ("a: 1\n---\nb: 2", "expected a single document"),
    ],
)
def test_what_fills_the_memory_or_is_run_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(yaml.YAMLError, match=words):
        read_yaml(tmp_path / "config.yaml")
