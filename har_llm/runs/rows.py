"""Makes the rows of predictions.jsonl (one for each event) and windows.jsonl (one for each window)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from har_llm.config.settings import PARSINGS
from har_llm.data.windows import answering
from har_llm.runs.generations import WindowGenerations
from har_llm.runs.result import PredictionRow, SampledPrediction, WindowGeneration, WindowRow
from har_llm.runs.run import PreparedRun


def prediction_rows(run: PreparedRun, windows: Sequence[WindowGenerations]) -> Iterator[PredictionRow]:
    """Every event of the part, in order: with its predictions in both parsing modes, or the reason why it is excluded."""
    places = answering([prompt.window for prompt in run.prompts])
    strict, lenient = ([window.predictions(parsing) for window in windows] for parsing in PARSINGS)
    provenance = run.provenance
    for session in run.sessions:
        held = {event.id for window in run.experiment.window.cut(session) for event in window.events}
        for event in session.events:
            row = PredictionRow(
                session=session.id,
                id=event.id,
                time=event.time,
                date=None if event.date is None else event.date.isoformat(),
                utc_offset=event.utc_offset,
                event=event.text,
                gold=event.activities,
                subjects=event.subjects,
                scored=False,
                provenance=provenance,
            )
            if (session.id, event.id) not in places:
                reason = "window beyond limit" if event.id in held else "in no window (window.min_events)"
                yield replace(row, excluded=reason)
                continue
            place, inside = places[session.id, event.id]
            samples = tuple(_samples(windows[place], inside))
            yield replace(
                row,
                scored=bool(set(event.activities) - run.unscored),
                window=run.prompts[place].window.index,
                shown_id=run.prompts[place].ids[inside],
                strict=strict[place][inside],
                lenient=lenient[place][inside],
                generation=samples[0].generation,
                generation_digest=samples[0].generation_digest,
                samples=samples if len(samples) > 1 else (),
            )


def window_rows(run: PreparedRun, windows: Sequence[WindowGenerations]) -> Iterator[WindowRow]:
    """Every window with its prompt and generations, so that a run can be inspected without its store."""
    for prompt, window in zip(run.prompts, windows, strict=True):
        yield WindowRow(
            session=prompt.window.session,
            window=prompt.window.index,
            messages=tuple(dict(message) for message in prompt.messages),
            ids=prompt.ids,
            generations=tuple(
                WindowGeneration(
                    key=record.key,
                    text=record.text,
                    finish_reason=record.finish_reason,
                    prompt_tokens=record.prompt_tokens,
                    completion_tokens=record.completion_tokens,
                    seconds=record.seconds,
                    reasoning=answer.reasoning,
                    answer=answer.answer,
                )
                for record, answer in zip(window.records, window.answers, strict=True)
            ),
            provenance=run.provenance,
        )


def _samples(window: WindowGenerations, inside: int) -> Iterator[SampledPrediction]:
    """The predictions of each generation of a window for the event at place `inside`."""
    for record, answer in zip(window.records, window.answers, strict=True):
        yield SampledPrediction(
            generation=record.key,
            generation_digest=hashlib.sha256(record.text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
            strict=answer.strict[inside],
            lenient=answer.lenient[inside],
        )
