"""The command line. --help is answered here; for everything else, Hydra composes the config of each job."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from har_llm.common.shipped import CONFIG, HYDRA_VERSION, conf_folder

if TYPE_CHECKING:
    from omegaconf import DictConfig

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

  runs             run directories for report, compare and sync; the default is all
  limit            only the first N windows; the run is marked partial
  seed             seed of the sampling
  paths.data       folder that contains the datasets' folders (or set HAR_LLM_DATA)
  paths.outputs    folder for generations, adapters and run directories
  metrics.headline, metrics.parsing    the score that is shown first, and how strictly answers are parsed
  GROUP.FIELD      any field of the chosen option, as in window.events=20; --cfg job prints them all

--config-dir FOLDER adds your own options, --hydra-help shows the flags of Hydra, which reads this command line."""


def main() -> None:
    """Run the command line. The exit code is 1 for an error that the user can fix, 130 for Ctrl-C."""
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(help_text(sys.argv[1:]))
        return
    given = command_line()
    refuse_unknown(sys.argv[1:])
    try:
        if any(argument.lstrip("+~").startswith(("-", "experiment", "hydra")) for argument in sys.argv[1:]):
            run_hydra()
        else:
            run_alone(sys.argv[1:])
    except KeyboardInterrupt:
        print(f"\nInterrupted. What is finished is kept; to resume:\n  {given}", file=sys.stderr)
        sys.exit(130)


def run_hydra() -> None:
    """Let Hydra read the command line: it has flags, or may ask for a sweep."""
    import hydra

    # Hydra accepts -m only before or after all overrides, so it is moved to the front.
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda argument: argument not in ("-m", "--multirun"))
    hydra.main(version_base=HYDRA_VERSION, config_path=str(conf_folder()), config_name=CONFIG)(run_one)()


def run_alone(overrides: Sequence[str]) -> None:
    """Compose and run a single job.

    hydra.main would compose its config twice, the first time only to see whether it asks for a sweep. That takes a third of
    the time until a wrong setting is answered.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.hydra_config import HydraConfig
    from hydra.core.utils import configure_log
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    try:
        with initialize_config_dir(str(conf_folder()), job_name="har_llm", version_base=HYDRA_VERSION):
            cfg = compose(CONFIG, list(overrides), return_hydra_config=True)
    except HydraException as error:
        if "HYDRA_FULL_ERROR" in os.environ:
            raise
        sys.exit("error: " + "\n".join(str(one) for one in (error, error.__cause__) if one is not None))
    configure_log(cfg.hydra.job_logging, cfg.hydra.verbose)
    HydraConfig.instance().set_config(cfg)
    run_one(OmegaConf.masked_copy(cfg, [str(name) for name in cfg if name != "hydra"]))


def run_one(cfg: DictConfig) -> float | None:
    """Run one job. Returns the score that metrics.headline names, for Hydra's optimising sweepers."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import CompactHydraException
    from hydra.types import RunMode

    from har_llm.common.errors import HarError
    from har_llm.config import read_experiment
    from har_llm.sweep.job import Job
    from har_llm.tasks import headline, perform

    try:
        job = Job("", read_experiment(cfg), choice=chosen_experiment())
        perform([job])
        sys.stdout.flush()
        if job.error is not None:
            raise job.error
        return headline(job)
    except BrokenPipeError:  # the reader of our output, such as `head`, has closed it; the rest of the buffer is dropped
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except HarError as error:
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            # With another launcher than ours, Hydra shows only the first error of a sweep; here each job shows its own.
            print(f"error: {error}", file=sys.stderr, flush=True)
            raise CompactHydraException(str(error)) from error
        if "HYDRA_FULL_ERROR" in os.environ:
            raise
        sys.exit(f"error: {error}")
    return None


def chosen_experiment() -> str | None:
    """The option of conf/experiment that a job was composed with, while Hydra runs it."""
    from hydra.core.hydra_config import HydraConfig

    choice = HydraConfig.get().runtime.choices.get("experiment")
    return None if choice is None else str(choice)


def command_line() -> str:
    """The command that was given, quoted for a shell."""
    program = ["har-llm"] if Path(sys.argv[0]).name == "har-llm" else ["python", "-m", "har_llm"]
    return shlex.join([*program, *sys.argv[1:]])


def refuse_unknown(arguments: Sequence[str]) -> None:
    """Exit with an error for a misspelt group or setting; Hydra would advise to add a `+`. A user's own conf is not checked:
    it may have further groups."""
    from har_llm.common.errors import ConfigError
    from har_llm.config import check_known

    if any(argument.startswith(("--config", "-cd", "-cn", "-cp", "hydra.searchpath")) for argument in arguments):
        return
    for argument in arguments:
        name = re.match(r"(\w+)[\w.@:]*=", argument)
        if name is not None and name[1] not in ("hydra", "experiment"):
            try:
                check_known(name[1])
            except ConfigError as error:
                sys.exit(f"error: {error}")


def help_text(arguments: Sequence[str]) -> str:
    """The help. `arguments` may name further folders of options with --config-dir."""
    from har_llm.tasks import TASKS

    options: dict[str, set[str]] = {}
    for folder in (conf_folder(), *_own_folders(arguments)):
        for file in sorted(folder.glob("*/*.yaml")):
            options.setdefault(file.parent.name, set()).add(file.stem)
    groups = {group: ", ".join(sorted(options[group], key=_natural)) for group in sorted(options)}
    tasks = {name: (task.__doc__ or "").partition("\n")[0] for name, task in TASKS.items()}
    return USAGE.format(groups=_aligned(groups), tasks=_aligned(tasks))


def _aligned(rows: Mapping[str, str]) -> str:
    width = max(map(len, rows))
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in rows.items())


def _own_folders(arguments: Sequence[str]) -> list[Path]:
    folders = []
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in ("--config-dir", "-cd"):
            folders.append(Path(value if equals else arguments[place + 1] if place + 1 < len(arguments) else "."))
    return folders


def _natural(name: str) -> tuple[str, float]:
    """A sort key that puts qwen3_4b before qwen3_14b."""
    head, _, tail = name.rpartition("_")
    size = tail.removesuffix("b")
    return (head, float(size)) if size.replace(".", "", 1).isdigit() else (name, 0.0)
