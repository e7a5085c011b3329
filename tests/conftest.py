"""Nothing in the tests may reach the Hugging Face hub or a user's outputs; and the script of a small run."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.same_process import in_this_process
from tests.warm_processes import session_folder

NOT_SLOW = "not slow"
SLOW_FILE = re.compile(r"^pytestmark = (\[\s*)?pytest\.mark\.slow\b", re.MULTILINE)
MOST_WORKERS = 4  # each may hold a model or a browser

settings.register_profile("har_llm", deadline=None)  # on a busy machine an example may take any time
settings.load_profile("har_llm")


def pytest_configure() -> None:
    assert session_folder().is_dir()  # before workers start, which share it


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A worker a core for whole folders of tests, and one more where slow ones wait for the processes that they start.

    A few files or tests are done sooner without any.
    """
    folders = all(Path(argument.partition("::")[0]).is_dir() for argument in config.args)
    waiting = config.option.markexpr != NOT_SLOW
    return min((os.cpu_count() or 1) + waiting, MOST_WORKERS) if folders else 0


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m "not slow"`, files that are slow as a whole are not even imported: they bring PyTorch and vLLM along."""
    if config.option.markexpr == NOT_SLOW and collection_path.suffix == ".py":
        return True if SLOW_FILE.search(collection_path.read_text(encoding="utf-8")) else None
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests begin first, so that at the end no worker waits for one of them."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Thousands of tests and their libraries stay to the end; looking for garbage among them took an eighth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_user_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


@pytest.fixture(autouse=True)
def gpu_only_where_there_is_one(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("gpu"):
        torch = pytest.importorskip("torch")
        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA GPU")


@pytest.fixture
def script(tmp_path: Path) -> str:
    """The setting of the scripted engine that answers every window of a small run with its gold activities."""
    from tests.scripted_runs import gold_script  # later, as it imports what reads the environment

    return f"engine.path={gold_script(tmp_path / 'gold.jsonl')}"


@pytest.fixture
def same_process() -> Iterator[None]:
    """Engines and trainings in this process."""
    with in_this_process():
        yield
