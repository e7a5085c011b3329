"""Prompts and generations are kept once, and up to a limit; what is beyond it is counted."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from har_llm.report.page.chunks import PromptChunks
from tests.report.page.unpacked import expected_rows, fabricated, written
from tests.report.page_runs import events, make


def test_equal_prompts_and_generations_are_kept_once(tmp_path: Path) -> None:
    runs = [make(tmp_path / name, fabricated("same-0123456789")) for name in ("a", "b")]
    page = written(tmp_path, runs)
    one, two = page.block("data-0")["runs"]
    assert one["places"] == two["places"]
    assert [name for name in page.packed if name.startswith(("generation", "prompt"))] == ["generation-0", "prompt-0"]


def test_a_prompts_beginning_is_kept_once_in_a_chunk(tmp_path: Path) -> None:
    long = "All that is known of the home. " * 3000
    with (tmp_path / "chunks").open("w+b") as stream:
        chunks = PromptChunks("prompt", stream)
        for number in range(5):
            chunks.add([{"role": "user", "content": f"{long}{number}"}])
        chunks.close_chunk()
        stream.seek(0)
        packed = stream.read()
    content = json.loads(gzip.decompress(base64.b64decode(packed.split(b">")[1].split(b"<")[0])))
    assert content == {"begins": [long], "prompts": [[["user", str(number)]] for number in range(5)]}


@pytest.mark.slow
def test_generations_beyond_the_limit_are_counted_and_said_to_be_elsewhere(tmp_path: Path) -> None:
    long = {f"s{number}": events(*["motion"] * 5) for number in range(40)}

    def noise(window: Sequence[Any]) -> str:
        return f"<think>{os.urandom(40_000).hex()}</think>[]"

    runs = [make(tmp_path, fabricated(name, noise, sessions=long)) for name in ("a", "b")]
    page = written(tmp_path, runs, most_bytes=1_500_000)
    for at, (about, run) in enumerate(zip(page.index["runs"], runs, strict=True)):
        missing = sum("generations" not in window for window in page.windows(0, at))
        assert 0 < missing == about["windows_left_out"] < 40
        assert about["name"] == run.folder.name
        assert page.rows(0, at) == expected_rows(run)  # of predictions, nothing is left out
    assert len(page.text) < 3_000_000
