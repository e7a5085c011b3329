"""What a result was made with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from har_llm import __version__
from har_llm.common.environment import describe_environment, library_versions, machine
from har_llm.common.hardware import Gpu


def test_versions_and_platform_are_named() -> None:
    described = describe_environment()
    assert described["har_llm"] == __version__
    assert {"torch", "transformers", "scikit-learn", "hydra-core"} <= set(described["versions"])
    assert json.loads(json.dumps(described)) == described


def test_a_library_that_is_not_installed_is_left_out() -> None:
    assert library_versions(("no-such-library",)) == {}


def test_no_secret_and_no_path_is_recorded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    text = json.dumps(describe_environment())
    assert "hf_secret" not in text and str(Path.home()) not in text


@pytest.fixture
def nothing_is_remembered() -> Iterator[None]:
    machine.cache_clear()
    yield
    machine.cache_clear()


@pytest.mark.usefixtures("nothing_is_remembered")
def test_the_hardware_is_what_was_used_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = [Gpu(str(index), "NVIDIA A100", 80e9, 80e9) for index in range(4)]
    monkeypatch.setattr("har_llm.common.environment.gpus", lambda: cards)
    assert (machine(), machine(gpus_used=1)) == ("4 x NVIDIA A100", "1 x NVIDIA A100")
    monkeypatch.setattr("har_llm.common.environment.gpus", list)
    machine.cache_clear()
    assert machine(gpus_used=1) == machine()
