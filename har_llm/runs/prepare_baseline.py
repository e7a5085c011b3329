"""Prepares the run of a baseline: what it is trained on, and the windows that it is asked about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from har_llm.common.digest import digest
from har_llm.common.errors import ConfigError
from har_llm.common.numbers import counted
from har_llm.config.experiment import Experiment
from har_llm.data.records import Prompt, Recordings, Session
from har_llm.data.splits import ALL, first_sessions
from har_llm.engines.base import Decoding, Request
from har_llm.models.baselines.base import VERSION, BaselineConfig, Given, SupervisedConfig
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.run import PreparedRun, unscored


def prepare_baseline(
    experiment: Experiment,
    baseline: BaselineConfig,
    recordings: Recordings,
    parts: Mapping[str, Sequence[Session]],
    prompts: Sequence[Prompt],
) -> PreparedRun:
    """Raises ConfigError where there is nothing to train it on, or where it would be scored on what it is trained on."""
    sessions = _sessions(experiment, baseline, parts["train"])
    windows = [window for session in sessions for window in experiment.window.cut(session)]
    seed = experiment.settings.seed if baseline.seeded else 0
    given = Given(recordings.home, sessions, windows, unscored(experiment, recordings.home), seed)
    model = ResolvedModel(experiment.model, _revision(baseline, given), None)
    engine, _ = experiment.engine.chosen()
    run = PreparedRun(
        experiment=experiment,
        recordings=recordings,
        parts=parts,
        prompts=prompts,
        model=model,
        adapter=None,
        engine=engine,
        engine_reason="",
        requests=(),
        given=given,
    )
    return replace(run, requests=list(_requests(run, seed)))


def _sessions(experiment: Experiment, baseline: BaselineConfig, training: Sequence[Session]) -> list[Session]:
    if not isinstance(baseline, SupervisedConfig):
        return []
    chosen = first_sessions(training, baseline.train_sessions, baseline.session_seed, "model.train_sessions")
    why = untrainable(experiment, chosen)
    if why is not None:
        raise ConfigError(
            f"model={baseline.name} is trained on gold activities, but {why}; choose another split or split.part, or "
            f"model=lexical, which uses none."
        )
    return chosen


def untrainable(experiment: Experiment, training: Sequence[Session]) -> str | None:
    """Why no supervised baseline can be trained on these sessions and scored on the experiment's part; None if one can."""
    if experiment.split.part == "train":
        return "split.part is 'train', the part that they are taken from"
    if experiment.split.part == ALL:
        return "split.part is 'all', which leaves no session for training"
    if not training:
        return "the training part has no session"
    if not any(event.activities for session in training for event in session.events):
        return f"the {counted(len(training), 'session')} of the training part have none"
    return None


def _revision(baseline: BaselineConfig, given: Given) -> str:
    """A digest of all that a baseline's answers depend on, but for its seed and what it is asked."""
    home = given.home
    return digest(
        {
            "version": VERSION,
            "settings": baseline.settings(),
            "windows": [[(one.time, one.text, one.activities) for one in window.events] for window in given.windows],
            "sessions": [[(one.text, one.activities) for one in session.events] for session in given.sessions],
            "home": [[(number, home.described(number)) for number in home.activities], home.rules, sorted(home.null_class)],
            "unscored": sorted(given.unscored),
        }
    )[:16]


def _requests(run: PreparedRun, seed: int) -> Iterator[Request]:
    decoding = Decoding(run.experiment.model.sampling, {})
    for prompt in run.prompts:
        events = [(event.time, event.text) for event in prompt.window.events]
        key = digest({"model": run.model_identity, "seed": seed, "events": events, "ids": prompt.ids})
        yield Request(key, prompt.messages, seed, decoding)
