"""conf/tracker: what is refused, and that nothing of W&B is imported before it is needed."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.errors import ConfigCompositionException

from har_llm.common.errors import ConfigError
from har_llm.config.read import read_experiment
from har_llm.config.tracker import TrackerConfig, WandbTracker
from tests.composing import composed, experiment
from tests.helpers import load

WRONG = [
    ("tracker.mode=sometimes", "tracker.mode is 'sometimes'; it must be one of auto, online, offline"),
    ("tracker.project=a/b", "tracker.project is 'a/b'; it must be 1 to 128 letters, digits, dots"),
    ("tracker.project=''", "tracker.project is ''"),
    ("tracker.entity=a:b", "tracker.entity is 'a:b'"),
    ("tracker.group=''", "tracker.group is ''; it must have 1 to 128 characters, or be null"),
    ("tracker.tags=\"[ok,'']\"", "tracker.tags has ''; a tag must have 1 to 64 characters"),
    ("tracker.samples=-1", "tracker.samples is -1; it must be from 0 to 1000"),
    ("tracker.samples=1001", "tracker.samples is 1001; it must be from 0 to 1000"),
    ("tracker.init_timeout=0", "tracker.init_timeout is 0.0; it must be above 0"),
    ("tracker.finish_timeout=-1", "tracker.finish_timeout is -1.0; it must be above 0"),
    ("tracker.artifacts=some", "tracker.artifacts is 'some'; it must be true or false"),
    ("tracker.api_key=x", "tracker.api_key is not a setting"),
]


@pytest.mark.parametrize(("override", "message"), WRONG, ids=[override for override, _ in WRONG])
def test_a_wrong_setting_is_refused(override: str, message: str) -> None:
    with pytest.raises((ConfigError, ConfigCompositionException)) as caught:
        read_experiment(composed("tracker=wandb", *(f"++{one}" for one in shlex.split(override))))
    assert message in str(caught.value)


def test_nothing_is_published_unless_it_is_asked_for() -> None:
    assert type(experiment().tracker) is TrackerConfig and not experiment().tracker.publishes
    assert experiment("tracker=wandb").tracker.publishes


def test_sync_without_a_tracker_uses_what_the_yaml_says() -> None:
    assert load("tracker/wandb", WandbTracker) == WandbTracker()


def test_the_tracker_changes_no_run() -> None:
    from har_llm.runs.prepare import prepare

    names = {prepare(experiment("limit=1", "model=tiny_student", f"tracker={name}")).name for name in ("none", "wandb")}
    assert len(names) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["tracker=wandb", "--cfg", "job"],
        ["tracker=wandb", "tracker.samples=-1"],
        ["task=sync"],
        ["task=describe"],
    ],
)
def test_wandb_is_not_imported_before_it_is_used(arguments: list[str], tmp_path: Path) -> None:
    code = f"""
import sys, atexit
sys.argv = ["har_llm", *{arguments!r}]
seen = lambda: sorted(name for name in sys.modules if name == "wandb" or name.startswith("har_llm.tracking.wandb_client"))
atexit.register(lambda: print("SEEN:", seen(), file=sys.__stderr__))
from har_llm.cli.main import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert "SEEN: []" in done.stderr and "Traceback" not in done.stderr


def test_every_setting_survives_the_way_to_the_trackers_process() -> None:
    import json

    tracker = WandbTracker(group="g", tags=["t"], entity="e", samples=3, artifacts=False)
    assert WandbTracker(**json.loads(json.dumps(dataclasses.asdict(tracker)))) == tracker
