"""`--help`: the usage, and every config group with its options, read from the folders of conf/ alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

USAGE = """\
har_llm: human activity recognition in homes with language models.

usage: python -m har_llm [-m] [GROUP=OPTION] [SETTING=VALUE] ...

  python -m har_llm                                               the embedded home and model, no download
  python -m har_llm dataset=marble model=qwen3_0.6b limit=5       a first look at real data: five windows
  python -m har_llm -m model=qwen3_0.6b,qwen3_32b dataset=marble  a sweep: every combination of the lists
  python -m har_llm dataset=marble task=describe                  what a dataset holds

Groups and their options (GROUP=OPTION):

{groups}

Settings (SETTING=VALUE):

  task             run (default)
                   plan, prefetch                  what runs would take; fetch their models
                   prompt, describe, validate      what a model is sent; a dataset; its faults
                   report, compare, sync           of finished runs: tables, figures and page; two of them; to W&B
                   dashboard, export               a report at W&B; a merged model, or examples
  runs             run directories for report, compare and sync; all where it is left out
  limit            only the first N windows; the run is marked partial
  seed             seeds the sampling
  paths.data       folder that holds the datasets' folders (or set HAR_LLM_DATA)
  paths.outputs    where generations and run directories are kept
  metrics.headline, metrics.parsing    which score is shown first, how strictly answers are read
  GROUP.FIELD      any field of the chosen option, as in window.events=20; --cfg job prints them all

--config-dir FOLDER adds your own options, --hydra-help shows the flags of Hydra, which reads this command line."""


def conf_folder() -> Path:
    """conf/ beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def help_text(arguments: Sequence[str]) -> str:
    """The help; `arguments` may name further folders of options with --config-dir."""
    options: dict[str, set[str]] = {}
    for folder in (conf_folder(), *_own_folders(arguments)):
        for file in sorted(folder.glob("*/*.yaml")):
            options.setdefault(file.parent.name, set()).add(file.stem)
    width = max(map(len, options))
    lines = [f"  {group:<{width}}  {', '.join(sorted(names, key=_natural))}" for group, names in sorted(options.items())]
    return USAGE.format(groups="\n".join(lines))


def _own_folders(arguments: Sequence[str]) -> list[Path]:
    folders = []
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in ("--config-dir", "-cd"):
            folders.append(Path(value if equals else arguments[place + 1] if place + 1 < len(arguments) else "."))
    return folders


def _natural(name: str) -> tuple[str, float]:
    """qwen3_4b before qwen3_14b."""
    head, _, tail = name.rpartition("_")
    size = tail.removesuffix("b")
    return (head, float(size)) if size.replace(".", "", 1).isdigit() else (name, 0.0)
