"""A lock: held by one process, taken over from dead ones, and its loss is noticed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from filelock import SoftFileLease

from har_llm.common import lock as lock_module
from har_llm.common.errors import MissingError
from har_llm.common.lock import HeldError, Lock
from tests.common.locks import write_lock
from tests.helpers import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "adapters" / ".student.lock"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "LEASE_S", 0.3)
    monkeypatch.setattr(lock_module, "BEAT_S", 0.02)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def taken(lock: Lock) -> bool:
    try:
        with lock.held():
            lock.check()
    except HeldError:
        return False
    return True


def lost(lock: Lock) -> bool:
    try:
        lock.check()
    except MissingError:
        return True
    return False


def test_a_lock_says_who_has_it_and_goes_with_the_work(path: Path) -> None:
    lock = Lock(path)
    for _ in range(2):
        with lock.held():
            lock.check()
            owner = SoftFileLease(path).owner
            assert owner is not None and owner.pid == os.getpid()
        assert not list(path.parent.iterdir())


@pytest.mark.parametrize("holder", [{}, {"host": "elsewhere", "pid": 1}, {"host": "elsewhere?pidns-f00"}])
def test_a_lock_that_another_process_has_is_left_alone(path: Path, holder: dict[str, object]) -> None:
    path.parent.mkdir()
    write_lock(path, **holder)
    before = path.read_text()
    who = rf"process \d+ on '{holder.get('host', '[^?]+')}'".replace("?pidns-f00", "")
    with (
        pytest.raises(HeldError, match=rf"{who} holds .*\.lock; delete that file if that process is gone"),
        Lock(path).held(),
    ):
        pytest.fail("two would do it")
    assert path.read_text() == before and len(list(path.parent.iterdir())) == 1


@pytest.mark.parametrize("holder", [{"pid": os.getpid(), "start": 1}, {"pid": 2**22 + 1}])
def test_the_lock_of_a_dead_process_is_taken_over_though_its_number_lives(path: Path, holder: dict[str, object]) -> None:
    """Containers number their processes from 1, and so does the next container."""
    path.parent.mkdir()
    write_lock(path, **holder)
    with Lock(path).held():
        assert not taken(Lock(path))
    assert not list(path.parent.iterdir())


@pytest.mark.usefixtures("quick")
def test_the_lock_of_a_silent_machine_is_taken_over_and_that_of_one_that_beats_is_not(path: Path) -> None:
    path.parent.mkdir()
    write_lock(path, host="elsewhere")
    lock, end = Lock(path), time.monotonic() + 1
    while time.monotonic() < end:
        os.utime(path)
        assert not taken(lock)
        time.sleep(0.05)
    wait_for(lambda: taken(lock))


@pytest.mark.usefixtures("quick")
def test_what_a_kill_left_unfinished_is_taken_over(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("filelock/2\npid=1")
    lock = Lock(path)
    wait_for(lambda: taken(lock))


def test_an_empty_lock_names_the_file_to_delete(path: Path) -> None:
    """As after a power cut; whether a process is just writing it cannot be known."""
    path.parent.mkdir()
    path.touch()
    with pytest.raises(HeldError, match=f"another process holds {path}; delete"), Lock(path).held():
        pytest.fail("two might do it")


def test_of_many_that_take_an_abandoned_lock_over_one_has_it(path: Path) -> None:
    path.parent.mkdir()
    for _ in range(10):
        write_lock(path, pid=2**22 + 1)
        start, leave = threading.Barrier(9), threading.Event()
        held: list[int] = []

        def take_over(start: threading.Barrier = start, leave: threading.Event = leave, held: list[int] = held) -> None:
            start.wait()
            with contextlib.suppress(MissingError), Lock(path).held():
                held.append(1)
                leave.wait()

        threads = [threading.Thread(target=take_over, daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        start.wait()
        wait_for(lambda threads=threads: sum(thread.is_alive() for thread in threads) == 1)  # type: ignore[misc]
        leave.set()
        for thread in threads:
            thread.join()
        assert len(held) == 1


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["deleted", "taken over"])
def test_a_holder_beats_by_itself_and_is_told_in_one_sentence_that_it_lost_the_lock(path: Path, how: str) -> None:
    lock = Lock(path)
    expected, said = (MissingError, "was deleted") if how == "deleted" else (HeldError, f"process {os.getppid()} on")
    with pytest.raises(expected, match=said), lock.held():
        os.utime(path, (1, 1))
        wait_for(lambda: path.stat().st_mtime > 1)
        lock.check()
        path.unlink()
        if how == "taken over":
            write_lock(path)
        wait_for(lambda: lost(lock))
        lock.check()
    assert path.exists() == (how == "taken over"), "a lost lock is not ours to delete"


HOLD = """
import sys
from pathlib import Path
from har_llm.common import lock
lock.LEASE_S, lock.BEAT_S = 0.3, 0.02
with lock.Lock(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("buried", [True, False])
def test_the_lock_of_a_killed_process_is_taken_over(path: Path, buried: bool) -> None:
    """In a container without an init process, dead processes stay in the list; then the missing heartbeat tells."""
    command = [sys.executable, "-c", HOLD, str(path)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None and child.stdout.readline() == b"held\n"
    lock = Lock(path)
    time.sleep(0.5)
    assert not taken(lock)
    child.kill()
    try:
        wait_for(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        if buried:
            child.wait()
        wait_for(lambda: taken(lock))
    finally:
        child.communicate()


def test_a_lock_that_is_no_file_is_not_waited_for(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(MissingError, match=r"\.lock cannot be written \(Is a directory\)") as raised, Lock(path).held():
        pytest.fail("there is no lock")
    assert not isinstance(raised.value, HeldError)


def test_where_the_folder_cannot_be_made_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match="Not a directory"), Lock(tmp_path / "file" / "adapters" / ".lock").held():
        pytest.fail("there is nowhere to put a lock")


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_what_is_no_file_in_the_place_of_a_lock_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lock"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere")
    with pytest.raises(MissingError, match="cannot be written"), Lock(path).held():
        pass
    with pytest.raises(OSError, match=r"it is no regular file|Is a directory"), Lock(path).waited_for():
        pass
