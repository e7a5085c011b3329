"""Whether an exported file answers as the model that it was made of does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from har_llm.common.errors import EngineError
from har_llm.common.numbers import counted
from har_llm.engines.base import Generation, LoadedModel, Request
from har_llm.engines.config import EngineConfig
from har_llm.engines.llama_cpp_config import LlamaCppEngineConfig
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.runs.generations import parser_of
from har_llm.runs.run import PreparedRun

WINDOWS = 3
"""How many are asked about, unless `limit` says it."""


def compare_answers(run: PreparedRun, folder: Path, file: Path) -> str:
    """Ask a GGUF file, and the folder that it was made of, the same greedily; returns in words how many answers differ.

    Raises EngineError for a file that cannot be loaded or writes nothing.
    """
    samples = run.experiment.decoding.samples
    asked = run.requests[::samples][: run.experiment.settings.limit or WINDOWS]
    requests = [_plain(request) for request in asked]
    parse, answers = parser_of(run), []
    for engine, path in ((TransformersEngineConfig(), folder), (LlamaCppEngineConfig(), file)):
        made = _generated(run, engine, path, requests)
        answers.append([one for place, request in enumerate(requests) for one in parse(place, made[request.key]).strict])
    own, others = answers
    differing = sum(one != other for one, other in zip(own, others, strict=True))
    windows = counted(len(requests), "window")
    return (
        f"of the {counted(len(own), 'event')} in {windows}, {differing} are answered otherwise than by the model before it "
        f"was converted (greedily, in {run.experiment.model.dtype})"
    )


def _plain(request: Request) -> Request:
    """As an engine without adapters or constraints takes it, greedily."""
    sampling = replace(request.decoding.sampling, temperature=0.0)
    decoding = request.decoding._replace(sampling=sampling, thinking_token_budget=None, repetition_detection=None)
    return request._replace(adapter=None, decoding=decoding, schema=None, pattern=None, grammar=None, seed=0)


def _generated(run: PreparedRun, engine: EngineConfig, path: Path, requests: list[Request]) -> dict[str, Generation]:
    from har_llm.engines.worker import WorkerPool

    spec = LoadedModel.of(run.experiment.model, str(path))
    pool = WorkerPool(engine, spec, engine.replicas(None, 0)[:1], run.outputs / "logs")
    try:
        made = {generation.key: generation for generation in pool.generate(requests)}
    finally:
        pool.close()
    if not any(generation.text.strip() for generation in made.values()):
        raise EngineError(f"{path.name} was written and loaded, but writes nothing; it is not kept.")
    return made
