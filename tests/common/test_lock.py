"""A claim on a training: whole or not there, held by one process, taken over from the dead."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from har_llm.common import lock as claim_module
from har_llm.common.errors import MissingError
from har_llm.common.lock import HeldError, claimed, last_claim


def other(claim: Path, **changes: object) -> None:
    """A claim of a process that lives: the parent of this one."""
    parent = psutil.Process().parent()
    assert parent is not None
    holder = {"host": platform.node(), "pid": parent.pid, "started": parent.create_time(), "token": "theirs", **changes}
    claim.write_text(json.dumps(holder))


def test_a_claim_is_whole_and_goes_with_the_training(tmp_path: Path) -> None:
    with claimed(tmp_path) as check:
        (claim,) = tmp_path.iterdir()
        assert json.loads(claim.read_text())["pid"] == os.getpid()
        check()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("holder", [{}, {"started": None}, {"host": "elsewhere", "pid": 1}])
def test_a_training_that_another_process_holds_is_left_alone(tmp_path: Path, holder: dict[str, object]) -> None:
    other(tmp_path / "claim.json", **holder)
    with (
        pytest.raises(
            HeldError,
            match=r"process 1 on .elsewhere. trains it|process \d+ on .* trains it, says .*claim\.json; delete that file",
        ),
        claimed(tmp_path),
    ):
        pytest.fail("two would train it")
    assert json.loads((tmp_path / "claim.json").read_text())["token"] == "theirs" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("holder", [{"pid": os.getpid()}, {"started": 1.0}, {"pid": 2**22 + 1}, None])
def test_the_claim_of_a_dead_process_is_taken_over_though_its_number_lives(
    tmp_path: Path, holder: dict[str, object] | None
) -> None:
    """Containers number their processes from 1, and so does the next container."""
    other(tmp_path / "claim.json", **(holder or {}))
    if holder is None:
        (tmp_path / "claim.json").write_text("")
    for _ in range(2):
        with claimed(tmp_path) as check:
            check()
            assert len(list(tmp_path.glob("claim*"))) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["claim.json"], "ours is gone"


def test_the_claim_of_a_silent_machine_is_taken_over_and_that_of_the_next_one_too(tmp_path: Path) -> None:
    other(tmp_path / "claim.json", host="elsewhere")
    os.utime(tmp_path / "claim.json", (1, 1))
    with claimed(tmp_path):
        (second,) = tmp_path.glob("claim-*")
        other(second, host="third")
        with pytest.raises(HeldError, match=f"on 'third' trains it, says {second}"), claimed(tmp_path):
            pytest.fail("two would train it")
        os.utime(second, (1, 1))
        with claimed(tmp_path):
            assert len(list(tmp_path.glob("claim*"))) == 3


def test_of_many_that_take_an_abandoned_training_over_one_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads stand for processes, of which none is dead but the first."""
    monkeypatch.setattr(claim_module, "_abandoned", lambda claim, held: "theirs" in held)
    for round in range(30):
        folder = tmp_path / str(round)
        folder.mkdir()
        other(folder / "claim.json")
        start, leave = threading.Barrier(9), threading.Event()
        held: list[int] = []
        arguments = (folder, start, leave, held)
        threads = [threading.Thread(target=take_over, args=arguments, daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        start.wait()
        wait_for(lambda threads=threads: sum(thread.is_alive() for thread in threads) == 1)  # type: ignore[misc]
        leave.set()
        for thread in threads:
            thread.join()
        assert len(held) == 1


def take_over(folder: Path, start: threading.Barrier, leave: threading.Event, held: list[int]) -> None:
    start.wait()
    with contextlib.suppress(MissingError), claimed(folder):
        held.append(1)
        leave.wait()


@pytest.mark.parametrize("how", ["deleted", "taken over"])
def test_a_claim_beats_without_a_step_and_a_lost_one_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(claim_module, "BEAT_S", 0.02)
    claim = tmp_path / "claim.json"
    expected, said = (MissingError, "was deleted") if how == "deleted" else (HeldError, f"process {os.getppid()} on")
    with pytest.raises(expected, match=said), claimed(tmp_path) as check:
        os.utime(claim, (1, 1))
        wait_for(lambda: claim.stat().st_mtime > 1)
        check()
        if how == "deleted":
            claim.unlink()
        else:
            other(claim_module._next(tmp_path, claim.read_text()))
        wait_for(lambda: lost(check))
        check()


def lost(check: Callable[[], None]) -> bool:
    try:
        check()
    except MissingError:
        return True
    return False


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_the_claim_of_a_process_that_nobody_buried_is_taken_over(tmp_path: Path) -> None:
    """In a container without an init process the dead stay in the list of processes."""
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    other(tmp_path / "claim.json", pid=child.pid, started=psutil.Process(child.pid).create_time())
    with pytest.raises(HeldError):
        last_claim(tmp_path)
    child.kill()
    try:
        wait_for(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        with claimed(tmp_path) as check:
            check()
    finally:
        child.communicate()


def test_a_claim_that_cannot_be_read_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "claim.json").mkdir()
    with pytest.raises(MissingError, match=r"claim\.json cannot be read \(Is a directory\)") as raised:
        last_claim(tmp_path)
    assert not isinstance(raised.value, HeldError)


def test_where_the_folder_cannot_be_made_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match="Not a directory"), claimed(tmp_path / "file" / "staging"):
        pytest.fail("there is nowhere to claim")
