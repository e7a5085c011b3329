"""Reads once what many jobs of a command share: datasets, stores, adapters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from har_llm.common.digest import canonical
from har_llm.common.paths import expanded
from har_llm.common.provenance import MANIFEST
from har_llm.config.experiment import Experiment
from har_llm.data.records import Recordings
from har_llm.engines.base import Request
from har_llm.models.adapters import ADAPTER_FILES
from har_llm.runs.adapter_files import adapter_weights
from har_llm.runs.prepare import read_recordings
from har_llm.runs.recipe import AdapterRecipe
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import GenerationStore


class Datasets:
    """The recordings of each dataset with its settings. They are shared, so no caller may change them."""

    def __init__(self) -> None:
        self._read: list[tuple[Any, Path, Recordings]] = []

    def read(self, experiment: Experiment) -> Recordings:
        """The recordings, read only the first time. Raises DataError or MissingError."""
        data = expanded(experiment.settings.paths.data)
        for dataset, folder, recordings in self._read:
            if dataset == experiment.dataset and folder == data:
                return recordings
        recordings = read_recordings(experiment)
        self._read.append((experiment.dataset, data, recordings))
        return recordings


class Stores:
    """The generations of each model and the digest of each adapter's weights, as they were when they were last read."""

    def __init__(self) -> None:
        self._stores: dict[str, GenerationStore] = {}
        self._weights: dict[Path, str] = {}
        self._damaged: dict[Path, str] = {}
        """Adapters, with what is said of them."""
        self._told: set[Path] = set()

    def of(self, run: PreparedRun) -> GenerationStore:
        place = canonical([str(run.outputs), run.model_identity])
        if place not in self._stores:
            self._stores[place] = run.open_store()
        return self._stores[place]

    def owed(self, run: PreparedRun) -> list[Request]:
        """The requests whose generations are not stored yet, each key once."""
        return run.owed(self.of(run))

    def wanted(self, run: PreparedRun) -> Iterator[str]:
        """The keys of the generations that the run wants, stored or owed."""
        return (request.key for mine in run.wanted(self.of(run)) for request in mine)

    def faults(self) -> Iterator[str]:
        """What is damaged in the stores, as far as it was asked for: a sentence for each shard and adapter, told once."""
        for faults in (self._damaged, *(store.faults for store in self._stores.values())):
            for path, fault in faults.items():
                if path not in self._told:
                    self._told.add(path)
                    yield f"{path} {fault}."

    def refresh(self) -> None:
        """Find the generations that were added since, also by other processes."""
        for store in self._stores.values():
            store.refresh()

    def weights(self, recipe: AdapterRecipe) -> str | None:
        """The digest of the adapter's weights; None while it does not exist or is damaged. Raises MissingError as
        `adapter_weights` does."""
        folder = recipe.folder
        if folder not in self._weights:
            if (weights := adapter_weights(recipe)) is not None:
                self._weights[folder] = weights
            elif folder.exists():
                self._damaged[folder] = (
                    f"is a damaged adapter ({', '.join(ADAPTER_FILES)} and {MANIFEST} do not match), which is trained again"
                )
        return self._weights.get(folder)
