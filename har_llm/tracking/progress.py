"""How far a model's generations are: counted from those that are stored, and from those that are being made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_

from har_llm.common.digest import canonical, digest
from har_llm.engines.base import Generation
from har_llm.runs.generations import parser_of
from har_llm.runs.recipe import StudentRun
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import Record
from har_llm.sweep.job import Job
from har_llm.sweep.plan import Load, load_identity
from har_llm.sweep.read_once import Stores
from har_llm.tracking.live import Generating, GeneratingStep

MOST_STEPS = 500
"""Most points of a curve."""
Asked = Mapping[str, tuple[PreparedRun, int]]
"""By key of a generation: a run that wants it, and the place of its prompt in the run."""


class Progress:
    """Counts generations of a load, each parsed as its run does."""

    def __init__(self, asked: Asked, wanted: int):
        self.wanted = wanted
        self.number = 0
        self._asked = asked
        self._parsers = {id(run): parser_of(run) for run, _ in asked.values()}
        self._tokens = self._events = self._missed = self._cut = self._reasoning = 0
        self._seconds = 0.0

    def add(self, made: Generation | Record) -> GeneratingStep | None:
        """Count a generation. Returns a step now and then."""
        run, place = self._asked[made.key]
        answer = self._parsers[id(run)](place, made)
        self.number += 1
        self._tokens, self._seconds = self._tokens + made.completion_tokens, self._seconds + made.seconds
        self._events += len(answer.strict)
        self._missed += sum(prediction.missed is not None for prediction in answer.strict)
        self._cut += made.finish_reason != "stop"
        self._reasoning += len(answer.reasoning)
        every = -(-self.wanted // MOST_STEPS)
        return self._step() if self.number % every == 0 or self.number == self.wanted else None

    def _step(self) -> GeneratingStep:
        return GeneratingStep(
            self.number,
            progress=self.number / self.wanted,
            tokens_per_second=self._tokens / self._seconds if self._seconds else None,
            missed=self._missed / self._events if self._events else None,
            cut=self._cut / self.number,
            reasoning_characters=self._reasoning / self.number,
        )


def begin(load: Load, jobs: Iterable[Job]) -> tuple[Generating, Progress] | None:
    """What is known when a load begins that jobs ask for; None where another process makes some of what they want."""
    asked = _asked(load, jobs)
    stores = Stores()
    stored = [key for key, (run, _) in asked.items() if key in stores.of(run)]
    if asked.keys() - set(stored) - load.may_make:
        return None
    progress = Progress(asked, len(stored) + len(load.requests))
    records = (record for key in stored for record in stores.of(asked[key][0]).get_many([key]))
    steps = [step for record in records if (step := progress.add(record)) is not None]
    runs = list({id(run): run for run, _ in asked.values()}.values())
    datasets = list(dict.fromkeys(run.experiment.dataset.name for run in runs))
    generating = Generating(
        id=f"generating-{digest(sorted(asked))[:16]}",
        name=f"{load.model.config.name} on {', '.join(datasets)}",
        model=load.model.public_name,
        revision=load.model.revision,
        engine=load.engine.engine_name,
        datasets=datasets,
        wanted=progress.wanted,
        provenance=reduce(or_, (run.provenance for run in runs)),
        steps=steps,
    )
    return generating, progress


def _asked(load: Load, jobs: Iterable[Job]) -> Asked:
    """Every generation of the loaded model that the jobs or their teachers may want: the same when a command is resumed."""
    asked: dict[str, tuple[PreparedRun, int]] = {}
    for run in (run for job in jobs for run in _asking(job, load)):
        for number, request in enumerate(run.requests):
            asked.setdefault(request.key, (run, number // run.experiment.decoding.samples))
    return asked


def asks_for(job: Job, load: Load) -> bool:
    """Whether a job, or its teacher, wants generations of the model that is loaded."""
    return bool(_asking(job, load))


def _asking(job: Job, load: Load) -> list[PreparedRun]:
    identity = load.runs[0].outputs, canonical(load.identity)
    return [run for run in _wanting(job) if (run.outputs, canonical(load_identity(run))) == identity]


def _wanting(job: Job) -> list[PreparedRun]:
    """A job's run, unless its adapter is still to be trained, and the teacher behind it."""
    if not isinstance(job.run, StudentRun):
        return [] if job.run is None else [job.run]
    recipe = job.run.recipe
    return [job.run] * recipe.folder.is_dir() + ([] if recipe.teacher is None else [recipe.teacher])
