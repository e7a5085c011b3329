"""Whatever happens to a file of ours, its readers say so in one sentence or make it anew, and predictions stay the same.

HAR_LLM_DAMAGES=5000 tries so many damages instead of a few.
"""

from __future__ import annotations

import os
import random
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
from tests.same_process import in_this_process

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("HAR_LLM_DAMAGES", "16"))
CHUNK = 100
MOST_S = 60
"""A busy machine takes some seconds for one reader."""
LONGEST = 1_500
"""Characters of a message."""


class Hangs(BaseException):
    """A reader waits, or reads, without end."""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outputs]:
    with in_this_process():
        yield make_outputs(tmp_path_factory.mktemp("damage") / "outputs")


def test_every_reader_reads_what_is_whole(outputs: Outputs) -> None:
    for readers in READERS.values():
        for reader in readers:
            reader(outputs)


@pytest.mark.parametrize("chunk", range(-(-COUNT // CHUNK)))
def test_no_damage_ends_in_a_traceback_or_in_other_predictions(outputs: Outputs, chunk: int) -> None:
    seeds = range(chunk * CHUNK, min(COUNT, (chunk + 1) * CHUNK))
    fell = [f"seed {seed}: {fault}" for seed in seeds for fault in faults(outputs, seed)]
    assert not fell, "\n".join(fell)


def faults(outputs: Outputs, seed: int) -> Iterator[str]:
    """What goes wrong after one damage."""
    outputs.restore()
    draws = random.Random(seed)
    file = draws.choice(outputs.files)
    what = f"{damage(outputs.folder / file, draws)} of {file}"
    for reader in READERS[file.parts[0]]:
        try:
            with within(MOST_S):
                reader(outputs)
        except HarError as error:
            if len(str(error)) > LONGEST or "\n" in str(error):
                yield f"{what}: {reader.__name__} says {str(error)[:300]!r}"
        except (Exception, Hangs) as error:
            yield f"{what}: {reader.__name__} ends in {type(error).__name__} {str(error)[:200]!r} at {_places(error)}"
    for run, known in zip(outputs.runs, outputs.predictions, strict=False):
        if _predictions(run.folder) not in (None, known):
            yield f"{what}: {run.name} has other predictions"


def _places(error: BaseException) -> str:
    """Where it was raised, in our code and in all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/har_llm/" in frame.filename]
    return " ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in [*ours[-1:], frames[-1]])


def _predictions(folder: Path) -> list[Any] | None:
    """None if they are refused."""
    try:
        return list(read_run(folder).predictions())
    except HarError:
        return None


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
