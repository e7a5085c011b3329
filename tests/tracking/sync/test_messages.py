"""The messages about what was published, written offline or failed; their commands can be pasted."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from har_llm.config.tracker import WandbTracker
from har_llm.tracking.outcomes import Failed, Offline, Online, Outcome, Published
from har_llm.tracking.publisher import Publisher
from har_llm.tracking.sync import sentences, sync_command
from tests.composing import experiment


def messages(tmp_path: Path, *outcomes: Outcome, tracker: WandbTracker | None = None) -> list[str]:
    publisher = Publisher(tracker or WandbTracker(), str(tmp_path))
    publisher.asked = [
        Published(str(number), str(number), [tmp_path / "runs" / str(number)], outcome)
        for number, outcome in enumerate(outcomes)
    ]
    return sentences(publisher)


def test_one_run_online(tmp_path: Path) -> None:
    assert messages(tmp_path, Online("http://w/t/p/runs/1")) == ["W&B has the run: http://w/t/p/runs/1"]
    assert messages(tmp_path, Online("http://w/t/p/runs/1", again=True)) == ["W&B has the run already: http://w/t/p/runs/1"]


def test_several_runs_online_are_a_project(tmp_path: Path) -> None:
    both = [Online(f"http://w/t/p/runs/{number}") for number in (1, 2)]
    assert messages(tmp_path, *both) == ["W&B has all 2 runs: http://w/t/p"]


def test_each_outcome_is_a_sentence(tmp_path: Path) -> None:
    outcomes = [Online("http://w/t/p/runs/1"), Offline("offline-run-2"), Failed("No."), Failed("No.")]
    online, offline, failed = messages(tmp_path, *outcomes)
    assert online.startswith("W&B has the run: ") and offline.startswith("The W&B run is kept here, ")
    assert failed.startswith("2 runs are not published to W&B (No). The results are complete; publish them later with: ")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("offline", "WANDB_MODE is offline"),
        ("dryrun", "WANDB_MODE is dryrun"),
        ("online", "this machine is not logged in to W&B"),
        ("", "this machine is not logged in to W&B"),
    ],
)
def test_the_environment_is_the_reason_only_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, why: str
) -> None:
    monkeypatch.setenv("WANDB_MODE", asked)
    (text,) = messages(tmp_path, Offline("offline-run-1"))
    assert text.startswith(f"The W&B run is kept here, because {why}; after")


def test_different_reasons_are_counted(tmp_path: Path) -> None:
    (text,) = messages(tmp_path, Failed("No."), Failed("Never."), Failed("Not now."))
    assert "(No, and 2 other reasons)" in text


def test_a_training_alone_is_no_lost_result(tmp_path: Path) -> None:
    publisher = Publisher(WandbTracker(), str(tmp_path))
    publisher.asked = [
        Published("t", "t", outcome=Failed("No.")),
        Published("dropped", "dropped", outcome=Failed("No."), reported=False),
    ]
    (text,) = sentences(publisher)
    assert "its training is published together with the first run that uses it" in text and text.startswith("The run is")


@pytest.mark.parametrize(
    "name", ["plain-run_1.0", "with space", "it's", "a,b", "[x]", "k=v", "back\\slash", "end\\", "a\\'b", "über"]
)
def test_the_command_means_what_it_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tracker = WandbTracker(project="mine", group=f"group {name}", tags=["a b", "c"], artifacts=False, init_timeout=7)
    command = sync_command(tracker, f"out {name}", [str(tmp_path / "runs" / name), "/elsewhere/run"])
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "har_llm", "task=sync"]
    read = experiment(*words[3:])
    assert read.settings.runs == [f"runs/{name}", "/elsewhere/run"] and read.settings.paths.outputs == f"out {name}"
    assert read.tracker == tracker


def test_the_command_is_short_where_nothing_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = sync_command(WandbTracker(), "outputs", [str(tmp_path / "outputs/runs/x")])
    assert command == "python -m har_llm task=sync 'runs=[outputs/runs/x]'"


def test_many_kept_runs_are_sent_by_a_pattern_unless_others_match_it(tmp_path: Path) -> None:
    folder = tmp_path / "wandb"
    names = [f"offline-run-{number}" for number in range(5)]
    for name in names:
        (folder / name).mkdir(parents=True)
    kept = [Offline(name) for name in names]
    assert messages(tmp_path, *kept)[0].endswith(f" wandb sync {folder}/offline-run-*")
    assert messages(tmp_path, *kept[:4])[0].endswith(f" wandb sync {' '.join(str(folder / name) for name in names[:4])}")
