"""The tracker's process, without W&B: what it does with a training that W&B refuses at first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.provenance import Provenance
from har_llm.common.typed_json import plain
from har_llm.config.tracker import WandbTracker
from har_llm.distill.manifest import Manifest, write_manifest
from har_llm.distill.training_messages import TrainingStep
from har_llm.tracking.content import Training, TrainingContent
from har_llm.tracking.outcomes import Failed, Online
from har_llm.tracking.wandb_client import NotPublished
from har_llm.tracking.worker import Worker
from tests.distill.manifests import trained_adapter

MADE = trained_adapter(steps=(TrainingStep(1, 0.5),))


class FakeClient:
    """Notes what is begun and ended; does not take anything while it is down."""

    mode = "online"

    def __init__(self) -> None:
        self.down = False
        self.noted: list[Any] = []

    def begin(self, training: TrainingContent) -> str:
        if self.down:
            raise NotPublished("W&B is down")
        self.noted.append(("begin", training.id, training.group))
        return training.id

    def end(self, run: str, folder: Path | None, training: TrainingContent | None) -> Online:
        self.noted.append(("end", run, None if training is None else list(training.steps)))
        return Online(f"http://w/{run}")


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def worker(tmp_path: Path, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr("har_llm.tracking.worker.Client", lambda tracker, folder: client)
    return Worker(WandbTracker(), tmp_path)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    write_manifest(folder, Manifest(Provenance(), MADE))
    return folder


def began(worker: Worker) -> None:
    training = plain(Training("adapter", Provenance(), MADE.origin, steps=()))
    assert worker.answer({"do": "training", "training": training, "group": "g"}) is None


def test_a_training_that_could_not_be_shown_is_shown_when_it_ends(worker: Worker, client: FakeClient, adapter: Path) -> None:
    client.down = True
    began(worker)
    client.down = False
    id = "training-" + "k" * 16
    assert worker.answer({"do": "trained", "folder": str(adapter), "group": "g"}) == Online(f"http://w/{id}")
    assert client.noted == [("begin", id, "g"), ("end", id, [TrainingStep(1, 0.5)])]


def test_a_training_that_cannot_be_shown_is_no_sign_for_the_runs_after_it(
    worker: Worker, client: FakeClient, adapter: Path
) -> None:
    client.down = True
    began(worker)
    answer = worker.answer({"do": "trained", "folder": str(adapter), "group": "g"})
    assert answer == Failed("W&B is down", alone=True)


@pytest.mark.parametrize("manifest", ["{", "[]", json.dumps(plain(Manifest(Provenance()))), "{}"])
def test_a_training_whose_adapter_is_damaged_is_closed(
    worker: Worker, client: FakeClient, adapter: Path, manifest: str
) -> None:
    began(worker)
    (adapter / "manifest.json").write_text(manifest)
    answer = worker.answer({"do": "trained", "folder": str(adapter), "group": "g"})
    assert isinstance(answer, Failed) and "is damaged" in answer.why and answer.alone
    assert client.noted[-1] == ("end", "training-" + "k" * 16, None)
