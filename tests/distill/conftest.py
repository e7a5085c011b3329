"""Rows to train on, made once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from har_llm.runs.prepare import read_recordings, render
from tests.composing import experiment


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    composed = experiment("window.events=3", "limit=12")
    recordings = read_recordings(composed)
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    with path.open("w") as stream:
        for prompt in render(composed, recordings, recordings.sessions, ()):
            answer = json.dumps([{"id": shown, "activity": 3} for shown in prompt.ids])
            text = f"<think>\nAll of it is showering (3).\n</think>\n\n{answer}"
            completion = [{"role": "assistant", "content": text}]
            stream.write(json.dumps({"prompt": [dict(m) for m in prompt.messages], "completion": completion}) + "\n")
    return path
