"""Commands side by side share their generations: what one makes, the others wait for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from har_llm.common.errors import MissingError
from har_llm.runs.prepare import prepare
from har_llm.sweep import execute
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.claims import Claims
from har_llm.sweep.generate import generate
from har_llm.sweep.job import Job
from har_llm.sweep.plan import Load, make_plan
from har_llm.sweep.read_once import Stores
from tests.commands import har_llm, run_folders, started, stored_lines
from tests.sweep.noted_jobs import Notes, done, kept

pytestmark = pytest.mark.usefixtures("same_process")
PARTS = ("split.part=train", "split.part=test")


class Other(Notes):
    """Another process, which has claimed a job; it ends when it is first waited for."""

    def __init__(self, job: Job, *, dies: bool):
        super().__init__()
        assert job.experiment is not None
        run = prepare(job.experiment)
        (self.load,) = make_plan([run], Stores()).loads
        self._dies, self._held = dies, ExitStack()
        share = self._held.enter_context(Claims().share(self.load, Stores()))
        assert share.mine is not None and share.theirs is None

    def generation_waits(self, load: Load, holder: str) -> None:
        assert load.asked_by.keys() == self.load.asked_by.keys() and "process " in holder
        self.waited.append(len(self.keys))
        if not self._dies:
            generate(self.load, Callback(), Stores())
        self._held.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "GENERATION_WAIT_S", 0.0)


def test_generations_that_another_process_makes_are_not_made_twice(job: Callable[..., Job], tmp_path: Path) -> None:
    ours, both = job("limit=2"), job("limit=2")
    other = done(ours, callback=Other(both, dies=False))
    assert ours.result is not None and not other.keys and not other.loads and other.waited == [0]
    assert len(kept(tmp_path)) == 2


def test_what_nobody_has_claimed_comes_first_and_a_dead_process_is_replaced(job: Callable[..., Job], tmp_path: Path) -> None:
    train, test = (job(part, "limit=2") for part in PARTS)
    other = done(train, test, callback=Other(job(PARTS[0], "limit=2"), dies=True))
    assert train.result is not None and test.result is not None
    assert other.waited == [2], "with the two generations of the other run made before"
    assert len(other.keys) == len(set(other.keys)) == 4 == len(kept(tmp_path))
    assert not list(tmp_path.rglob("*.lock"))


def test_a_store_that_cannot_be_claimed_is_one_sentence(
    job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = job("limit=1")
    (tmp_path / "outputs" / "store").mkdir(parents=True)
    (tmp_path / "outputs" / "store" / "generations").touch()
    done(ours)
    assert isinstance(ours.error, MissingError) and "cannot be written (Not a directory)" in str(ours.error)


@pytest.mark.slow
def test_of_identical_commands_each_generation_is_made_once(script: str, tmp_path: Path) -> None:
    small = ("dataset.sessions.count=4", "+dataset.paper_split={4:2}", "model=tiny_student", "engine=scripted", script)
    commands = [started(tmp_path, *small, "engine.delay_s=0.05") for _ in range(2)]
    said = [command.communicate() for command in commands]
    assert [command.returncode for command in commands] == [0, 0], said
    (folder,) = run_folders(tmp_path)
    assert stored_lines(tmp_path) == len((folder / "windows.jsonl").read_text().splitlines())
    assert not har_llm(tmp_path, *small, "engine.delay_s=0.05").stderr
