"""Finding the checkpoint from which a training resumes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from har_llm.distill.checkpoints import (
    CHECKPOINT_FILES,
    OPTIMIZER_FILE,
    Resume,
    last_checkpoint,
    resume_point,
    seal_checkpoint,
)


def checkpoint(folder: Path, step: int, *, sealed: bool = True) -> Path:
    made = folder / f"checkpoint-{step}"
    made.mkdir(parents=True)
    for name in (*CHECKPOINT_FILES, "tokenizer.json"):
        (made / name).write_text("{}")
    if sealed:
        seal_checkpoint(folder, step)
    return made


def test_the_last_whole_checkpoint_counts_and_torn_ones_are_removed(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) == (None, None)
    whole, later = checkpoint(tmp_path, 8), checkpoint(tmp_path, 10)
    checkpoint(tmp_path, 12, sealed=False)
    (tmp_path / "checkpoint-14").mkdir()
    found = last_checkpoint(tmp_path)
    assert found == (later, None), "10 is after 8, and a kill while a checkpoint is written is no damage"
    assert found.step == 10 and sorted(tmp_path.iterdir()) == [later, whole]


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("name", [*CHECKPOINT_FILES, "tokenizer.json"])
@pytest.mark.parametrize("harm", [zeros, lambda path: path.write_bytes(b""), lambda path: os.truncate(path, 1)])
def test_a_damaged_checkpoint_gives_way_to_the_one_before_and_says_so(
    tmp_path: Path, name: str, harm: Callable[[Path], object]
) -> None:
    first, second = checkpoint(tmp_path, 2), checkpoint(tmp_path, 4)
    harm(second / name)
    note = f"because checkpoint-4 is damaged ({name}: it is not as it was written, by SHA256SUMS)"
    assert resume_point(tmp_path, "adamw_torch") == (first, f"it goes on from step 2, {note}")
    assert not second.exists()


def test_a_training_whose_checkpoints_are_all_damaged_starts_again_and_says_so(tmp_path: Path) -> None:
    for step in (2, 4):
        (checkpoint(tmp_path, step) / "optimizer.pt").unlink()
    found = last_checkpoint(tmp_path)
    assert found.step == 0 and not list(tmp_path.iterdir())
    assert found.note == (
        "it restarts from step 1, because checkpoint-4 is damaged (optimizer.pt: No such file or directory)"
    )


def test_what_is_no_checkpoint_in_the_place_of_one_is_removed(tmp_path: Path) -> None:
    whole = checkpoint(tmp_path, 2)
    (tmp_path / "checkpoint-4").write_text("a file")
    (tmp_path / "checkpoint-6").symlink_to("nowhere")
    (tmp_path / "checkpoint-x").mkdir()
    assert last_checkpoint(tmp_path).checkpoint == whole
    (tmp_path / OPTIMIZER_FILE).mkdir()
    assert resume_point(tmp_path, "adamw_torch").checkpoint == whole
    assert (tmp_path / OPTIMIZER_FILE).read_text() == "adamw_torch\n"


@pytest.mark.parametrize(
    "put", [Path.touch, lambda path: path.symlink_to("nowhere"), lambda path: path.symlink_to(path.name)]
)
def test_what_is_no_folder_in_the_place_of_all_is_removed(tmp_path: Path, put: Callable[[Path], object]) -> None:
    put(tmp_path / "checkpoints")
    assert resume_point(tmp_path / "checkpoints", "adamw_torch") == (None, None)


def test_checkpoints_of_another_optimizer_are_removed_with_a_reason(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    assert resume_point(folder, "adamw_torch") == Resume(None, None)
    made = checkpoint(folder, 2)
    assert resume_point(folder, "adamw_torch") == (made, None)
    found = resume_point(folder, "adamw_8bit")
    assert found.checkpoint is None and found.note is not None
    assert "are those of adamw_torch and the optimizer here is adamw_8bit" in found.note
    assert [file.name for file in folder.iterdir()] == [OPTIMIZER_FILE]
    assert resume_point(folder, "adamw_8bit") == (None, None)
