"""Writes report.html: all runs, tables, figures, events and generations, in one file that needs no other.

The scripts in assets/ make the views in the browser from the records of `content`. Texts of models and data are untrusted,
so they are in the page as JSON or base64, never as markup.
"""

from __future__ import annotations

import html
import re
import shutil
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

from har_llm.common.numbers import counted
from har_llm.common.tables import Table
from har_llm.report.figures.chart import Figure
from har_llm.report.page.blocks import as_json, data_block, json_block, packed_block, source_hash
from har_llm.report.page.chunks import WindowChunks
from har_llm.report.page.content import Index
from har_llm.report.page.data import Dataset, gather
from har_llm.report.page.index import make_index, run_details
from har_llm.report.standing import Standing
from har_llm.runs.directory import RunResult

MOST_BYTES = 150_000_000
"""Most bytes of prompts and generations in a page. Browsers become slow beyond it; the page says what is left out."""
SCRIPTS = (
    "dom.js",
    "sorting.js",
    "blocks.js",
    "data.js",
    "address.js",
    "labels.js",
    "passages.js",
    "filters.js",
    "overview.js",
    "parts.js",
    "confusion.js",
    "axis.js",
    "bands.js",
    "timeline.js",
    "days.js",
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
    standing: Sequence[Standing] = (),
    most_bytes: int = MOST_BYTES,
) -> None:
    """Write the page into an existing folder. Raises MissingError for a run with damaged files; then no page is written."""
    # Chunks are written first, because the blocks before them refer to their places.
    with tempfile.TemporaryFile(dir=path.parent) as kept:
        chunks = WindowChunks(kept, most_bytes=most_bytes, runs=len(runs))
        datasets = gather(runs, chunks)
        index = make_index(
            runs,
            datasets,
            standing=standing,
            tables=tables,
            figures=figures,
            headline=headline,
            parsing=parsing,
            most_bytes=most_bytes,
        )
        kept.seek(0)
        with path.open("wb") as stream:
            stream.write(_head(index).encode())
            _write_blocks(stream, runs, datasets, figures)
            shutil.copyfileobj(kept, stream, 1 << 20)
            stream.write(b"</body>\n</html>\n")


def _head(index: Index) -> str:
    """The page up to its packed blocks."""
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


def _title(index: Index) -> str:
    """The title says what is synthetic or partial about all runs."""
    runs = len(index.runs)
    kinds = [kind for kind, count in index.status if count == runs]
    return f"har_llm report: {counted(runs, 'run')}" + (f" ({', '.join(kinds)})" if kinds else "")


def _asset(name: str) -> str:
    return (files("har_llm.report.page") / "assets" / name).read_text(encoding="utf-8")


def _write_blocks(
    stream: BinaryIO, runs: Sequence[RunResult], datasets: Sequence[Dataset], figures: Sequence[Figure]
) -> None:
    for number, run in enumerate(runs):
        stream.write(packed_block(f"run-{number}", as_json(run_details(run))))
    for number, dataset in enumerate(datasets):
        stream.write(packed_block(f"data-{number}", as_json(dataset.content())))
    for number, figure in enumerate(figures):
        stream.write(data_block(f"figure-{number}", figure.png.read_bytes()))
