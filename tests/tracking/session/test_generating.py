"""The making of generations is live in a W&B run of its own; resumed, it is the same run with all its steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import EngineError
from har_llm.sweep import execute
from har_llm.sweep.callbacks import Callbacks
from har_llm.sweep.job import Job
from har_llm.tracking.outcomes import Published
from har_llm.tracking.publisher import Publisher
from har_llm.tracking.session import tracking
from tests.composing import experiment
from tests.scripted_runs import SMALL, gold_script
from tests.sweep.noted_jobs import Notes

pytestmark = pytest.mark.slow

Sent = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What the tracker's process would get."""
    messages: Sent = []

    def ask(publisher: Publisher, published: Published, do: str, **message: Any) -> None:
        messages.append((do, message))

    monkeypatch.setattr(Publisher, "start", lambda self: None)
    monkeypatch.setattr(Publisher, "send", lambda self, do, **message: messages.append((do, message)))
    monkeypatch.setattr(Publisher, "ask", ask)
    return messages


def run(tmp_path: Path, *overrides: str, until: int = 1000) -> Job:
    """Make and track a run, unless it fails after so many generations."""

    def fail(count: int) -> None:
        if count == until:
            raise EngineError("far enough")

    script = gold_script(tmp_path / "gold.jsonl", wrong=24)
    settings = (*SMALL, "baselines=none", f"engine.path={script}", f"paths.outputs={tmp_path / 'outputs'}", *overrides)
    job = Job("", experiment(*settings))
    with tracking([job]) as tracker:
        execute.run_jobs([job], Callbacks(tracker, Notes(fail)))
    return job


def test_every_generation_moves_the_curves(tmp_path: Path, sent: Sent) -> None:
    job = run(tmp_path, "tracker=wandb")
    (do, begun), *steps, (end, _) = sent
    assert (do, end) == ("generating", "generated") and {do for do, _ in steps} == {"step"}
    assert begun["group"] == "simulated_flat-tiny_student-test" and not begun["generating"]["steps"]
    assert job.result is not None
    metrics, last = job.result.metrics, steps[-1][1]["step"]
    assert len(steps) == last["number"] == begun["generating"]["wanted"] == metrics.windows
    assert last["progress"] == 1 and last["missed"] == metrics.strict.all.pooled.score("missed")
    assert last["cut"] == 0 and last["reasoning_characters"] > 0


def test_resumed_it_is_the_same_wandb_run_from_its_first_step(tmp_path: Path, sent: Sent) -> None:
    assert isinstance(run(tmp_path, "tracker=wandb", until=3).error, EngineError)
    assert [do for do, _ in sent] == ["generating", "step", "step", "step", "dropped"]
    first = [*sent]
    sent.clear()
    run(tmp_path, "tracker=wandb")
    begun = sent[0][1]["generating"]
    assert begun["id"] == first[0][1]["generating"]["id"] and sent[-1][0] == "generated"
    assert [step["number"] for step in begun["steps"]] == [1, 2, 3] and sent[1][1]["step"]["number"] == 4
    sent.clear()
    run(tmp_path, "tracker=wandb")
    assert not sent, "nothing is made any more"


def test_without_a_tracker_nothing_is_counted(tmp_path: Path, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_llm.tracking.progress.begin", None)
    assert run(tmp_path).error is None and not sent


def test_a_failure_to_count_costs_no_generation(
    tmp_path: Path, sent: Sent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("har_llm.tracking.progress.Progress.add", None)
    assert run(tmp_path, "tracker=wandb").error is None
    assert capsys.readouterr().err.count("Not everything was published to W&B") == 1
