"""YAML that anybody may have written: texts with their lines, and nothing that fills the memory or is run."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

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


def test_a_config_is_read_back_as_it_was(tmp_path: Path) -> None:
    texts = [
        "",
        " a ",
        "é 😀 \u2028 \x85 \ufeff",
        "yes",
        "1e3",
        "12:30",
        "~",
        "a: b # c",
        "two\nlines\n",
        "\ttab\r\x00\x1b",
        "x" * 300,
    ]
    config = {"texts": texts, "numbers": [1, 1.5, -0.0, 1e300], "null": None, "flags": {"on": True, 3: False}}
    (tmp_path / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(config)), encoding="utf-8")
    assert read_yaml(tmp_path / "config.yaml") == config


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: &x [1]\nb: *x", "an alias is not read"),
        ("[" * 1000_000, "nested too deeply"),
        ("{a: " * 200_000, "nested too deeply"),
        ("a: !!python/object/apply:os.system [x]", "could not determine a constructor"),
        ("a: [", "expected"),
    ],
)
def test_a_config_that_nobody_wrote_with_har_llm(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(yaml.YAMLError, match=words):
        read_yaml(tmp_path / "config.yaml")
