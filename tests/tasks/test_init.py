"""task=init as a whole command, and the road from a file to a run of the embedded model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import har_llm
from tests.data.datasets.own.homes import HISTORY

pytestmark = pytest.mark.slow


def test_from_an_export_to_a_run(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text(HISTORY)
    chosen = ("dataset=home_assistant", "dataset.path=history.csv", "dataset.timezone=Europe/Paris")
    described = har_llm(tmp_path, *chosen, "task=describe").stdout
    assert "history: 1 session, 3 events" in described and "first state of a sensor, no change" in described
    assert "history.home.yaml: 2 sensors" in har_llm(tmp_path, *chosen, "task=init").stdout
    validated = har_llm(tmp_path, *chosen, "task=validate").stdout
    assert "No faults" in validated and "first state of a sensor, no change" in validated
    assert "kitchen fridge door OPENED" in har_llm(tmp_path, *chosen, "task=prompt", "split.part=train").stdout
    assert {path.name for path in tmp_path.iterdir()} == {"history.csv", "history.home.yaml"}


def test_homes_of_conf_have_none_to_draft(tmp_path: Path) -> None:
    assert "choose dataset=events or dataset=home_assistant" in har_llm(tmp_path, "task=init", expect=1).stderr
