"""What a run shows on a terminal. Imported only when there is something to show.

Text of models and data is shown as text: no markup is read in it, and control characters are made visible.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from har_llm.answers import CAUSES
from har_llm.metrics import METRICS
from har_llm.results import RunResult, read_run
from har_llm.text import visible

if TYPE_CHECKING:
    from har_llm.job import Job

LINES_OF_REASONING = 14


def console() -> Console:
    """Standard output; wide enough for the tables where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False, soft_wrap=False)


def plain(text: str) -> Text:
    """Untrusted text: no markup is read in it, and what would move the cursor or colour the terminal is made visible."""
    return Text(visible(text))


def show_job(job: Job) -> None:
    """A single run, with a sample of its reasoning; nothing for one that failed."""
    if job.folder is not None and job.experiment is not None:
        settings = job.experiment.settings.metrics
        show_run(read_run(job.folder), headline=settings.headline, reading=settings.reading, fresh=job.fresh)


def show_sweep(jobs: Sequence[Job]) -> None:
    """A line for each job: its headline score, or that it failed."""
    table = Table(title_justify="left")
    for name, right in (("job", False), ("windows", True), ("score in %", True), ("std", True), ("missed %", True)):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    table.add_column("run directory", overflow="fold")
    named, labels = set(), set()
    for job in jobs:
        if job.folder is None or job.experiment is None:
            table.add_row(plain(job.title), "", "failed", "", "", plain("its reason is above"))
            continue
        settings, scores = job.experiment.settings.metrics, read_run(job.folder).metrics
        named.add(f"{settings.headline}, {settings.reading} reading")
        means = scores[settings.reading]["all"]["mean"]
        labels.add(label(scores))
        score = means[settings.headline]
        table.add_row(
            plain(job.title),
            str(scores["windows"]),
            _percent(score["mean"]),
            _percent(score["std"]),
            _percent(means["missed"]["mean"]),
            plain(str(job.folder)),
        )
    if not named:
        return  # each job has said why it failed
    out = console()
    out.print(plain(f"{'; '.join(sorted(named))}: mean and standard deviation over sessions"), style="bold")
    out.print(table)
    for text in sorted(labels - {""}):
        out.print(plain(f"{'All of these' if len(labels) == 1 else 'Some of these'}: {text}"), style="bold yellow")


def show_run(result: RunResult, *, headline: str, reading: str, fresh: bool) -> None:
    out = console()
    scores = result.metrics
    out.print(_title(scores, fresh))
    for table in _score_tables(scores, headline, reading):
        out.print(table)
    out.print(_missed_table(scores[reading]["all"]))
    for line in _notes(result, reading):
        out.print(line, style="yellow")
    out.print(_sample_panel(result.sample, reading))
    out.print(plain(f"Run directory: {result.folder}"), soft_wrap=True)


def label(scores: Mapping[str, Any]) -> str:
    """ "synthetic home, synthetic model; partial: first 5 windows", or nothing."""
    parts = [scores["provenance"]] if scores["provenance"] else []
    if scores["partial"]:
        parts.append(f"partial: first {scores['limit']} windows only")
    return "; ".join(parts)


def _title(scores: Mapping[str, Any], fresh: bool) -> Text:
    text = f"{scores['model']} ({scores['model_id']}) on {scores['dataset']} ({scores['part']} part)"
    text += f": {scores['sessions']} sessions, {scores['windows']} windows, {scores['events']} events"
    title = plain(text)
    title.stylize("bold")
    if label(scores):
        title.append(f"\n{label(scores)}", style="bold yellow")
    if not fresh:
        title.append("\nThis run was finished before; nothing was generated or scored again.", style="dim")
    return title


def _score_tables(scores: Mapping[str, Any], headline: str, reading: str) -> list[RenderableType]:
    tables: list[RenderableType] = []
    for variant, title in (("all", "Scores in %"), ("without_null_class", "Scores in %, without the null class")):
        if variant not in scores[reading] or (variant != "all" and scores[reading].get("unscored_events")):
            continue
        table = Table()
        for name in ("", "mean", "std", "95 % interval", "pooled"):
            table.add_column(name, justify="right" if name else "left")
        per_session, pooled = scores[reading][variant]["mean"], scores[reading][variant]["pooled"]
        for name in METRICS:
            mean = per_session[name]
            interval = "" if mean["ci95"] is None else f"{_percent(mean['ci95'][0])} to {_percent(mean['ci95'][1])}"
            style = "bold" if name == headline else None
            mark = f"{name} *" if name == headline else name
            table.add_row(mark, _percent(mean["mean"]), _percent(mean["std"]), interval, _percent(pooled[name]), style=style)
        tables += [
            Text(f"\n{title}, {reading} reading: mean and standard deviation over sessions (* = metrics.headline)"),
            table,
        ]
    return tables


def _missed_table(scores: Mapping[str, Any]) -> Table:
    table = Table()
    table.add_column("missed, by cause")
    table.add_column("mean", justify="right")
    table.add_column("std", justify="right")
    for cause in CAUSES:
        share = scores["missed_by_cause"][cause]
        table.add_row(cause.replace("_", " "), _percent(share["mean"]), _percent(share["std"]))
    return table


def _notes(result: RunResult, reading: str) -> list[Text]:
    notes = []
    scores, data = result.metrics, result.data
    if scores["sessions"] < 5:
        notes.append(f"Only {scores['sessions']} session(s): the spread over sessions says little.")
    for reason, count in scores["excluded_events"].items():
        notes.append(f"{count} events are excluded: {reason}.")
    for kind, count in data.get("repairs", {}).items():
        notes.append(f"Repaired while reading the data: {count} x {kind} (data.json lists them).")
    for reason, count in data.get("dropped_events", {}).items():
        notes.append(f"{count} events are left out by the settings: {reason}.")
    ends = result.environment["finish_reasons"]
    if cut := ends.get("length", 0):
        texts = sum(ends.values())
        notes.append(f"{cut} of {texts} texts were cut by model.sampling.max_new_tokens or the model's context.")
    other = "lenient" if reading == "strict" else "strict"
    missed = [scores[name]["all"]["mean"]["missed"]["mean"] for name in (reading, other)]
    if missed[0] is not None and abs(missed[0] - missed[1]) > 0.005:
        notes.append(
            f"The {other} reading misses {_percent(missed[1])} % instead of {_percent(missed[0])} % (metrics.reading)."
        )
    if len(result.environment["generated_by"]) > 1:
        notes.append("The texts of this run were made by different engines, versions or machines (see environment.json).")
    return [plain(note) for note in notes]


def _sample_panel(sample: Mapping[str, Any], reading: str) -> Panel:
    window = Text("\n").join(
        plain(f"{'>' if place == sample['event'] else ' '} {event['id']:>4}  {event['time']}  {event['event']}")
        for place, event in enumerate(sample["window"])
    )
    lines = sample["reasoning"].strip().splitlines()
    reasoning = "\n".join(lines[:LINES_OF_REASONING]) + ("\n[...]" if len(lines) > LINES_OF_REASONING else "")
    parts = [
        _caption("Window"),
        window,
        _caption("Reasoning"),
        plain(reasoning or "(none)"),
        _caption("Answer"),
        plain((sample["answer"] or "(none)").strip()[:1500]),
        _caption("Gold"),
        plain(", ".join(sample["gold"])),
        _caption("Predicted"),
        plain(sample["predicted"][reading]),
    ]
    event = sample["window"][sample["event"]]
    title = f"Sample: event {event['id']} of {sample['session']}, {event['time']} {event['event']}"
    return Panel(Group(*parts), title=plain(title), subtitle=plain(sample["provenance"] or ""), title_align="left")


def _caption(text: str) -> Text:
    return Text(text, style="bold cyan")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"
