"""The text of --help."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from har_llm.cli.options import options

WIDTH = 120
USAGE = """\
har_llm: human activity recognition in homes with language models.

usage: python -m har_llm [-m] [GROUP=OPTION] [SETTING=VALUE] ...

  python -m har_llm                                               the embedded home and model, no download
  python -m har_llm dataset=marble model=qwen3_0.6b limit=5       a first look at real data: five windows
  python -m har_llm -m model=qwen3_0.6b,qwen3_32b dataset=marble  a sweep: every combination of the lists
  python -m har_llm dataset=marble task=describe                  what a dataset contains

Groups and their options (GROUP=OPTION):

{groups}

Tasks (task=NAME; the default is run):

{tasks}

Settings (SETTING=VALUE):

  runs             for runs, report, compare and sync: run directories, names, patterns, or last; the default is all
  limit            only the first N windows; the run is marked partial
  seed             seed of the sampling
  baselines        none: without the baselines that are computed beside every run
  paths.data       folder that contains the datasets' folders (or set HAR_LLM_DATA)
  paths.outputs    folder for generations, adapters and run directories
  metrics.headline, metrics.parsing    the score that is shown first, and how strictly answers are parsed
  GROUP.FIELD      any field of the chosen option, as in window.events=20; --cfg job prints them all

--config-dir FOLDER adds your own options, --hydra-help shows the flags of Hydra, which reads this command line."""


def help_text(arguments: Sequence[str]) -> str:
    """The help. `arguments` may name further folders of options with --config-dir."""
    from har_llm.tasks import TASKS

    groups = {group: ", ".join(names) for group, names in options(arguments).items() if "/" not in group}
    tasks = {name: (task.__doc__ or "").partition("\n")[0] for name, task in TASKS.items()}
    return USAGE.format(groups=_aligned(groups), tasks=_aligned(tasks))


def _aligned(rows: Mapping[str, str]) -> str:
    width = max(map(len, rows))
    return "\n".join(_wrapped(f"  {name:<{width}}  {text}", width + 4) for name, text in rows.items())


def _wrapped(line: str, indent: int) -> str:
    return textwrap.fill(line, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
