"""report.html: every run, table and figure, and every event with every model's words, in one file that needs nothing else.

The page is assembled here; what it shows is made in the browser by assets/*.js from the records of `content`.
Everything that comes from models and data is untrusted, and reaches the page as JSON or base64, never as markup.
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

from har_llm.common.tables import Table
from har_llm.report.figures.chart import Figure
from har_llm.report.page.blocks import as_json, data_block, json_block, packed_block, source_hash
from har_llm.report.page.chunks import WindowChunks
from har_llm.report.page.content import Index
from har_llm.report.page.data import Dataset, gather
from har_llm.report.page.index import make_index, run_details
from har_llm.runs.directory import RunResult

MOST_BYTES = 150_000_000
"""Of prompts and generations in a page. Beyond it, browsers and mail become slow; the page says what it lacks."""
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
    most_bytes: int = MOST_BYTES,
) -> None:
    """Write the page into a folder that is there. Raises MissingError for a run whose files are damaged, and writes none."""
    # Chunks are written first, because what refers to them stands before them.
    with tempfile.TemporaryFile(dir=path.parent) as kept:
        chunks = WindowChunks(kept, most_bytes=most_bytes, runs=len(runs))
        datasets = gather(runs, chunks)
        index = make_index(
            runs, datasets, tables=tables, figures=figures, headline=headline, parsing=parsing, most_bytes=most_bytes
        )
        kept.seek(0)
        with path.open("wb") as stream:
            stream.write(_head(index).encode())
            _write_blocks(stream, runs, datasets, figures)
            shutil.copyfileobj(kept, stream, 1 << 20)
            stream.write(b"</body>\n</html>\n")


def _head(index: Index) -> str:
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


def _title(index: Index) -> str:
    """It says what all runs are, if they are not what a reader would take them for."""
    runs = len(index.runs)
    kinds = [kind for kind, count in index.status if count == runs]
    return f"har_llm report: {runs} {'run' if runs == 1 else 'runs'}" + (f" ({'; '.join(kinds)})" if kinds else "")


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
