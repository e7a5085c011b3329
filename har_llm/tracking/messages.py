"""The messages about what was published: a sentence for each kind of outcome, with the next command."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from har_llm.config import OFFLINE_MODES, WandbTracker
from har_llm.tracking.publisher import Published, Publisher

PLAIN_VALUE = re.compile(r"[\w./+-]+", re.ASCII)
"""A value that needs no quotes on Hydra's command line."""


def sentences(publisher: Publisher) -> list[str]:
    """A sentence for each kind of outcome."""
    done = [one for one in publisher.asked if one.reported]
    online = [one for one in done if "url" in one.outcome]
    offline = [one for one in done if "folder" in one.outcome]
    failed = [one for one in done if "failed" in one.outcome]
    found = []
    if online:
        found.append(_online(online))
    if offline:
        found.append(_offline(offline, publisher))
    if failed:
        found.append(_failed(failed, publisher))
    if publisher.without_adapter:
        names = ", ".join(folder.name for folder in publisher.without_adapter)
        found.append(
            f"No training is shown for {names}: its adapter is not in store/adapters, beside the folder of the runs."
        )
    return found


def _online(published: Sequence[Published]) -> str:
    again = " already" if all(one.outcome.get("again") for one in published) else ""
    urls = list(dict.fromkeys(one.outcome["url"] for one in published))
    if len(urls) == 1:
        return f"W&B has the run{again}: {urls[0]}"
    return f"W&B has all {len(urls)} runs{again}: {urls[0].partition('/runs/')[0]}"


def _offline(published: Sequence[Published], publisher: Publisher) -> str:
    folders = list(dict.fromkeys(shown(publisher.folder / one.outcome["folder"]) for one in published))
    why = "this machine is not logged in to W&B"
    if publisher.tracker.mode == "offline":
        why = "tracker.mode is offline"
    elif os.environ.get("WANDB_MODE") in OFFLINE_MODES:
        why = f"WANDB_MODE is {os.environ['WANDB_MODE']}"
    runs = "The W&B run is" if len(folders) == 1 else f"{len(folders)} W&B runs are"
    command = shlex.join(["wandb", "sync", *folders])
    return f"{runs} kept here, because {why}; after `wandb login`, this sends what is kept: {command}"


def _failed(published: Sequence[Published], publisher: Publisher) -> str:
    reasons = list(dict.fromkeys(one.outcome["failed"] for one in published))
    why = reasons[0].rstrip(".") + (f", and {len(reasons) - 1} other reasons" if len(reasons) > 1 else "")
    runs = list(dict.fromkeys(str(run) for one in published for run in one.runs))
    what = f"{len(published)} runs are" if len(published) > 1 else "The run is"
    start = f"{what} not published to W&B ({why}). "
    if not runs:
        return f"{start}The adapter is complete; its training is published together with the first run that uses it."
    command = sync_command(publisher.tracker, publisher.outputs, runs)
    return f"{start}The results are complete; publish them later with: {command}"


def sync_command(tracker: WandbTracker, outputs: str, runs: Sequence[str]) -> str:
    """The command line that publishes these runs with the same settings."""
    default = WandbTracker()
    changed = [
        f"tracker.{one.name}={_value(getattr(tracker, one.name))}"
        for one in dataclasses.fields(tracker)
        if getattr(tracker, one.name) != getattr(default, one.name)
    ]
    options = [*(["tracker=wandb"] if changed else []), *changed]
    if outputs != "outputs":
        options.append(f"paths.outputs={_value(outputs)}")
    names = _value([shown(Path(run)) for run in runs])
    return shlex.join(["python", "-m", "har_llm", "task=sync", *options, f"runs={names}"])


def _value(value: object) -> str:
    """The value, quoted for Hydra's command line."""
    if isinstance(value, list | tuple):
        return "[" + ",".join(_value(one) for one in value) + "]"
    if isinstance(value, bool | int | float) or value is None:
        return "null" if value is None else str(value).lower()
    text = str(value)
    # Hydra takes a backslash literally, except before a quote.
    return text if PLAIN_VALUE.fullmatch(text) else "'" + re.sub(r"(\\*)('|$)", _escape_quote, text) + "'"


def _escape_quote(found: re.Match[str]) -> str:
    backslashes, quote = found.groups()
    return backslashes * 2 + ("\\'" if quote else "")


def shown(path: Path) -> str:
    """The path, relative to the working folder if it is below that."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
