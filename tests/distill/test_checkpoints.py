"""Finding the checkpoint from which a training resumes."""

from __future__ import annotations

from pathlib import Path

from har_llm.distill.checkpoints import CHECKPOINT_FILES, OPTIMIZER_FILE, last_checkpoint, resume_point


def checkpoint(folder: Path, step: int, *, without: str = "", torn: bool = False) -> Path:
    made = folder / f"checkpoint-{step}"
    made.mkdir(parents=True)
    for name in CHECKPOINT_FILES:
        if name != without:
            (made / name).write_text('{"step' if torn else "{}")
    return made


def test_the_last_whole_checkpoint_counts_and_torn_ones_are_removed(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    whole, later = checkpoint(tmp_path, 8), checkpoint(tmp_path, 10)
    checkpoint(tmp_path, 12, without="optimizer.pt")
    checkpoint(tmp_path, 14, torn=True)
    assert last_checkpoint(tmp_path) == later, "10 is after 8"
    assert sorted(tmp_path.iterdir()) == [later, whole]


def test_checkpoints_of_another_optimizer_are_removed_with_a_reason(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    assert resume_point(folder, "adamw_torch") == (None, None)
    made = checkpoint(folder, 2)
    assert resume_point(folder, "adamw_torch") == (made, None)
    found, restarts = resume_point(folder, "adamw_8bit")
    assert found is None and restarts is not None
    assert "are those of adamw_torch and the optimizer here is adamw_8bit" in restarts
    assert [file.name for file in folder.iterdir()] == [OPTIMIZER_FILE]
    assert resume_point(folder, "adamw_8bit") == (None, None)
