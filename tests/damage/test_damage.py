"""Whatever happens to a file of ours, its readers say so in one sentence or make it anew, and predictions stay the same."""

from __future__ import annotations

import os
import random
import shutil
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import HarError
from har_llm.runs.directory import read_run
from tests.damage.mutations import damage
from tests.damage.outputs import READERS, Outputs, make_outputs

COUNT = int(os.environ.get("HAR_LLM_DAMAGES", "40"))
"""Mutations; thousands are run by hand."""
CHUNK = 20
MOST_S = 60
LONGEST = 1_500
"""Characters of a message."""


class Hangs(BaseException):
    """A reader waits, or reads, without end."""


@pytest.fixture(scope="session")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    return make_outputs(tmp_path_factory.mktemp("damage") / "outputs")


@pytest.mark.parametrize("chunk", range(-(-COUNT // CHUNK)))
def test_no_damage_ends_in_a_traceback_or_in_other_predictions(outputs: Outputs, tmp_path: Path, chunk: int) -> None:
    fell = []
    for seed in range(chunk * CHUNK, min(COUNT, (chunk + 1) * CHUNK)):
        fell += [f"seed {seed}: {one}" for one in faults(outputs, tmp_path / "outputs", seed)]
        remove(tmp_path / "outputs")
    assert not fell, "\n".join(fell)


def faults(outputs: Outputs, folder: Path, seed: int) -> Iterator[str]:
    """What goes wrong after one mutation."""
    draws = random.Random(seed)
    damaged = outputs.at(folder)
    file = draws.choice(damaged.files)
    how = damage(folder / file, draws)
    for reader in READERS:
        try:
            with within(MOST_S):
                reader(damaged)
        except HarError as error:
            if len(str(error)) > LONGEST or "\n" in str(error):
                yield f"{how} of {file}: {reader.__name__} says {str(error)[:300]!r}"
        except (Exception, Hangs) as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            ours = [one for one in traceback.extract_tb(error.__traceback__) if "/har_llm/" in one.filename][-1:]
            where = " ".join(f"{Path(one.filename).name}:{one.lineno}" for one in [*ours, last])
            yield f"{how} of {file}: {reader.__name__} ends in {type(error).__name__} {str(error)[:200]!r} at {where}"
    yield from other_predictions(outputs, damaged, f"{how} of {file}")


def other_predictions(outputs: Outputs, damaged: Outputs, what: str) -> Iterator[str]:
    for run, other in zip(outputs.runs()[:3], damaged.runs()[:3], strict=True):
        try:
            same = list(read_run(run.folder).predictions()) == list(read_run(other.folder).predictions())
        except HarError:
            continue
        if not same:
            yield f"{what}: {run.name} has other predictions"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise Hangs(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def remove(folder: Path) -> None:
    shutil.rmtree(folder) if folder.is_dir() else folder.unlink(missing_ok=True)
