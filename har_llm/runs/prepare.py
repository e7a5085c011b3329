"""Prepares a run: reads its data, renders its prompts, finds its model's version. Loads and downloads no model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from string import Template
from typing import Any

from har_llm.common.digest import digest
from har_llm.common.errors import ConfigError, HarError, MissingError
from har_llm.common.numbers import counted
from har_llm.common.paths import expanded
from har_llm.config.experiment import Experiment
from har_llm.data.few_shot import example_windows
from har_llm.data.records import Home, Prompt, Recordings, Session, Window
from har_llm.data.rendering import Renderer
from har_llm.data.splits import first_sessions
from har_llm.distill.config import Distilled, distillation_of
from har_llm.distill.given_examples import read_examples
from har_llm.engines.base import Adapter, Decoding, Request
from har_llm.engines.decoding import DecodingConfig
from har_llm.models import adapters, resolve
from har_llm.models.adapters import LoraConfig, ReadyAdapter, ResolvedAdapter
from har_llm.models.chat_template import check_reasoning
from har_llm.models.checkpoint import check_fit
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.adapter_files import right_enough
from har_llm.runs.marks import marks_of
from har_llm.runs.prepare_baseline import prepare_baseline
from har_llm.runs.recipe import AdapterRecipe, StudentRun, TrainingPart
from har_llm.runs.run import PreparedRun
from har_llm.scoring.answer_format import answer_grammar, answer_pattern, answer_schema, runs_on

TEACHER = "The teacher (lora.teacher in place of model): "


def read_recordings(experiment: Experiment) -> Recordings:
    return experiment.dataset.read(expanded(experiment.settings.paths.data))


def prepare(
    experiment: Experiment,
    *,
    planning: bool = False,
    choose: Callable[[Sequence[Session]], list[Session]] = list,
    read: Callable[[Experiment], Recordings] = read_recordings,
    who: str = "",
) -> PreparedRun:
    """The prepared run of an experiment. Raises DataError, MissingError or ConfigError.

    `planning`: for task=plan, so its model need not be reachable. `choose`: selects sessions of its part. `read`: reads its
    dataset. `who`: what an error about its model begins with.
    """
    recordings = read(experiment)
    parts = dict(divide(experiment, recordings))
    parts[experiment.split.part] = choose(parts[experiment.split.part])
    prompts = render(experiment, recordings, parts[experiment.split.part], parts["train"])
    if experiment.baseline is not None:
        return prepare_baseline(experiment, experiment.baseline, recordings, parts, prompts)
    run = _with_model(experiment, recordings, parts, prompts, planning=planning, read=read, who=who)
    return replace(run, marks=marks_of(run))


def _with_model(
    experiment: Experiment,
    recordings: Recordings,
    parts: Mapping[str, Sequence[Session]],
    prompts: Sequence[Prompt],
    *,
    planning: bool,
    read: Callable[[Experiment], Recordings],
    who: str = "",
) -> PreparedRun:
    """The run of these prompts, without its marks."""
    engine, reason = experiment.engine.chosen()
    here = engine.needs_model()
    # For an engine that needs no model, no model is looked up, downloaded or measured.
    model = _found(experiment, planning=planning, who=who) if here else resolve.unresolved(experiment.model)
    adapter, lora = None, experiment.lora
    if isinstance(lora, ReadyAdapter):
        adapter = adapters.resolve_adapter(lora) if here else adapters.served_adapter(lora)
        if adapter.path is not None and model.path is not None:
            check_fit(adapter.path, model.public_name, model.path)
    recipe = None
    if distillation_of(lora) is not None:
        recipe = make_recipe(experiment, model, recordings.home, planning=planning, read=read)
        adapter = recipe.adapter
    if adapter is None and model.known_files is not None:
        check_reasoning(experiment.model, model.known_files)
    kind = PreparedRun if recipe is None else partial(StudentRun, recipe=recipe)
    run = kind(
        experiment=experiment,
        recordings=recordings,
        parts=parts,
        prompts=prompts,
        model=model,
        adapter=adapter,
        engine=engine,
        engine_reason=reason,
        requests=(),
    )
    return replace(run, requests=list(_requests(run, _made_by(run))))


def _found(experiment: Experiment, *, planning: bool, who: str) -> ResolvedModel:
    """The run's model. Raises ConfigError or MissingError where it cannot be had. The error says what is wrong with the
    teacher too, so that one visit to a machine with a network is enough."""
    try:
        return resolve.resolve(experiment.model, planning=planning)
    except (ConfigError, MissingError) as error:
        said = [f"{who}{error}", *_wrong_with_teacher(experiment, planning=planning)]
        raise type(error)("\n".join(said)) from None


def _wrong_with_teacher(experiment: Experiment, *, planning: bool) -> Iterator[str]:
    lora = distillation_of(experiment.lora)
    if lora is None or not lora.examples.asks_teacher:
        return
    asked, own = teachers_experiment(experiment, lora), experiment.model
    if (asked.model.id, asked.model.revision) == (own.id, own.revision):
        return
    try:
        if asked.engine.chosen()[0].needs_model():
            resolve.resolve(asked.model, planning=planning)
    except HarError as error:
        yield f"{TEACHER}{error}"


@dataclass(frozen=True)
class LiveRun:
    """A run whose windows are not known yet: each makes a run of its own."""

    run: PreparedRun
    """Of no window."""
    renderer: Renderer

    def about(self, window: Window) -> PreparedRun:
        """The run of one window; its generations have the keys of an offline run that has this window."""
        run = replace(self.run, prompts=[self.renderer.render(window)])
        return replace(run, requests=list(_requests(run, self._made_by)))

    @cached_property
    def _made_by(self) -> dict[str, Any]:
        return _made_by(self.run)


def prepare_live(experiment: Experiment, home: Home) -> LiveRun:
    """What answers windows of a home as they close. Raises as `prepare` does.

    The dataset's recording is read only where the prompt shows examples of it, or an adapter is made of it.
    """
    if experiment.baseline is not None:
        raise ConfigError(
            f"model={experiment.model.name} is a baseline, which needs all windows at once; choose another model."
        )
    parts: dict[str, Sequence[Session]] = {"train": [], experiment.split.part: []}
    if experiment.prompt.examples:
        parts |= {"train": divide(experiment, read_recordings(experiment))["train"]}
    recordings = Recordings(home, ())
    renderer = experiment.prompt.renderer(home, _examples(experiment, parts["train"]))
    return LiveRun(_with_model(experiment, recordings, parts, (), planning=False, read=read_recordings), renderer)


def divide(experiment: Experiment, recordings: Recordings) -> Mapping[str, Sequence[Session]]:
    return experiment.split.divide(recordings.sessions, experiment.dataset.paper_split)


def render(
    experiment: Experiment, recordings: Recordings, sessions: Sequence[Session], training: Sequence[Session]
) -> list[Prompt]:
    """The prompts of the sessions' windows, or of the first `limit` of them. Raises ConfigError if there is none.

    `training`: the sessions of the training part, of which a prompt may show windows.
    """
    renderer = experiment.prompt.renderer(recordings.home, _examples(experiment, training))
    if not sessions:
        raise ConfigError(f"split.part is {experiment.split.part!r}, which holds no session; choose another part or split.")
    windows = (window for session in sessions for window in experiment.window.cut(session))
    prompts = [renderer.render(window) for window in islice(windows, experiment.settings.limit)]
    if not prompts:
        raise ConfigError(
            f"No window is left of {counted(len(sessions), 'session')}: window.min_events is "
            f"{experiment.window.min_events}; lower it."
        )
    return prompts


def _examples(experiment: Experiment, training: Sequence[Session]) -> list[Window]:
    """The windows that the prompts show with their gold activities: of those sessions alone that a student is trained on,
    because its row says how many that are."""
    prompt, lora = experiment.prompt, distillation_of(experiment.lora)
    if not prompt.examples:
        return []
    if lora is not None and lora.source is None:
        training = first_sessions(training, lora.train_sessions, lora.session_seed)
    windows = (window for session in training for window in experiment.window.cut(session))
    return example_windows(windows, prompt.examples, prompt.examples_seed, spare=experiment.split.part == "train")


def _made_by(run: PreparedRun) -> dict[str, Any]:
    """What can change the generations of all windows alike."""
    model, drawn = run.experiment.model, run.experiment.decoding
    made_by: dict[str, Any] = {
        "model": run.model_identity,
        "template": [model.template_options(), resolve.template_digest(run.model)],
        "sampling": model.sampling.identity(),
        "context": model.context,
        **drawn.identity(),
    }
    looked_for = drawn.structured or drawn.thinking_token_budget is not None
    if looked_for or not run.engine.needs_model():  # by the engine; a server may split the reasoning off, without its marks
        made_by["reasoning_marks"] = model.reasoning_marks
    return made_by


def _requests(run: PreparedRun, made_by: Mapping[str, Any]) -> Iterator[Request]:
    """The requests of a run's prompts. `made_by`: see _made_by."""
    model, drawn, seed = run.experiment.model, run.experiment.decoding, run.experiment.settings.seed
    repetition = None
    if drawn.repetition_min_count is not None:
        repetition = (drawn.repetition_min_count, drawn.repetition_max_pattern_size)
    decoding = Decoding(model.sampling, model.template_options(), drawn.thinking_token_budget, repetition)
    adapter = _engine_adapter(run.adapter)
    labels, asked = run.recordings.home.activities, run.experiment.prompt.form
    for prompt in run.prompts:
        schema = answer_schema(prompt.ids, labels, asked) if drawn.structured and asked.format == "json" else None
        pattern = answer_pattern(prompt.ids, labels, asked) if drawn.structured else None
        grammar = answer_grammar(prompt.ids, labels, asked) if drawn.structured else None
        # Reasoning may go through any ids, and engines know no end of it.
        reasons = model.thinking or asked.mark is not None
        stop = () if drawn.structured or reasons else runs_on(prompt.ids, asked)
        form = {"pattern": pattern, "stop": list(stop)}
        for sample in range(drawn.samples):
            own_seed = 0 if model.sampling.greedy else request_seed(seed, prompt.window, sample)
            messages = [dict(message) for message in prompt.messages]
            key = digest({**made_by, **form, "messages": messages, "seed": own_seed})
            yield Request(key, prompt.messages, own_seed, decoding, adapter, schema, pattern, grammar, stop)


def _engine_adapter(adapter: ResolvedAdapter | None) -> Adapter | None:
    if adapter is None:
        return None
    if adapter.path is None:
        return Adapter(adapter.id, "")
    return Adapter(f"lora_{digest(adapter.identity())[:12]}", str(adapter.path))


def request_seed(seed: int, window: Window, sample: int) -> int:
    """The seed of one generation of a window, so that it does not depend on other generations or their order."""
    name = f"{seed}/{window.id}" + (f"/{sample}" if sample else "")
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def teachers_experiment(experiment: Experiment, lora: Distilled) -> Experiment:
    """The teacher as it is, on its own engine, asked about the training part; the student in its place if there is none."""
    return replace(
        experiment,
        model=lora.teacher or experiment.model,
        engine=lora.engine or experiment.engine,
        dataset=lora.source or experiment.dataset,
        window=lora.window or experiment.window,
        lora=LoraConfig(),
        decoding=DecodingConfig(samples=lora.examples.samples),
        split=replace(experiment.split, part="train"),
        settings=replace(experiment.settings, limit=None),
    )


def _told(prompt: Prompt, text: str, home: Home) -> Prompt:
    """The prompt with the gold activities of its events; as it is if none is labelled. Only a teacher is ever sent it."""
    lines = [
        f"{shown}: {' or '.join(home.activities[number] for number in event.activities)}"
        for shown, event in zip(prompt.ids, prompt.window.events, strict=True)
        if event.activities
    ]
    if not lines:
        return prompt
    *before, last = prompt.messages
    content = f"{last['content']}\n\n{Template(text).substitute(answer=chr(10).join(lines)).strip()}"
    return replace(prompt, messages=(*before, {**last, "content": content}))


def make_recipe(
    experiment: Experiment, student: ResolvedModel, home: Home, *, planning: bool, read: Callable[[Experiment], Recordings]
) -> AdapterRecipe:
    """The recipe of the experiment's adapter: examples of a file, or the training part of its own or another dataset, in its
    own windows or others, with its teacher if it has one."""
    lora = distillation_of(experiment.lora)
    assert lora is not None
    if lora.examples.path is not None:
        return AdapterRecipe(lora, read_examples(expanded(lora.examples.path)), student, experiment, home.activities)
    part = prepare(
        teachers_experiment(experiment, lora),
        planning=planning,
        read=read,
        choose=lambda sessions: first_sessions(sessions, lora.train_sessions, lora.session_seed),
        who=TEACHER if lora.examples.asks_teacher else "",
    )
    if not lora.examples.asks_teacher:
        part = replace(part, requests=())
    elif lora.examples.told is not None:
        told = [_told(prompt, lora.examples.told, part.recordings.home) for prompt in part.prompts]
        part = replace(part, requests=list(_requests(replace(part, prompts=told), _made_by(part))))
    elif lora.examples.method == "rejection_sampling":
        part = replace(part, enough=right_enough(part, lora.examples, experiment))
    return AdapterRecipe(lora, TrainingPart(part, lora.examples), student, experiment, home.activities)
