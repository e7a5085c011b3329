"""No secret is published, wherever a user has put it; and nothing else is hidden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from har_llm.tracking.secrets import HIDDEN, file_without_secrets, without_secrets

HARMLESS: list[Any] = [
    {"api_key_env": "OPENAI_API_KEY", "max_new_tokens": 512, "token": None, "password": ""},
    {"key": "26e06f14058b2d41", "tokens": 3, "secret": 1},
    "http://127.0.0.1:8000/v1",
    "https://huggingface.co/Qwen/Qwen3-0.6B?revision=main#top",
    "mail someone@example.org about task-specific sk-learn",
    {"activities": {1: "using the keyboard"}},
]
SECRET: list[tuple[Any, Any]] = [
    ({"api_key": "abc"}, {"api_key": HIDDEN}),
    ({"engine": {"apiKey": "abc", "hub_token": "abc"}}, {"engine": {"apiKey": HIDDEN, "hub_token": HIDDEN}}),
    ({"Password": "abc"}, {"Password": HIDDEN}),
    ({"tokens": ["abc"]}, {"tokens": HIDDEN}),
    ("http://me:pass@host:8000/v1", f"http://{HIDDEN}@host:8000/v1"),
    ("see https://me@host/x", f"see https://{HIDDEN}@host/x"),
    ("http://host/v1?api_key=abc&x=1", f"http://host/v1?api_key={HIDDEN}&x=1"),
    (["Bearer abcdefgh12345"], [HIDDEN]),
    ("key sk-abcdefghijklmnop1234", f"key {HIDDEN}"),
    ({"x": ("hf_abcdefghijklmnopqrst",)}, {"x": [HIDDEN]}),
]


@pytest.mark.parametrize("value", HARMLESS, ids=str)
def test_what_is_no_secret_stays(value: Any) -> None:
    expected = {"activities": {"1": "using the keyboard"}} if "activities" in value else value
    assert without_secrets(value) == expected


@pytest.mark.parametrize(("value", "expected"), SECRET, ids=[str(value) for value, _ in SECRET])
def test_a_secret_is_hidden(value: Any, expected: Any) -> None:
    assert without_secrets(value) == expected


def test_a_value_that_a_config_took_from_the_environment_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVERS_TOKEN", "correct horse")
    monkeypatch.setenv("SHORT_TOKEN", "on")
    assert without_secrets({"prompt": "say correct horse on"}) == {"prompt": f"say {HIDDEN} on"}


def test_a_file_with_a_secret_is_written_anew_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVERS_TOKEN", 'a "quoted" one')
    rows = [{"text": "nothing"}, {"text": 'It is a "quoted" one.'}]
    for name, text in (
        ("windows.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows)),
        ("data.json", json.dumps(rows, indent=1)),
        ("README.md", 'It is a "quoted" one.'),
    ):
        (tmp_path / name).write_text(text)
        clean = file_without_secrets(tmp_path / name)
        assert clean is not None
        said = "".join(clean)
        assert "quoted" not in said and HIDDEN in said
        if name != "README.md":
            read = [json.loads(line) for line in said.splitlines()]
            assert (read if name == "windows.jsonl" else read[0]) == [rows[0], {"text": f"It is {HIDDEN}."}]


@pytest.mark.parametrize("name", ["windows.jsonl", "adapter_model.safetensors"])
def test_a_file_without_a_secret_or_of_numbers_stays_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"text": "nothing"}\n')
    assert file_without_secrets(tmp_path / name) is None
