"""A page taken apart again, and what must be in it of a run."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from har_llm.config.settings import PARSINGS
from har_llm.report.page.write import write_page
from har_llm.runs.directory import RunResult
from har_llm.runs.result import WindowGeneration
from tests.report.page_runs import Fabricated, Write, events, says

KITCHEN = events(*[f"kitchen stove turned {'ON' if number % 2 else 'OFF'}" for number in range(12)])
BATH = events(*["bathroom motion sensor turned ON"] * 7)
HOME = {"s1": KITCHEN, "s2": BATH}


class Page:
    """A page as a browser sees it, before its script runs."""

    def __init__(self, path: Path):
        self.text = path.read_text(encoding="utf-8")
        blocks = re.findall(r'<script type="application/([a-z-]+)" id="([\w-]+)">([^<]*)</script>', self.text)
        self.index = next(json.loads(content) for kind, _, content in blocks if kind == "json")
        self.packed = {name: base64.b64decode(content) for kind, name, content in blocks if kind == "octet-stream"}

    def block(self, name: str) -> Any:
        return json.loads(gzip.decompress(self.packed[name]))

    def rows(self, dataset: int, at: int) -> list[dict[str, Any]]:
        """The rows of predictions.jsonl of one of a dataset's runs, put together again."""
        data = self.block(f"data-{dataset}")
        run, columns = data["runs"][at], data["columns"]
        names = [session["name"] for session in data["sessions"] for _ in range(session["events"])]
        rows = []
        for event, name in enumerate(names):
            said = {parsing: data["codes"][ord(run[parsing][event]) - 0x30] for parsing in PARSINGS}
            if said["strict"] is None:
                continue
            row: dict[str, Any] = {"session": name, "id": data["id"][event], "time": data["time"][event]}
            row |= {name: data[name]["values"][data[name]["at"][event]] for name in ("date", "event", "gold", "subjects")}
            row["date"], row["utc_offset"] = row["date"]
            row["scored"] = columns[run["scored"]][event] == "1"
            if "excluded" in said["strict"]:
                row["excluded"] = said["strict"]["excluded"]
            else:
                row |= {"window": columns[run["windows"]][event], "shown_id": columns[run["shown"]][event]}
                row |= {
                    parsing: {"activity": what.get("activity"), "missed": what.get("missed")}
                    for parsing, what in said.items()
                }
            rows.append(row)
        return rows

    def windows(self, dataset: int, at: int) -> list[dict[str, Any]]:
        """The rows of windows.jsonl, as far as a reader needs them."""
        data = self.block(f"data-{dataset}")
        windows = []
        for session, window, first, length, *places in data["runs"][at]["places"]:
            (chunk, place), *generations = zip(places[::2], places[1::2], strict=True)
            ids = list(range(first, first + length))
            row = {"session": data["sessions"][session]["name"], "window": window, "ids": ids}
            if chunk >= 0:
                prompts = self.block(f"prompt-{chunk}")
                row["messages"] = [
                    {"role": role, "content": begin + rest}
                    for begin, (role, rest) in zip(prompts["begins"], prompts["prompts"][place], strict=False)
                ]
                row["generations"] = [self.block(f"generation-{chunk}")[place] for chunk, place in generations]
            windows.append(row)
        return windows


def written(path: Path, runs: Sequence[RunResult], **more: Any) -> Page:
    page = path / "report.html"
    settings = {"tables": [], "figures": [], "headline": "f1_weighted", "parsing": "lenient", **more}
    write_page(runs, page, **settings)
    return Page(page)


def expected_rows(run: RunResult) -> list[dict[str, Any]]:
    left_out = ("provenance", "samples", "generation", "generation_digest")
    rows = []
    for prediction in run.predictions():
        row = {name: value for name, value in asdict(prediction).items() if name not in left_out}
        for parsing in PARSINGS:
            del row[parsing]["resident"]  # the page does not show it
        if prediction.excluded is None:
            del row["excluded"]
        else:
            row = {name: row[name] for name in row if name not in ("window", "shown_id", *PARSINGS)}
        rows.append(row | {"gold": list(prediction.gold), "subjects": list(prediction.subjects)})
    return rows


def expected_windows(run: RunResult) -> list[dict[str, Any]]:
    return [
        {
            "session": row.session,
            "window": row.window,
            "ids": list(row.ids),
            "messages": [dict(message) for message in row.messages],
            "generations": [_packed(generation) for generation in row.generations],
        }
        for row in run.windows()
    ]


def _packed(generation: WindowGeneration) -> dict[str, Any]:
    """As the page keeps it: reasoning and answer are the whole text."""
    content = asdict(generation)
    del content["text"]
    return content


def fabricated(name: str, *models: Write, **more: Any) -> Fabricated:
    return Fabricated(name, more.pop("sessions", HOME), models or (says(1, 2),), **more)
