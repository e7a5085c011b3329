"""The tracker's process, without W&B: what it does with what goes on, and with what W&B refuses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.provenance import Provenance
from har_llm.common.typed_json import plain
from har_llm.config.tracker import WandbTracker
from har_llm.distill.manifest import Manifest, write_manifest
from har_llm.distill.training_messages import TrainingStep
from har_llm.tracking.live import Generating, GeneratingStep, LiveContent, Training
from har_llm.tracking.outcomes import Dropped, Failed, Online
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

    def begin(self, live: LiveContent) -> str:
        self.check()
        self.noted.append(("begin", live.id, live.group))
        return live.id

    def log_step(self, run: str, step: object) -> None:
        self.check()
        self.noted.append(("step", run, step))

    def end_training(self, run: str, folder: Path, training: LiveContent, teacher: Sequence[Any]) -> Online:
        self.noted.append(("end", run, list(training.steps)))
        return Online(f"http://w/{run}")

    def end(self, run: str, exit_code: int = 0) -> Online:
        self.noted.append(("end", run, exit_code))
        return Online(f"http://w/{run}")

    def check(self) -> None:
        if self.down:
            raise NotPublished("W&B is down")


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
    assert client.noted[-1] == ("end", "training-" + "k" * 16, 1)


STEP = GeneratingStep(1, 0.5, 10.0, 0.0, 0.0, 20.0)
GENERATING = Generating("generating-1", "model on home", "model", "main", "vLLM", ["home"], 2, Provenance(), [STEP])


def generating(worker: Worker) -> None:
    assert worker.answer({"do": "generating", "generating": plain(GENERATING), "group": "g"}) is None
    assert worker.answer({"do": "step", "step": plain(replace(STEP, number=2))}) is None


def test_generating_is_shown_step_by_step(worker: Worker, client: FakeClient) -> None:
    generating(worker)
    assert worker.answer({"do": "generated"}) == Online("http://w/generating-1")
    shown = [("begin", "generating-1", "g"), ("step", "generating-1", replace(STEP, number=2)), ("end", "generating-1", 0)]
    assert client.noted == shown
    generating(worker)
    assert worker.answer({"do": "dropped"}) == Dropped() and client.noted[-1] == ("end", "generating-1", 1)


def test_generating_that_cannot_be_shown_is_left_out(worker: Worker, client: FakeClient) -> None:
    client.down = True
    generating(worker)
    assert worker.answer({"do": "generated"}) == Dropped() and not client.noted
