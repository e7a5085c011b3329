"""What a finished run leaves on disk. It is written aside and renamed into place, so it is there whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from har_llm.common.digest import canonical
from har_llm.common.environment import describe_environment
from har_llm.common.files import put_in_place, staging_folder
from har_llm.common.paths import expanded
from har_llm.config import PARSINGS
from har_llm.data.describe import describe
from har_llm.data.records import Prompt
from har_llm.data.windows import answering
from har_llm.models import resolve
from har_llm.runs import summary_markdown
from har_llm.runs.result import PARTS, PREDICTIONS, REPORT, WINDOWS
from har_llm.runs.rows import as_row, prediction_rows, window_rows
from har_llm.runs.summary import summarise
from har_llm.scoring import metrics, parsing
from har_llm.scoring.names import activity_name, prediction_name
from har_llm.scoring.voting import WindowTexts

if TYPE_CHECKING:
    from har_llm.runs.run import PreparedRun


def write_run(run: PreparedRun, windows: Sequence[WindowTexts]) -> Path:
    """Score a run and put its directory in place. Where another process was faster, its directory is kept."""
    rows = list(prediction_rows(run, windows))
    with staging_folder(run.folder) as staging:
        _write_config(staging / "config.yaml", run)
        for name, lines in ((PREDICTIONS, iter(rows)), (WINDOWS, window_rows(run, windows))):
            with (staging / name).open("w", encoding="utf-8") as stream:
                stream.writelines(json.dumps(line) + "\n" for line in lines)
        contents = (_metrics(run, rows), _environment(run, windows), _data(run), _sample(run, windows, rows))
        for name, content in zip(PARTS, contents, strict=True):
            (staging / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        shown = run.experiment.settings.metrics
        summary = summarise(run.name, *contents, headline=shown.headline, parsing=shown.parsing)
        (staging / REPORT).write_text(summary_markdown.render(summary), encoding="utf-8")
        put_in_place(staging, run.folder)
    return run.folder


def _metrics(run: PreparedRun, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    home, settings = run.recordings.home, run.experiment.settings
    unscored = home.null_class if run.experiment.dataset.null_class == "unscored" else ()
    shown = [row for row in rows if "excluded" not in row]
    scores = {
        parsing: metrics.score_all(
            [
                metrics.ScoredEvent(row["session"], tuple(row["gold"]), row[parsing]["activity"], row[parsing]["missed"])
                for row in shown
            ],
            home.activities,
            home.null_class,
            unscored,
        )
        for parsing in PARSINGS
    }
    return {
        "provenance": run.provenance.label,
        "partial": run.partial,
        "limit": settings.limit,
        "dataset": run.experiment.dataset.name,
        "model": run.experiment.model.name,
        "model_id": run.experiment.model.id,
        "parameters": resolve.parameter_count(run.model),
        "adapter": _adapter(run),
        "decoding": run.experiment.decoding.name,
        "samples": run.experiment.decoding.samples,
        "part": run.experiment.split.part,
        "choices": _choices(run),
        "seed": settings.seed,
        "sessions": len({row["session"] for row in shown}),
        "windows": len(run.prompts),
        "events": len(shown),
        "activities": {str(number): name for number, name in home.activities.items()},
        "null_class": sorted(home.null_class),
        "excluded_events": dict(Counter(row["excluded"] for row in rows if "excluded" in row)),
        "versions": {"answers": parsing.VERSION, "metrics": metrics.VERSION},
        **scores,
    }


def _choices(run: PreparedRun) -> dict[str, Any]:
    """What else was chosen, for those who read the scores without the config. Equal prompts have equal digests."""
    experiment = run.experiment
    return {
        "window": _component(experiment.window),
        "prompt": {
            "kind": type(experiment.prompt).__name__,
            "digest": _digest_of_prompts(run.prompts),
        },
        "split": _component(experiment.split),
        "generation": {
            "thinking": experiment.model.thinking,
            "context": experiment.model.context,
            **experiment.model.sampling.identity(),
            **experiment.decoding.identity(),
        },
    }


def _digest_of_prompts(prompts: Sequence[Prompt]) -> str:
    hasher = hashlib.sha256()
    for prompt in prompts:
        hasher.update(canonical([dict(message) for message in prompt.messages]).encode() + b"\n")
    return hasher.hexdigest()[:12]


def _component(component: Any) -> dict[str, Any]:
    return {"kind": type(component).__name__, **asdict(component)}


def _adapter(run: PreparedRun) -> dict[str, Any] | None:
    """Which adapter, and, of one that was distilled, who taught it on what."""
    if run.adapter is None:
        return None
    content: dict[str, Any] = {
        "name": run.experiment.lora.name,
        "label": run.experiment.lora.label(),
        **run.adapter.identity(),
    }
    if run.recipe is not None:
        teacher = run.recipe.teacher
        content["taught"] = {
            "teacher": teacher.experiment.model.name,
            "dataset": teacher.experiment.dataset.name,
            "sessions": len(teacher.sessions),
            "all_sessions": run.recipe.lora.train_sessions is None,
            "windows": len(teacher.prompts),
            "uses_gold": run.recipe.uses_gold,
        }
    return content


def _environment(run: PreparedRun, windows: Sequence[WindowTexts]) -> dict[str, Any]:
    # Equal prompts share a text; it was paid for once.
    records = list({record.key: record for window in windows for record in window.records}.values())
    engines = {json.dumps(record.about, sort_keys=True): record.about for record in records}
    return {
        "provenance": run.provenance.label,
        **describe_environment(),
        "model": run.model_identity,
        "generated_by": list(engines.values()),
        "engine_seconds": round(sum(record.seconds for record in records), 3),
        "prompt_tokens": sum(record.prompt_tokens for record in records),
        "completion_tokens": sum(record.completion_tokens for record in records),
        "finish_reasons": dict(Counter(record.finish_reason for record in records)),
    }


def _data(run: PreparedRun) -> dict[str, Any]:
    data = expanded(run.experiment.settings.paths.data)
    repairs = [
        {"path": _within(data, r.path), "line": r.line, "kind": r.kind, "message": r.message} for r in run.recordings.repairs
    ]
    description = describe(run.recordings, run.parts, run.experiment.window)
    return {"provenance": run.provenance.label, **description, "repaired": repairs}


def _within(data: Path, path: str) -> str:
    """A file by its place below paths.data, or else by its folder: where this machine keeps it is nobody's business."""
    file = Path(path)
    return (file.relative_to(data) if file.is_relative_to(data) else Path(*file.parts[-2:])).as_posix()


def _sample(run: PreparedRun, windows: Sequence[WindowTexts], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One event to look at, with its window and the model's words: the first with a wrong answer, or else the first."""
    names = run.recordings.home.activities
    shown = [row for row in rows if "excluded" not in row]
    wrong = (row for row in shown if row["scored"] and row["lenient"]["activity"] not in (None, *row["gold"]))
    row = next(wrong, shown[0])
    place, inside = answering([prompt.window for prompt in run.prompts])[row["session"], row["id"]]
    prompt, window = run.prompts[place], windows[place]
    # Of several texts, the first that says what they were made into.
    said = next(n for n, answer in enumerate(window.answers) if as_row(answer.lenient[inside]) == row["lenient"])
    return {
        "provenance": run.provenance.label,
        "session": row["session"],
        "event": inside,
        "window": [
            {"id": shown_id, "time": event.time, "event": event.text}
            for shown_id, event in zip(prompt.ids, prompt.window.events, strict=True)
        ],
        "reasoning": window.answers[said].reasoning,
        "answer": window.answers[said].answer,
        "gold": [activity_name(number, names[number]) for number in row["gold"]],
        "predicted": {
            parsing: prediction_name(row[parsing]["activity"], row[parsing]["missed"], names) for parsing in PARSINGS
        },
        "generation": window.records[said].key,
    }


def _write_config(path: Path, run: PreparedRun) -> None:
    from omegaconf import OmegaConf

    source = dict(run.experiment.source)
    head = f"# {run.provenance.label}\n" if run.provenance.label else ""
    path.write_text(head + OmegaConf.to_yaml(OmegaConf.create(source)), encoding="utf-8")
