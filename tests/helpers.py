"""What several tests need: shipped configs as objects, the real data where there are any, a small home."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import time
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
from omegaconf import DictConfig, OmegaConf

from har_llm.common.errors import DataError
from har_llm.common.notices import Notice
from har_llm.data.datasets.base import DatasetConfig
from har_llm.data.describe import Description, PartCounts, TimeSpan
from har_llm.data.records import Event, Home, Session

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"

T = TypeVar("T")


def load(name: str, cls: type[T], **changes: Any) -> T:
    """conf/<name>.yaml as the object that it configures, some of its values changed."""
    built = OmegaConf.to_object(OmegaConf.merge(_settings(name, cls), changes))
    assert isinstance(built, cls)
    return built


@cache
def _settings(name: str, cls: type) -> Any:
    node = OmegaConf.load(CONF / f"{name}.yaml")
    assert isinstance(node, DictConfig)
    assert f"/schema/{cls.__module__}.{cls.__qualname__}@_here_" in node.pop("defaults")
    return OmegaConf.merge(OmegaConf.structured(cls), node)


def real_data(dataset: str) -> Path:
    """The folder that holds the real release of a dataset; the test is skipped where there is none."""
    for folder in (os.environ.get("HAR_LLM_DATA"), ROOT.parent / "shared" / "data"):
        if folder and (Path(folder) / dataset).is_dir():
            return Path(folder)
    pytest.skip(f"the real {dataset} data are not here; set HAR_LLM_DATA to the folder that holds {dataset}/")


def small_home(**changes: Any) -> Home:
    values: dict[str, Any] = {
        "name": "small",
        "description": "A small home.",
        "rooms": {"kitchen": ("fridge", "stove"), "hall": ()},
        "activities": {1: "cooking", 2: "eating", 3: "nothing in particular"},
        "null_class": frozenset({3}),
        "rules": ("Cooking needs the stove.",),
    }
    return Home(**{**values, **changes})


def clock(text: str) -> time:
    """The time of day HH:mm:ss of an event of a recording without dates."""
    return time.fromisoformat(text)


def session_of(length: int, name: str = "s1", group: str = "g") -> Session:
    events = [
        Event(number, clock(f"08:{number // 60 % 60:02d}:{number % 60:02d}"), f"kitchen fridge {number % 2}", (1,), ("A",))
        for number in range(length)
    ]
    return Session(name, group, events)


def description_of(training_sessions: int) -> dict[str, Any]:
    """The description of a dataset in data.json, of which only the training part says anything."""
    span = TimeSpan(None, None, 0, 0, 0)
    train = PartCounts(training_sessions, [], 0, 0, 0, 0)
    return asdict(Description("home", False, training_sessions, 1, 0, 0, {}, span, [], {"train": train}, {}, {}))


def only_fault(dataset: DatasetConfig, data: Path) -> Notice:
    """The one fault that is found in a folder of data; reading it is refused with the same words."""
    faults = dataset.faults(data)
    assert len(faults) == 1, [str(fault) for fault in faults]
    with pytest.raises(DataError) as raised:
        dataset.read(data)
    assert str(faults[0]) in str(raised.value)
    return faults[0]
