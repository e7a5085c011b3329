"""The home that is watched, as its own file describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from har_llm.common.errors import ConfigError, DataError, MissingError
from har_llm.common.numbers import counted
from har_llm.data.datasets.base import DatasetConfig
from har_llm.data.datasets.files import FileReader

if TYPE_CHECKING:
    from har_llm.data.datasets.own.base import OwnHome
    from har_llm.data.datasets.own.home_file import OwnDescription


@dataclass(frozen=True)
class LiveHome:
    """A home of one's own without a recording: its words, its activities, and how its data are read."""

    dataset: OwnHome
    """With the home that its file and the settings describe."""
    described: OwnDescription
    place: str
    """Where it is described, for messages."""


def live_home(dataset: DatasetConfig) -> LiveHome:
    """Raises ConfigError for a dataset that is no home of one's own, MissingError if no file describes it, DataError for a
    broken one."""
    from har_llm.data.datasets.own.base import OwnHome  # later, because every command imports this module

    if not isinstance(dataset, OwnHome):
        raise ConfigError(
            f"task is watch, but dataset={dataset.name} is a recording of the past; choose dataset=home_assistant or "
            f"dataset=events, with dataset.path=FILE, whose home task=init describes."
        )
    if not dataset.home_file.exists():
        raise MissingError(
            f"{dataset.home_file}, which describes the home, is not there; run the same command with task=init first, which "
            f"writes it from a recording, or set dataset.home_path."
        )
    reader = FileReader()
    described = dataset.described(reader)
    if described is None:
        raise DataError(f"{dataset.home_file} has {counted(reader.faults.total, 'fault')}; correct it:", reader.faults)
    return LiveHome(*described, str(dataset.home_file))
