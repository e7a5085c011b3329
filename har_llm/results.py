"""The run directory: what a finished run leaves on disk, and reading it back.

It is written aside and renamed into place, so it is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from har_llm import answers, metrics
from har_llm.answers import Answer, Prediction
from har_llm.describe import describe
from har_llm.environment import describe_environment
from har_llm.records import Event, Prompt
from har_llm.store import Record

if TYPE_CHECKING:
    from har_llm.run import PreparedRun


@dataclass(frozen=True)
class RunResult:
    """A finished run, as its directory holds it."""

    folder: Path
    metrics: Mapping[str, Any]
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    sample: Mapping[str, Any]


def read_run(folder: Path) -> RunResult:
    def part(name: str) -> Any:
        return json.loads((folder / name).read_text(encoding="utf-8"))

    return RunResult(folder, part("metrics.json"), part("environment.json"), part("data.json"), part("sample.json"))


def write_run(run: PreparedRun, records: Sequence[Record], read: Sequence[Answer], *, wall_seconds: float) -> Path:
    """Score a run and put its directory in place. Where another process was faster, its directory is kept."""
    rows = list(_rows(run, records, read))
    run.folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{run.name}-", dir=run.folder.parent))
    try:
        _write_config(aside / "config.yaml", run)
        with (aside / "predictions.jsonl").open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in rows)
        for name, content in (
            ("metrics.json", _metrics(run, rows)),
            ("environment.json", _environment(run, records, wall_seconds)),
            ("data.json", _data(run)),
            ("sample.json", _sample(run, records, read, rows)),
        ):
            (aside / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        aside.chmod(0o755)  # mkdtemp makes it private
        try:
            aside.rename(run.folder)
        except OSError:
            if not run.finished:
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return run.folder


def _rows(run: PreparedRun, records: Sequence[Record], read: Sequence[Answer]) -> Iterator[dict[str, Any]]:
    """Every event of the part, in order: with both readings, or with the reason why no window shows it."""
    places = {(prompt.window.session, prompt.window.index): place for place, prompt in enumerate(run.prompts)}
    size = run.experiment.window.events
    for session in run.sessions:
        for number, event in enumerate(session.events):
            place = places.get((session.id, number // size))
            row = {
                "session": session.id,
                "window": number // size,
                **_event(event),
                "gold": list(event.activities),
                "subjects": list(event.subjects),
                "scored": place is not None and not _unscored(run, event),
            }
            if place is None:
                row |= {"excluded": _exclusion(run, len(session.events), number)}
            else:
                inside, answer = number % size, read[place]
                row |= {
                    "shown_id": run.prompts[place].ids[inside],
                    "strict": _prediction(answer.strict[inside]),
                    "lenient": _prediction(answer.lenient[inside]),
                    "generation": records[place].key,
                    "text_digest": hashlib.sha256(records[place].text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
                }
            yield row if run.provenance is None else {**row, "provenance": run.provenance}


def _event(event: Event) -> dict[str, Any]:
    return {"id": event.id, "time": event.time, "event": event.text}


def _prediction(prediction: Prediction) -> dict[str, Any]:
    return {"activity": prediction.activity, "missed": prediction.cause}


def _unscored(run: PreparedRun, event: Event) -> bool:
    return run.experiment.dataset.null_class == "unscored" and set(event.activities) <= run.recordings.home.null_class


def _exclusion(run: PreparedRun, session_length: int, number: int) -> str:
    window = run.experiment.window
    start = number // window.events * window.events
    if min(window.events, session_length - start) < window.min_events:
        return "its window has fewer than window.min_events"
    return "its window is beyond limit"


def _metrics(run: PreparedRun, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    home, settings = run.recordings.home, run.experiment.settings
    unscored = home.null_class if run.experiment.dataset.null_class == "unscored" else ()
    shown = [row for row in rows if "excluded" not in row]
    scores = {
        reading: metrics.score_all(
            [
                metrics.ScoredEvent(row["session"], tuple(row["gold"]), row[reading]["activity"], row[reading]["missed"])
                for row in shown
            ],
            home.activities,
            home.null_class,
            unscored,
        )
        for reading in ("strict", "lenient")
    }
    return {
        "provenance": run.provenance,
        "partial": settings.limit is not None,
        "limit": settings.limit,
        "dataset": run.experiment.dataset.name,
        "model": run.experiment.model.name,
        "adapter": None,
        "part": run.experiment.split.part,
        "seed": settings.seed,
        "sessions": len({row["session"] for row in shown}),
        "windows": len(run.prompts),
        "events": len(shown),
        "excluded_events": dict(Counter(row["excluded"] for row in rows if "excluded" in row)),
        "versions": {"answers": answers.VERSION, "metrics": metrics.VERSION},
        **scores,
    }


def _environment(run: PreparedRun, records: Sequence[Record], wall_seconds: float) -> dict[str, Any]:
    engines = {json.dumps(record.about, sort_keys=True): record.about for record in records}
    return {
        "provenance": run.provenance,
        **describe_environment(),
        "model": run.model_identity,
        "generated_by": list(engines.values()),
        "wall_seconds": round(wall_seconds, 3),
        "prompt_tokens": sum(record.prompt_tokens for record in records),
        "completion_tokens": sum(record.completion_tokens for record in records),
        "finish_reasons": dict(Counter(record.finish_reason for record in records)),
    }


def _data(run: PreparedRun) -> dict[str, Any]:
    repairs = [{"path": r.path, "line": r.line, "kind": r.kind, "message": r.message} for r in run.recordings.repairs]
    description = describe(run.recordings, run.parts, run.experiment.window)
    return {"provenance": run.provenance, **description, "repaired": repairs}


def _sample(
    run: PreparedRun, records: Sequence[Record], read: Sequence[Answer], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """One event to look at, with its window and the model's words: the first with a wrong answer, or else the first."""
    reading = run.experiment.settings.metrics.reading
    shown = [row for row in rows if "excluded" not in row]
    wrong = (row for row in shown if row["scored"] and row[reading]["activity"] not in (None, *row["gold"]))
    row = next(wrong, shown[0])
    place = next(i for i, prompt in enumerate(run.prompts) if _is_window(prompt, row))
    names = run.recordings.home.activities
    return {
        "provenance": run.provenance,
        "reading": reading,
        "session": row["session"],
        "event": {"id": row["shown_id"], "time": row["time"], "event": row["event"]},
        "window": [_event(event) for event in run.prompts[place].window.events],
        "reasoning": read[place].reasoning,
        "answer": read[place].answer,
        "gold": [f"{number}. {names[number]}" for number in row["gold"]],
        "predicted": _named(row[reading], names),
        "generation": row["generation"],
    }


def _named(prediction: Mapping[str, Any], names: Mapping[int, str]) -> str:
    number = prediction["activity"]
    return f"missed ({prediction['missed']})" if number is None else f"{number}. {names[number]}"


def _is_window(prompt: Prompt, row: Mapping[str, Any]) -> bool:
    return bool(prompt.window.session == row["session"] and prompt.window.index == row["window"])


def _write_config(path: Path, run: PreparedRun) -> None:
    from omegaconf import OmegaConf

    source = dict(run.experiment.source)
    head = f"# {run.provenance}\n" if run.provenance else ""
    path.write_text(head + OmegaConf.to_yaml(OmegaConf.create(source)), encoding="utf-8")
