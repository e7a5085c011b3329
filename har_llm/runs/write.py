"""Parses and scores a run's stored generations, and writes its directory, which appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from har_llm.common.digest import canonical, digest
from har_llm.common.environment import describe_environment
from har_llm.common.files import staging_folder
from har_llm.common.notices import Notice
from har_llm.common.paths import expanded, published_id
from har_llm.config.settings import PARSINGS
from har_llm.data.describe import describe
from har_llm.data.records import Prompt, elapsed
from har_llm.distill.manifest import AdapterOrigin, known_manifest
from har_llm.engines.llama_cpp_config import AS_IN_FILE
from har_llm.models import resolve
from har_llm.models.adapters import LOCAL
from har_llm.models.config import EMBEDDED_PREFIX
from har_llm.models.gguf import read_header
from har_llm.runs import directory, summary_markdown
from har_llm.runs.activities import event_sheet, segment_sheet
from har_llm.runs.directory import RunResult
from har_llm.runs.generations import WindowGenerations, parse_windows
from har_llm.runs.recipe import AdapterRecipe, StudentRun, TrainingPart
from har_llm.runs.result import (
    FORMAT,
    Choices,
    Data,
    Distillation,
    Environment,
    GeneratedBy,
    Metrics,
    PredictionRow,
    RunAdapter,
    RunBaseline,
    Sample,
    SampleEvent,
    Shown,
    Versions,
)
from har_llm.runs.rows import prediction_rows, window_rows
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import GenerationStore
from har_llm.runs.summary import summarise
from har_llm.scoring import metrics, parsing
from har_llm.scoring.names import gold_names, prediction_name
from har_llm.scoring.over_time import TimedEvent, over_time
from har_llm.scoring.prediction import Prediction
from har_llm.scoring.residents import ResidentEvent, score_residents


def write_run(run: PreparedRun, store: GenerationStore) -> Path:
    """Score a run and write its directory, or what is damaged in it. If another process was faster, its directory is kept.

    Raises MissingError if generations are missing.
    """
    windows = parse_windows(run, store)
    rows = list(prediction_rows(run, windows))
    result = RunResult(
        run.folder,
        run.experiment.source,
        _metrics(run, windows, rows),
        _environment(run, windows),
        _data(run),
        _sample(run, windows, rows),
    )
    shown = result.metrics.shown
    summary = summarise(result, headline=shown.headline, parsing=shown.parsing)
    with staging_folder(run.folder) as staging:
        directory.write_files(
            staging,
            result,
            rows,
            window_rows(run, windows),
            summary_markdown.render(summary),
            {
                directory.EVENTS: event_sheet(result.metrics, rows, shown.parsing),
                directory.SEGMENTS: segment_sheet(result.metrics, rows, shown.parsing),
            },
        )
        directory.put_in_place(staging, run.folder)
    return run.folder


def _metrics(run: PreparedRun, windows: Sequence[WindowGenerations], rows: Sequence[PredictionRow]) -> Metrics:
    home, experiment = run.recordings.home, run.experiment
    settings = experiment.settings
    shown = [row for row in rows if row.excluded is None]
    return Metrics(
        format=FORMAT,
        provenance=run.provenance,
        partial=run.partial,
        limit=settings.limit,
        dataset=experiment.dataset.name,
        part=experiment.split.part,
        model=experiment.model.name,
        model_id=run.model.public_id,
        parameters=resolve.parameter_count(run.model),
        adapter=_adapter(run),
        decoding=experiment.decoding.name,
        samples=experiment.decoding.samples,
        seed=settings.seed,
        generations_digest=digest([record.key for window in windows for record in window.records]),
        choices=_choices(run),
        sessions=len({row.session for row in shown}),
        windows=len(run.prompts),
        events=len(shown),
        activities=dict(home.activities),
        null_class=sorted(home.null_class),
        excluded_events=dict(Counter(row.excluded for row in rows if row.excluded is not None)),
        versions=Versions(parsing.VERSION, metrics.VERSION),
        shown=Shown(settings.metrics.headline, settings.metrics.parsing),
        **{name: _scores(run, rows, name) for name in PARSINGS},
        baseline=_baseline(run),
        marks=run.marks.words,
        uses_gold=run.marks.uses_gold,
    )


def _scores(run: PreparedRun, rows: Sequence[PredictionRow], name: str) -> metrics.ParsedScores:
    home = run.recordings.home
    predicted = [(row, row.parsed(name)) for row in rows if row.excluded is None]
    events = [metrics.ScoredEvent(row.session, row.gold, one.activity, one.missed) for row, one in predicted]
    scores = metrics.score_all(events, home.activities, home.null_class, run.unscored)
    if scores.all.pooled.events:
        scored = [number for number in home.activities if number not in run.unscored]
        scores = replace(scores, over_time=over_time(_timed(run, rows, name), scored, home.null_class))
    if run.experiment.prompt.answer_keys.resident is None or run.experiment.baseline is not None:
        return scores
    return replace(scores, residents=score_residents(_by_window(predicted)))


def _timed(run: PreparedRun, rows: Sequence[PredictionRow], name: str) -> Iterator[list[TimedEvent]]:
    """The events of each session, those that are not scored without gold."""
    for _, group in groupby(rows, key=lambda row: row.session):
        session = list(group)
        for_time = elapsed([row.moment for row in session])
        yield [
            TimedEvent(
                second,
                tuple(number for number in row.gold if row.excluded is None and number not in run.unscored),
                row.parsed(name).activity,
            )
            for second, row in zip(for_time, session, strict=True)
        ]


def _by_window(predicted: Sequence[tuple[PredictionRow, Prediction]]) -> Iterator[tuple[str, list[ResidentEvent]]]:
    """The events of each window whose answer counts for them, with its session."""
    windows: dict[tuple[str, int | None], list[ResidentEvent]] = {}
    for row, one in predicted:
        windows.setdefault((row.session, row.window), []).append(ResidentEvent(row.subjects, one.resident))
    return ((session, events) for (session, _), events in windows.items())


def _choices(run: PreparedRun) -> Choices:
    experiment = run.experiment
    return Choices(
        window=_component(experiment.window),
        prompt={
            "kind": type(experiment.prompt).__name__,
            "name": experiment.prompt.name,
            "examples": sorted({example for prompt in run.prompts for example in prompt.examples}),
            "digest": _digest_of_prompts(run.prompts),
            "text_digest": experiment.prompt.text_digest(),
            "answer": asdict(experiment.prompt.form),
        },
        split=_component(experiment.split),
        generation={}
        if experiment.baseline is not None
        else {
            "thinking": experiment.model.thinking,
            "reasoning_marks": " ".join(experiment.model.reasoning_marks or ()) or None,
            "context": experiment.model.context,
            **experiment.model.sampling.identity(),
            **experiment.decoding.identity(),
        },
    )


def _digest_of_prompts(prompts: Sequence[Prompt]) -> str:
    hasher = hashlib.sha256()
    for prompt in prompts:
        hasher.update(canonical([dict(message) for message in prompt.messages]).encode() + b"\n")
    return hasher.hexdigest()[:12]


def _component(component: Any) -> dict[str, Any]:
    return {"kind": type(component).__name__, **asdict(component)}


def _adapter(run: PreparedRun) -> RunAdapter | None:
    if run.adapter is None:
        return None
    lora, folder = run.experiment.lora, run.adapter.path
    manifest = None if folder is None else known_manifest(folder)
    origin = None if manifest is None or manifest.adapter is None else manifest.adapter.origin
    made = RunAdapter(lora.name, lora.label(), published_id(run.adapter.id), run.adapter.revision)
    if isinstance(run, StudentRun):
        return replace(made, distillation=_distillation(run.recipe, origin))
    if folder is not None and run.adapter.id == LOCAL:
        made = replace(made, folder=folder.absolute().name)
    return made if origin is None else replace(made, recipe=origin.key, origin=_told(origin))


def _distillation(recipe: AdapterRecipe, origin: AdapterOrigin | None) -> Distillation:
    """`origin`: None for an adapter that was removed after the last generation."""
    source, teacher = recipe.source, recipe.teacher
    part = source.run if isinstance(source, TrainingPart) else None
    return Distillation(
        method=recipe.lora.examples.method,
        teacher=None if teacher is None else teacher.experiment.model.name,
        dataset=source.dataset,
        sessions=0 if part is None else len(part.sessions),
        all_sessions=recipe.lora.train_sessions is None,
        windows=recipe.most_examples if part is None else len(part.prompts),
        uses_gold=source.uses_gold,
        steps=recipe.lora.training.max_steps,
        epochs=None if origin is None else origin.epochs,
    )


def _told(origin: AdapterOrigin) -> Distillation:
    """What an adapter's manifest says. It does not say whether these are all sessions of a home."""
    return Distillation(
        method=origin.method,
        teacher=None if origin.teacher is None else origin.teacher.id.removeprefix(EMBEDDED_PREFIX),
        dataset=origin.dataset,
        sessions=len(origin.sessions),
        all_sessions=False,
        windows=origin.generations if origin.windows is None else origin.windows,
        uses_gold=origin.uses_gold,
        steps=origin.training.max_steps,
        epochs=origin.epochs,
    )


def _baseline(run: PreparedRun) -> RunBaseline | None:
    baseline, given = run.experiment.baseline, run.given
    if baseline is None or given is None:
        return None
    events = sum(bool(event.activities) for session in given.sessions for event in session.events)
    return RunBaseline(baseline.kind, baseline.mark, len(given.sessions), events, baseline.settings())


def _environment(run: PreparedRun, windows: Sequence[WindowGenerations]) -> Environment:
    # Equal prompts share a generation, which was made and is counted once.
    pairs = (pair for window in windows for pair in zip(window.records, window.answers, strict=True))
    parsed = {record.key: (record, answer) for record, answer in pairs}
    records = [record for record, _ in parsed.values()]
    made_by = {json.dumps(record.about, sort_keys=True): record.about for record in records}
    return Environment(
        provenance=run.provenance,
        written=time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
        **describe_environment(),
        model=run.model_identity,
        generated_by=[GeneratedBy(**about) for about in made_by.values()],
        engine_seconds=round(sum(record.seconds for record in records), 3),
        prompt_tokens=sum(record.prompt_tokens for record in records),
        completion_tokens=sum(record.completion_tokens for record in records),
        finish_reasons=dict(Counter(record.finish_reason for record in records)),
        ran_on=sum(answer.ran_on for _, answer in parsed.values()),
        unclosed_reasoning=sum(answer.answer is None for _, answer in parsed.values()),
        quantisation=_quantisation(run),
    )


def _quantisation(run: PreparedRun) -> str | None:
    file = run.model.gguf
    as_it_is = run.model_identity.get("weights") == AS_IN_FILE
    return read_header(file).quantisation if file is not None and as_it_is else None


def _data(run: PreparedRun) -> Data:
    data = expanded(run.experiment.settings.paths.data)
    return Data(
        provenance=run.provenance,
        description=describe(run.recordings, run.parts, run.experiment.window),
        repairs=[_within(data, notice) for notice in run.recordings.repairs],
    )


def _within(data: Path, notice: Notice) -> Notice:
    """The notice without this machine's paths: the file's place below paths.data, or else its folder and name."""
    file = Path(notice.path)
    shown = file.relative_to(data) if file.is_relative_to(data) else Path(*file.parts[-2:])
    return notice._replace(path=shown.as_posix())


def _sample(run: PreparedRun, windows: Sequence[WindowGenerations], rows: Sequence[PredictionRow]) -> Sample:
    """The first event with a wrong answer, or else the first that is scored, or else the first."""
    names = run.recordings.home.activities
    shown = [row for row in rows if row.excluded is None]
    wrong = (row for row in shown if row.scored and row.lenient.activity not in (None, *row.gold))
    row = next(wrong, next((row for row in shown if row.scored), shown[0]))
    assert row.shown_id is not None  # as it is not excluded
    shown_in = (row.session, row.window)
    pairs = zip(run.prompts, windows, strict=True)
    prompt, window = next(pair for pair in pairs if (pair[0].window.session, pair[0].window.index) == shown_in)
    inside = prompt.ids.index(row.shown_id)
    # Of several generations, the first that agrees with the vote.
    chosen = next(number for number, answer in enumerate(window.answers) if answer.lenient[inside] == row.lenient)
    return Sample(
        provenance=run.provenance,
        session=row.session,
        event=inside,
        window=[
            SampleEvent(shown_id, event.time, event.text)
            for shown_id, event in zip(prompt.ids, prompt.window.events, strict=True)
        ],
        reasoning=window.answers[chosen].reasoning,
        answer=window.answers[chosen].answer,
        gold=gold_names(row.gold, names),
        predicted={name: _predicted(row.parsed(name), names) for name in PARSINGS},
        generation=window.records[chosen].key,
    )


def _predicted(prediction: Prediction, names: Mapping[int, str]) -> str:
    return prediction_name(prediction.activity, prediction.missed, names)
