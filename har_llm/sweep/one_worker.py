"""One engine process that answers windows one by one, as a gateway does."""

from __future__ import annotations

from har_llm.engines.base import LoadedModel
from har_llm.engines.worker import WorkerEngine
from har_llm.runs.adapter_files import check_trained
from har_llm.sweep.plan import Load


def open_worker(load: Load) -> WorkerEngine:
    """The process of a load of one run, which loads the model and which `check_load` has passed. Raises ConfigError,
    MissingError or EngineError for what is known before it does."""
    run = load.runs[0]
    check_trained(run)
    here = load.engine.needs_model()
    files = str(load.engine.model_path(load.model)) if here else ""
    environment = load.engine.replicas(load.model.footprint if here else None, load.longest)[0]
    return WorkerEngine(load.engine, LoadedModel.of(load.model.config, files), environment, run.outputs / "logs")
