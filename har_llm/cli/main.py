"""Runs a command line. --help, --version and completion need no config; for all else, Hydra composes that of each job."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import har_llm
from har_llm.cli.help import help_text
from har_llm.common.errors import HarError, system_refusals_told
from har_llm.common.output import drop_output
from har_llm.common.text import suggestion

TYPE_CHECKING = False  # not typing's, whose import takes a tenth of the time of --help
if TYPE_CHECKING:
    from omegaconf import DictConfig


def main() -> None:
    """Run the command line. The exit code is 1 for an error that the user can fix, 130 for Ctrl-C."""
    given = list(sys.argv)  # it is made ready for Hydra
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # as __main__ sets it; a background job ignores the signal
            signal.signal(signal.SIGINT, signal.default_int_handler)
        with system_refusals_told():
            answer(sys.argv[1:])
            sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
    except HarError as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print(f"\nInterrupted. What is finished is kept; to resume:\n  {command_line(given)}", file=sys.stderr)
        sys.exit(130)


def answer(arguments: Sequence[str]) -> None:
    """Do what the arguments ask for."""
    if {"--help", "-h"} & set(arguments):
        print(help_text(arguments))
        return
    if "--version" in arguments:
        print(f"har_llm {har_llm.__version__}")
        return
    from har_llm.cli.arguments import read_arguments  # later, so that --help is there at once
    from har_llm.cli.typed import COMPLETION, MULTIRUN

    if {*COMPLETION} & {*arguments}:
        from har_llm.cli.completion import completion

        print(completion(arguments))
        return
    sys.argv[1:] = read_arguments(arguments)
    flags = [one for one in sys.argv[1:] if one.startswith("-")]
    settings = [one for one in sys.argv[1:] if one not in flags]
    if len(flags) == 1 and flags[0] in MULTIRUN:
        run_sweep(settings)
    elif flags or any(one.lstrip("+~").startswith(("experiment", "hydra")) for one in settings):
        run_hydra()
    else:
        run_alone(settings)


def run_hydra() -> None:
    """Let Hydra read the command line: it has other flags than -m alone, or an experiment or a setting of Hydra's, which may
    ask for a sweep.

    Hydra composes the config once more than is needed, to see whether it asks for a sweep. That takes up to a third of the
    time until a wrong setting is answered, hence run_alone and run_sweep where the command line says which it is.
    """
    import hydra

    from har_llm.common.shipped import CONFIG, HYDRA_VERSION, conf_folder

    hydra.main(version_base=HYDRA_VERSION, config_path=str(conf_folder()), config_name=CONFIG)(run_one)()


def run_alone(overrides: Sequence[str]) -> None:
    """Compose and run a single job."""
    from hydra import compose
    from hydra.core.hydra_config import HydraConfig
    from hydra.core.utils import configure_log
    from omegaconf import OmegaConf

    from har_llm.common.shipped import CONFIG

    with composing():
        cfg = compose(CONFIG, list(overrides), return_hydra_config=True)
    configure_log(cfg.hydra.job_logging, cfg.hydra.verbose)
    HydraConfig.instance().set_config(cfg)
    run_one(OmegaConf.masked_copy(cfg, [str(name) for name in cfg if name != "hydra"]))


def run_sweep(overrides: Sequence[str]) -> None:
    """Compose and run all jobs of a sweep."""
    from hydra.core.global_hydra import GlobalHydra

    from har_llm.common.shipped import CONFIG

    with composing():
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None, "initialize_config_dir sets it"
        hydra.multirun(CONFIG, run_one, [*overrides, "hydra.mode=MULTIRUN"])


@contextmanager
def composing() -> Iterator[None]:
    """Hydra with our conf, for composing or for a whole sweep. Its errors end the command with a sentence."""
    from hydra import initialize_config_dir
    from hydra.errors import HydraException

    from har_llm.common.shipped import HYDRA_VERSION, conf_folder

    try:
        with initialize_config_dir(str(conf_folder()), job_name="har_llm", version_base=HYDRA_VERSION):
            yield
    except HydraException as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        sys.exit(f"error: {composing_error(error)}")


def composing_error(error: Exception) -> str:
    """What Hydra says when it cannot compose, in our words where it advises on its own syntax."""
    from hydra.errors import MissingConfigException

    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, name = error.missing_cfg_file.rpartition("/")
        return f"{group} is {name!r}; it must be one of {', '.join(error.options)}.{suggestion(name, error.options)}"
    said = "\n".join(dict.fromkeys(str(one) for one in (error, error.__cause__) if one is not None))
    unmatched = re.match(r"Could not override '(.+?)'", said)
    if unmatched is None:
        return said
    key = unmatched[1]
    return f"{key} is set by none of the options that were chosen; add it with a plus: +{key}=VALUE."


def run_one(cfg: DictConfig) -> float | None:
    """Run one job. Returns the score that metrics.headline names, for Hydra's optimising sweepers."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from har_llm.config.read import read_experiment
    from har_llm.sweep.job import Job
    from har_llm.tasks import headline, perform

    try:
        with system_refusals_told():
            job = Job("", read_experiment(cfg), choice=chosen_experiment())
            perform([job])
            if job.error is not None:
                raise job.error
            return headline(job)
    except HarError as error:
        whole = os.environ.get("HYDRA_FULL_ERROR") == "1"
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            # With another launcher than ours, Hydra shows only the first error of a sweep; here each job shows its own.
            print(f"error: {error}", file=sys.stderr, flush=True)
            raise failed_job(str(error)) from (error if whole else None)
        if whole:
            raise
        sys.exit(f"error: {error}")
    return None


def failed_job(said: str) -> Exception:
    """What Hydra is told of a job that has said why it failed: here that this is above; if the job ran in another process,
    whose output may be a log elsewhere, the reason itself."""
    from hydra.errors import CompactHydraException

    class JobFailed(CompactHydraException):
        def __reduce__(self) -> tuple[type[Exception], tuple[str]]:
            return CompactHydraException, (said,)

    return JobFailed("It failed; its error is above.")


def chosen_experiment() -> str | None:
    """The option of conf/experiment that a job was composed with, while Hydra runs it."""
    from hydra.core.hydra_config import HydraConfig

    choice = HydraConfig.get().runtime.choices.get("experiment")
    return None if choice is None else str(choice)


def command_line(given: Sequence[str]) -> str:
    """The command that was given, quoted for a shell."""
    import shlex

    program = ["har-llm"] if given[0].rpartition("/")[2] == "har-llm" else ["python", "-m", "har_llm"]
    return shlex.join([*program, *given[1:]])
