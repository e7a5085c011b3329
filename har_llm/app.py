"""The one entry point: Hydra composes the config, `read_experiment` checks it, and `task` says what is done with it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from har_llm.common.errors import HarError
from har_llm.config import GROUPS, read_experiment
from har_llm.help import conf_folder
from har_llm.sweep.job import Job
from har_llm.tasks import headline, perform

SECTIONS = ("paths", "metrics", "export", "report")
"""The settings that have fields of their own without being a group."""


class JobError(CompactHydraException):
    """A HarError as Hydra shows it: its message alone."""


def main() -> None:
    """Run the command line. Ends with exit code 1 for what the user can mend, 130 for Ctrl-C."""
    OmegaConf.register_new_resolver("expanduser", os.path.expanduser, replace=True)
    given = command_line()
    # Hydra takes -m at the beginning or the end only; between overrides it calls them unrecognized.
    sys.argv[1:] = sorted(map(addressed, sys.argv[1:]), key=lambda argument: argument not in ("-m", "--multirun"))
    compose_once(sys.argv[1:])
    try:
        _hydra_main()
    except KeyboardInterrupt:
        print(f"\nInterrupted. What is finished is kept; go on with:\n  {given}", file=sys.stderr)
        sys.exit(130)


def compose_once(arguments: Sequence[str]) -> None:
    """Spare Hydra one of its two compositions: the first is only to see whether the config asks for a sweep by itself.

    It takes a quarter of the time to a config error. Only an experiment, or hydra.mode itself, can ask for a sweep.
    """
    if any(argument.lstrip("+").startswith(("experiment", "hydra", "--config-name", "-cn")) for argument in arguments):
        return
    # None: the config says nothing, so the command line decides.
    Hydra.get_mode = lambda self, config_name, overrides: None  # type: ignore[method-assign]


def command_line() -> str:
    """The command that was given, ready for a shell."""
    program = ["har-llm"] if Path(sys.argv[0]).name == "har-llm" else ["python", "-m", "har_llm"]
    return shlex.join([*program, *sys.argv[1:]])


def addressed(argument: str) -> str:
    """`group.field=value` as Hydra's "add or override".

    Hydra alone refuses a field that the chosen YAML does not write, and advises what our schema would refuse. With this the
    schema decides: it takes every field of the component, and knows which one a misspelt name was meant to be.
    """
    group = argument.partition("=")[0].partition(".")[0]
    return f"++{argument}" if "." in argument.partition("=")[0] and group in (*GROUPS, *SECTIONS) else argument


@hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")
def _hydra_main(cfg: DictConfig) -> float | None:
    """One job. The value of metrics.headline goes back to Hydra, whose sweepers may look for the best one."""
    try:
        job = Job("", read_experiment(cfg), choice=chosen_experiment())
        perform([job])
        sys.stdout.flush()
        if job.error is not None:
            raise job.error
        return headline(job)
    except BrokenPipeError:  # whoever read our output, such as `head`, has enough; what is left in the buffer goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except HarError as error:
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            # With another launcher than ours. Hydra shows the first failure of a sweep only; each job deserves its sentence.
            print(f"error: {error}", file=sys.stderr, flush=True)
            raise JobError(str(error)) from error
        if "HYDRA_FULL_ERROR" in os.environ:
            raise
        sys.exit(f"error: {error}")
    return None


def chosen_experiment() -> str | None:
    """The option of conf/experiment that a job was composed with, while Hydra runs it."""
    choice = HydraConfig.get().runtime.choices.get("experiment")
    return None if choice is None else str(choice)
