"""report.html: every run, table and figure, and every event with every model's words, in one file that needs nothing else.

The page is assembled here; what it shows is made in the browser by assets/*.js from data that this module only packs.
Everything that comes from models and data is untrusted, and reaches the page as JSON or base64, never as markup.
"""

from __future__ import annotations

import html
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO

import har_llm
from har_llm.common.files import staging_folder
from har_llm.common.tables import Table
from har_llm.config import PARSINGS
from har_llm.report.figures.chart import Figure
from har_llm.report.page.blocks import as_json, data_block, json_block, packed_block, source_hash
from har_llm.report.page.data import Dataset, RunColumns, gather
from har_llm.report.page.labels import run_labels
from har_llm.report.page.texts import Texts
from har_llm.runs.directory import RunResult
from har_llm.runs.facts import label as status
from har_llm.runs.facts import labels
from har_llm.scoring.names import METRICS

TEXT_LIMIT = 150_000_000
"""Most bytes of prompts and texts in a page. Beyond it, browsers and mail become slow; the page says what it lacks."""
SCRIPTS = (
    "dom.js",
    "blocks.js",
    "data.js",
    "address.js",
    "labels.js",
    "passages.js",
    "filters.js",
    "overview.js",
    "parts.js",
    "confusion.js",
    "bands.js",
    "timeline.js",
    "list.js",
    "explorer.js",
    "texts.js",
    "detail.js",
    "main.js",
)
STYLES = ("base.css", "views.css", "explorer.css")


def write_page(
    runs: Sequence[RunResult],
    path: Path,
    *,
    tables: Sequence[Table],
    figures: Sequence[Figure],
    headline: str,
    parsing: str,
    text_limit: int = TEXT_LIMIT,
) -> None:
    """Write the page in a staging folder and put it in place. Raises MissingError for a run whose files are damaged."""
    with staging_folder(path) as staging:
        page = staging / path.name
        # Chunks of texts are written first, because what refers to them stands before them.
        with (staging / "texts").open("w+b") as chunks:
            texts = Texts(chunks, limit=text_limit, runs=len(runs))
            datasets = gather(runs, texts)
            chunks.seek(0)
            with page.open("wb") as stream:
                index = _index(runs, datasets, tables, figures, headline, parsing, text_limit)
                stream.write(_head(index).encode())
                _write_blocks(stream, runs, datasets, figures)
                shutil.copyfileobj(chunks, stream, 1 << 20)
                stream.write(b"</body>\n</html>\n")
        page.replace(path)


def _index(
    runs: Sequence[RunResult],
    datasets: Sequence[Dataset],
    tables: Sequence[Table],
    figures: Sequence[Figure],
    headline: str,
    parsing: str,
    text_limit: int,
) -> dict[str, Any]:
    """What the page shows first, and what it needs to find the rest."""
    numbers = {run.folder: number for number, run in enumerate(runs)}
    labels = run_labels(runs)
    columns = {run.result.folder: run for dataset in datasets for run in dataset.runs}
    return {
        "version": har_llm.__version__,
        "headline": headline,
        "parsing": parsing,
        "metrics": METRICS,
        "status": list(Counter(kind for run in runs for kind in _kinds(run)).items()),
        "everywhere": all(status(run.metrics) for run in runs),
        "text_limit": text_limit,
        "runs": [_run(run, label, columns[run.folder]) for run, label in zip(runs, labels, strict=True)],
        "datasets": [
            {
                "name": dataset.name,
                "activities": list(dataset.activities.items()),
                "runs": [numbers[run.result.folder] for run in dataset.runs],
                "sessions": len(dataset.sessions),
                "events": sum(len(session.rows) for session in dataset.sessions),
            }
            for dataset in datasets
        ],
        "tables": [
            {"title": t.title, "columns": list(t.columns), "rows": [list(row) for row in t.rows], "notes": list(t.notes)}
            for t in tables
        ],
        "figures": [{"title": figure.title, "caption": figure.caption} for figure in figures],
    }


def _run(run: RunResult, label: str, columns: RunColumns) -> dict[str, Any]:
    names = ("dataset", "part", "model", "model_id", "parameters", "decoding", "samples", "seed")
    counts = ("sessions", "windows", "events", "excluded_events")
    metrics = run.metrics
    return {
        "name": run.folder.name,
        "label": label,
        "status": status(metrics),
        "texts_left_out": columns.left_out,
        "no_files": list(columns.no_files),
        "adapter": metrics.adapter and metrics.adapter.label,
        **{name: getattr(metrics, name) for name in (*names, *counts)},
        "scores": {
            parsing: {
                variant: {name: asdict(scores.mean[name]) for name in METRICS}
                for variant, scores in metrics.parsed(parsing).variants.items()
            }
            for parsing in PARSINGS
        },
    }


def _kinds(run: RunResult) -> list[str]:
    """What must be said of a run beside its results."""
    return labels(run.metrics)


def _details(run: RunResult) -> dict[str, Any]:
    """What only the view of one run needs."""
    return {
        parsing: {
            variant: {
                "confusion": asdict(scores.confusion),
                "per_class": [asdict(one) for one in scores.per_class],
                "missed_by_cause": {cause: asdict(spread) for cause, spread in scores.missed_by_cause.items()},
            }
            for variant, scores in run.metrics.parsed(parsing).variants.items()
        }
        for parsing in PARSINGS
    }


def _write_blocks(
    stream: BinaryIO, runs: Sequence[RunResult], datasets: Sequence[Dataset], figures: Sequence[Figure]
) -> None:
    for number, run in enumerate(runs):
        stream.write(packed_block(f"run-{number}", as_json(_details(run))))
    for number, dataset in enumerate(datasets):
        stream.write(packed_block(f"data-{number}", as_json(dataset.content())))
    for number, figure in enumerate(figures):
        stream.write(data_block(f"figure-{number}", figure.png.read_bytes()))


def _head(index: Mapping[str, Any]) -> str:
    """The page up to its data: what it needs to be seen at once."""
    style = "".join(_asset(name) for name in STYLES)
    script = '(() => {\n"use strict";\n' + "".join(_asset(name) for name in SCRIPTS) + "})();\n"
    policy = (
        f"default-src 'none'; script-src {source_hash(script)}; style-src {source_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    filled = {
        "policy": policy,
        "title": html.escape(_title(index)),
        "style": style,
        "index": json_block("index", index),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], _asset("page.html"))


def _title(index: Mapping[str, Any]) -> str:
    """It says what all runs are, if they are not what a reader would take them for."""
    runs = len(index["runs"])
    kinds = [kind for kind, count in index["status"] if count == runs]
    return f"har_llm report: {runs} {'run' if runs == 1 else 'runs'}" + (f" ({'; '.join(kinds)})" if kinds else "")


def _asset(name: str) -> str:
    return (files("har_llm.report.page") / "assets" / name).read_text(encoding="utf-8")
