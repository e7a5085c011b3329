"""What a training leaves for the next process, whatever a kill leaves of it."""

from __future__ import annotations

from pathlib import Path

from har_llm.sweep.train import _losses, _write_lines


def test_losses_are_kept_once_each_and_a_torn_line_tears_no_other(tmp_path: Path) -> None:
    log = tmp_path / "loss.jsonl"
    log.write_text("[1, 3.0]\n[2, 2.0]\n[3, 1.5")
    _write_lines(log, _losses(log))
    with log.open("a") as stream:
        stream.write("[2, 2.5]\n[3, 1.0]\n")  # what was lost since the last checkpoint is done again
    assert _losses(log) == [[1, 3.0], [2, 2.5], [3, 1.0]]
    assert _losses(tmp_path / "nowhere") == []
