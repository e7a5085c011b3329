"""What a run directory says of every event and of every window: the rows of predictions.jsonl and windows.jsonl."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from har_llm.config import PARSINGS
from har_llm.data.records import Event
from har_llm.data.windows import answering
from har_llm.scoring.parsing import Prediction
from har_llm.scoring.voting import WindowTexts

if TYPE_CHECKING:
    from har_llm.runs.run import PreparedRun


def prediction_rows(run: PreparedRun, windows: Sequence[WindowTexts]) -> Iterator[dict[str, Any]]:
    """Every event of the part, in order: with both ways of parsing, or with the reason why no window shows it."""
    said = _said(run)
    places = answering([prompt.window for prompt in run.prompts])
    predicted = {parsing: [window.predictions(parsing) for window in windows] for parsing in PARSINGS}
    for session in run.sessions:
        held = {event.id for window in run.experiment.window.cut(session) for event in window.events}
        for event in session.events:
            row: dict[str, Any] = {
                "session": session.id,
                **_event(event),
                "gold": list(event.activities),
                "subjects": list(event.subjects),
            }
            if (session.id, event.id) not in places:
                reason = "its window is beyond limit" if event.id in held else "no window holds it (window.min_events)"
                row |= {"scored": False, "excluded": reason}
            else:
                place, inside = places[session.id, event.id]
                row |= {
                    "window": run.prompts[place].window.index,
                    "scored": not _unscored(run, event),
                    "shown_id": run.prompts[place].ids[inside],
                    **{parsing: as_row(predicted[parsing][place][inside]) for parsing in PARSINGS},
                    **_texts(windows[place], inside),
                }
            yield row | said


def window_rows(run: PreparedRun, windows: Sequence[WindowTexts]) -> Iterator[dict[str, Any]]:
    """Every window: what the model was sent and what it wrote, so that a run can be looked into without its store."""
    said = _said(run)
    for prompt, window in zip(run.prompts, windows, strict=True):
        texts = [
            {
                "generation": record.key,
                "text": record.text,
                "finish_reason": record.finish_reason,
                "prompt_tokens": record.prompt_tokens,
                "completion_tokens": record.completion_tokens,
                "seconds": record.seconds,
                "reasoning": answer.reasoning,
                "answer": answer.answer,
            }
            for record, answer in zip(window.records, window.answers, strict=True)
        ]
        row = {
            "session": prompt.window.session,
            "window": prompt.window.index,
            "messages": [dict(message) for message in prompt.messages],
            "ids": list(prompt.ids),
            "texts": texts,
        }
        yield row | said


def _said(run: PreparedRun) -> dict[str, str]:
    label = run.provenance.label
    return {"provenance": label} if label else {}


def _texts(window: WindowTexts, inside: int) -> dict[str, Any]:
    """Where a prediction comes from: the text's key and digest; of several texts, also what each of them says."""
    texts = [
        {
            "generation": record.key,
            "text_digest": hashlib.sha256(record.text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
            "strict": as_row(answer.strict[inside]),
            "lenient": as_row(answer.lenient[inside]),
        }
        for record, answer in zip(window.records, window.answers, strict=True)
    ]
    first = {name: texts[0][name] for name in ("generation", "text_digest")}
    return first if len(texts) == 1 else {**first, "samples": texts}


def _event(event: Event) -> dict[str, Any]:
    return {"id": event.id, "time": event.time, "event": event.text}


def as_row(prediction: Prediction) -> dict[str, Any]:
    return {"activity": prediction.activity, "missed": prediction.cause}


def _unscored(run: PreparedRun, event: Event) -> bool:
    return run.experiment.dataset.null_class == "unscored" and set(event.activities) <= run.recordings.home.null_class
