"""Whole commands, and the processes that they start, forked from processes with their imports (`warm_processes`)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

from har_llm.common import process
from tests.warm_processes import Files, Forked, forked

# Nothing that reads the environment or starts threads when it is imported, as huggingface_hub, wandb and torch do.
OF_COMMANDS = (
    "tests.warm_commands",
    "har_llm.cli.main",
    "har_llm.tasks",
    "har_llm.scoring.metrics",
    "hydra",
    "sklearn.metrics",
    "scipy.stats",
    "matplotlib.pyplot",
)
OF_TRANSFORMERS = (
    *OF_COMMANDS,
    "har_llm.engines.worker",
    "har_llm.engines.transformers_engine",
    "har_llm.distill.worker",
    "transformers.models.qwen3.modeling_qwen3",
)
OF_VLLM = (
    "har_llm.engines.worker",
    "har_llm.engines.vllm_engine",
    "vllm.entrypoints.openai.api_server",
    "vllm.v1.engine.core",
    "vllm.v1.worker.cpu_worker",
    "tests.engines.warm_vllm",
)


def warm_command(
    folder: Path, arguments: Sequence[str], environment: Mapping[str, str], files: Files, *, tokenizing: bool
) -> Forked:
    """`python -m har_llm` with these arguments, in a folder. `files`: its input, output and errors."""
    modules = OF_TRANSFORMERS if tokenizing else OF_COMMANDS
    return forked(modules, "tests.warm_commands:command", arguments, files, environment, folder)


def command() -> None:
    with warm_engines(OF_TRANSFORMERS):
        import_module("har_llm.cli.main").main()


@contextmanager
def warm_engines(modules: Sequence[str]) -> Iterator[None]:
    """Every JsonProcess has these modules from its beginning."""

    def start(function: str, environment: Mapping[str, str], log: int) -> Forked:
        (stdin, ours), (theirs, stdout) = os.pipe(), os.pipe()
        files = (stdin, stdout, log)
        pipes = (os.fdopen(ours, "w", encoding="ascii"), os.fdopen(theirs, encoding="ascii"))
        try:
            return forked(modules, "har_llm.common.process:main", [function], files, environment, pipes=pipes)
        finally:
            os.close(stdin)
            os.close(stdout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "start", start)
        yield
