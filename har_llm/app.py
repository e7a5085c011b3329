"""The one entry point: Hydra composes the config, `read_experiment` checks it, and `task` says what is done with it."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import hydra
from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from har_llm.config import GROUPS, Experiment, read_experiment
from har_llm.errors import DataError, HarError, MissingError
from har_llm.help import conf_folder
from har_llm.paths import expanded

SECTIONS = ("paths", "metrics")
"""The settings that have fields of their own without being a group."""


class JobError(CompactHydraException):
    """A HarError as Hydra shows it: its message alone."""


def main() -> None:
    """Run the command line. Ends with exit code 1 for what the user can mend, 130 for Ctrl-C."""
    OmegaConf.register_new_resolver("expanduser", os.path.expanduser, replace=True)
    given = command_line()
    sys.argv[1:] = [addressed(argument) for argument in sys.argv[1:]]
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
def _hydra_main(cfg: DictConfig) -> None:
    try:
        experiment = read_experiment(cfg)
        TASKS[experiment.settings.task](experiment)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output, such as `head`, has enough; what is left in the buffer goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except HarError as error:
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            # Hydra shows the first failure of a sweep only, and at its end; each job deserves its sentence.
            print(f"error: {error}", file=sys.stderr, flush=True)
            raise JobError(str(error)) from error
        if "HYDRA_FULL_ERROR" in os.environ:
            raise
        sys.exit(f"error: {error}")


def run(experiment: Experiment) -> None:
    """Make what is missing, score it, show it; a finished run is only shown."""
    from har_llm import console
    from har_llm import run as runs
    from har_llm.results import read_run

    started = time.monotonic()
    prepared = runs.prepare(experiment)
    fresh = not prepared.finished
    if fresh:
        writable(prepared.outputs)
        store = prepared.open_store()
        owed = prepared.owed(store)
        if owed:
            total = len({request.key for request in prepared.requests})
            title = f"{experiment.model.name} on {experiment.dataset.name}" + _provenance(prepared.provenance)
            with console.GenerationProgress(title, total, total - len(owed)) as progress:
                runs.generate(prepared, store, owed, progress.advance)
        runs.finish(prepared, started)
    settings = experiment.settings.metrics
    console.show_run(read_run(prepared.folder), headline=settings.headline, reading=settings.reading, fresh=fresh)


def writable(outputs: Path) -> None:
    """Find out before a model is loaded whether its texts can be kept. Raises MissingError."""
    try:
        for name in ("store", "runs"):
            (outputs / name).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=outputs / name):
                pass
    except OSError as error:
        raise MissingError(
            f"paths.outputs is {str(outputs)!r}, which cannot be written ({error.strerror}); set it to another folder."
        ) from None


def prompt(experiment: Experiment) -> None:
    """Print what a model would be sent for the first window, character by character, and how long it is."""
    from har_llm import run as runs
    from har_llm.rendering import rendered_prompt

    recordings = runs.read_recordings(experiment)
    prompts = runs.render(experiment, recordings, runs.divide(experiment, recordings)[experiment.split.part])
    for shown in prompts[: experiment.settings.limit or 1]:
        rendered = rendered_prompt(experiment.model, shown.messages)
        print(rendered.text)
        print(f"--- window {shown.window.id}{_provenance(runs.provenance(experiment.dataset.synthetic, False))}: "
              f"{len(rendered.text):,} characters, {rendered.length}", file=sys.stderr)  # fmt: skip


def describe(experiment: Experiment) -> None:
    from har_llm import console
    from har_llm import describe as description
    from har_llm import run as runs

    recordings = runs.read_recordings(experiment)
    content = description.describe(recordings, runs.divide(experiment, recordings), experiment.window)
    console.console().print(description.render(content))


def validate(experiment: Experiment) -> None:
    """Every fault of the dataset's files, in one pass. Raises DataError when there is any."""
    from har_llm import console
    from har_llm import describe as description

    data = expanded(experiment.settings.paths.data)
    faults = experiment.dataset.faults(data)
    repairs = () if faults else experiment.dataset.read(data).repairs
    console.console().print(description.render_faults(faults, repairs), soft_wrap=True)
    if faults:
        raise DataError(f"{experiment.dataset.name} has {len(faults)} faults; mend them and run task=validate again.", ())


TASKS: dict[str, Callable[[Experiment], None]] = {"run": run, "prompt": prompt, "describe": describe, "validate": validate}


def _provenance(text: str | None) -> str:
    return f" ({text})" if text else ""
