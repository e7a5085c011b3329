"""Makes the generations of one load of a model, in processes of their own, and stores them as they finish."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from har_llm.common.errors import MissingError
from har_llm.common.files import obstacle
from har_llm.common.hardware import check_dtype, forget_gpus
from har_llm.engines.base import Generation, LoadedModel
from har_llm.models import resolve
from har_llm.models.checkpoint import check_whole
from har_llm.models.footprint import footprint
from har_llm.runs.generations import ADAPTER_WEIGHTS
from har_llm.runs.recipe import StudentRun
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import Record, ShardWriter
from har_llm.sweep import baselines, throughput
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.plan import Load, next_round
from har_llm.sweep.read_once import Stores


def generate(load: Load, callback: Callback, stores: Stores) -> None:
    """Make the generations of a load: in processes of their own, or here those of a baseline. Each is stored before the next
    is waited for.

    Further ones are made as long as runs of the load owe some because those were not enough.

    Raises EngineError if a process dies, MissingError if the model cannot be downloaded, ConfigError if the GPUs have too
    little memory left, or if the model cannot reason as it is said to.
    """
    if load.is_baseline:
        with ExitStack() as stack:
            keep = _Keeper(baselines.about(load), stack, stores)
            for generation in baselines.answers(load):
                keep(generation, load)
                callback.generated(generation)
        return
    from har_llm.engines.worker import WorkerPool

    model = load.model.config
    spec = LoadedModel.of(model, str(load.engine.model_path(load.model)) if load.engine.needs_model() else "")
    forget_gpus()  # free memory may have changed since planning
    # Its files are here only now, if it was downloaded; before, only its config knew how large it is.
    environments = load.engine.replicas(footprint(model, Path(spec.path)) if spec.path else None, load.longest)
    started = time.monotonic()
    pool = WorkerPool(load.engine, spec, environments, load.runs[0].outputs / "logs")
    try:
        _import_scoring()
        about = pool.about
        with ExitStack() as stack:
            keep = _Keeper(about, stack, stores)
            seconds, tokens = 0.0, 0
            further: Load | None = load
            while further is not None:
                for generation in pool.generate(further.requests):
                    keep(generation, further)
                    callback.generated(generation)
                    seconds, tokens = seconds + generation.seconds, tokens + generation.completion_tokens
                if (further := next_round(further, stores)) is not None:
                    callback.further(further)
        start = max(0.0, time.monotonic() - started - seconds)
        throughput.note_rate(load.runs[0].outputs / "store", load.identity, throughput.Rate(start, seconds, tokens))
    finally:
        pool.close()


def check_load(load: Load) -> None:
    """Raise ConfigError, MissingError or EngineError, before a model is loaded, for one that this machine cannot run, or
    whose files are damaged."""
    if load.engine.needs_model():
        load.engine.check_model(load.model)
        if load.model.path is not None:
            check_whole(load.model.path)
        size = load.model.footprint
        weights = None if size is None else load.engine.loaded_bytes(size)
        resolve.check_memory(load.model.config, weights, *load.engine.memory())
        check_dtype(load.model.config.dtype, load.engine.devices())
    load.engine.replicas(load.model.footprint, load.longest)
    load.engine.check_reachable()
    check_layout(load)


def check_layout(load: Load) -> None:
    """Raise MissingError for a model of which one text of the greatest length cannot fit into the GPUs' memory."""
    layout = load.engine.layout(load.model.footprint, load.longest)
    if layout is not None and layout.impossible:
        raise MissingError(f"{load.model.config.name} {layout.lack()}")


def about_run(run: PreparedRun, about: Mapping[str, Any], stores: Stores) -> dict[str, Any]:
    """How the generations of a run are made, for their records. `about`: the engine, as it says itself."""
    told = {**about, "model": run.model_identity, "provenance": run.provenance.label}
    return {**told, ADAPTER_WEIGHTS: stores.weights(run.recipe)} if isinstance(run, StudentRun) else told


def record_of(generation: Generation, about: Mapping[str, Any], kind: str) -> Record:
    """A generation as it is stored. `about`: see about_run. `kind`: of the run."""
    made = generation._asdict()
    if (served_by := made.pop("served_by")) is not None:
        about = {**about, "further": {**about["further"], "served_model": served_by}}
    return Record(**made, about=about, kind=kind)


class _Keeper:
    """Writes each generation to the store of the run that asked for it, with a record of how it was made."""

    def __init__(self, about: Mapping[str, Any], stack: ExitStack, stores: Stores):
        self._about, self._stack, self._stores = about, stack, stores
        self._writers: dict[int, tuple[ShardWriter, dict[str, Any]]] = {}

    def __call__(self, generation: Generation, load: Load) -> None:
        run = load.asked_by[generation.key]
        if id(run) not in self._writers:
            writer = self._stack.enter_context(run.open_writer())
            self._writers[id(run)] = (writer, about_run(run, self._about, self._stores))
        writer, about = self._writers[id(run)]
        writer.add(record_of(generation, about, run.kind))


def check_writable(outputs: Path) -> None:
    """Raise MissingError, before a model is loaded, if its generations could not be stored."""
    try:
        for folder in (outputs / "store", outputs / "runs"):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        rule = f"{folder} cannot be written ({error.strerror}); set paths.outputs to another folder."
        raise MissingError(obstacle(folder) or rule) from None


def _import_scoring() -> None:
    """Import what scoring needs. It takes a second or two, while the model is loading in its own process."""
    import sklearn.metrics  # noqa: F401
