"""Finds the baselines that are computed beside the runs of a command, unasked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from har_llm.common.digest import canonical
from har_llm.common.numbers import counted
from har_llm.config.experiment import Experiment, with_baseline
from har_llm.data.datasets.base import events_in
from har_llm.data.records import Recordings
from har_llm.models.baselines.all import BASELINES
from har_llm.models.baselines.base import SupervisedConfig
from har_llm.runs.prepare import prepare
from har_llm.runs.prepare_baseline import untrainable
from har_llm.sweep.job import Job


@dataclass(frozen=True)
class Beside:
    jobs: Sequence[Job]
    """Prepared, each once, without those that are among the command's own jobs."""
    left_out: Sequence[str]
    """Why others are not among them, in sentences."""


def baselines_beside(jobs: Sequence[Job]) -> Beside:
    """The baselines of the homes, splits and windows of these prepared jobs. Reads no dataset again."""
    asked = {job.run.folder for job in jobs if job.run is not None}
    found: dict[str, Job] = {}
    left_out: dict[str, None] = {}
    for job in jobs:
        if job.experiment is None or job.run is None or not _wanted(job):
            continue
        if not any(event.activities for prompt in job.run.prompts for event in prompt.window.events):
            left_out[f"No baseline is computed beside {job.run.name}: none of its events has a gold activity."] = None
            continue
        why = untrainable(job.experiment, job.run.parts["train"])
        if why is not None:
            left_out[f"No baseline is trained on gold activities beside {job.run.name}: {why}."] = None
        events = events_in(job.run.parts["train"])
        for baseline in BASELINES:
            if why is not None and isinstance(baseline, SupervisedConfig):
                continue
            if baseline.most_events is not None and events > baseline.most_events:
                long = f"with {counted(events, 'event')} to train on it takes longer than seconds"
                left_out[f"model={baseline.name} is not computed unasked beside {job.run.name}: {long}."] = None
                continue
            experiment = with_baseline(job.experiment, baseline)
            same = canonical(experiment.source)
            if same not in found:
                run = prepare(experiment, read=partial(_given, job.run.recordings))
                found[same] = Job("", experiment, run, choice=job.choice)
    return Beside([one for one in found.values() if one.run is not None and one.run.folder not in asked], list(left_out))


def _given(recordings: Recordings, experiment: Experiment) -> Recordings:
    return recordings


def _wanted(job: Job) -> bool:
    assert job.experiment is not None
    return job.experiment.settings.baselines == "all" and job.experiment.baseline is None and job.error is None
