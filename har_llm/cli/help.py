"""The text of --help."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence

from har_llm.cli.options import options
from har_llm.cli.shells import TO_TYPE

WIDTH = 120
"""Most characters of a line; fewer on a terminal that is narrower."""
NARROWEST_TEXT = 40
"""Characters that a text needs beside its name; with fewer it stands below it."""
USAGE = """\
har_llm: human activity recognition in homes with language models.

usage: python -m har_llm [-m] [GROUP=OPTION] [SETTING=VALUE] ...

{examples}

Groups and their options (GROUP=OPTION):

{groups}

Tasks (task=NAME; the default is run):

{tasks}

Settings (SETTING=VALUE):

{settings}

Completion by the Tab key, by shell:

{shells}

{more}"""
EXAMPLES = {
    "python -m har_llm": "the embedded home and model, no download",
    "python -m har_llm dataset=marble model=qwen3_0.6b limit=5": "a first look at real data: five windows",
    "python -m har_llm -m model=qwen3_0.6b,qwen3_32b dataset=marble": "a sweep: every combination of the lists",
    "python -m har_llm dataset=marble task=describe": "what a dataset contains",
}
SETTINGS = {
    "runs": "for runs, report, compare and sync: run directories, names, patterns, or last; the default is all",
    "limit": "only the first N windows; the run is marked partial",
    "seed": "seed of the sampling",
    "baselines": "none: without the baselines that are computed beside every run",
    "paths.data": "folder that contains the datasets' folders (or set HAR_LLM_DATA)",
    "paths.outputs": "folder for generations, adapters and run directories",
    "metrics.headline": "the score that is shown first",
    "metrics.parsing": "how strictly answers are parsed",
    "GROUP.FIELD": "any field of the chosen option, as in window.events=20; --cfg job prints them all",
}
MORE = """\
--config-dir FOLDER adds your own options, --hydra-help shows the flags of Hydra, which reads this command line."""


def help_text(arguments: Sequence[str]) -> str:
    """The help, as wide as the terminal. `arguments` may name further folders of options with --config-dir."""
    from har_llm.tasks import TASKS

    width = min(WIDTH, _columns())
    groups = {group: ", ".join(names) for group, names in options(arguments).items() if "/" not in group}
    tasks = {name: (task.__doc__ or "").partition("\n")[0] for name, task in TASKS.items()}
    parts = {"examples": EXAMPLES, "groups": groups, "tasks": tasks, "settings": SETTINGS, "shells": TO_TYPE}
    aligned = {name: _aligned(rows, width) for name, rows in parts.items()}
    return USAGE.format(**aligned, more=_wrapped(MORE, width, 0))


def _columns() -> int:
    """As shutil.get_terminal_size has them, whose import takes a tenth of the time of --help."""
    if (said := os.environ.get("COLUMNS", "")).isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(1).columns or WIDTH
    except OSError:  # a file, a pipe, nothing
        return WIDTH


def _aligned(rows: Mapping[str, str], width: int) -> str:
    column = max(map(len, rows)) + 4
    if width - column >= NARROWEST_TEXT:
        return "\n".join(_wrapped(f"  {name:<{column - 4}}  {text}", width, column) for name, text in rows.items())
    return "\n".join(f"  {name}\n{_wrapped(f'      {text}', width, 6)}" for name, text in rows.items())


def _wrapped(line: str, width: int, indent: int) -> str:
    following = " " * indent
    return textwrap.fill(line, width, subsequent_indent=following, break_long_words=False, break_on_hyphens=False)
