"""What must be shown beside a run's scores: gold activities that a model or a prompt has seen, and sessions that it was
trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from har_llm.common.numbers import counted
from har_llm.common.typed_json import UnlikeError
from har_llm.distill.examples_config import gold_in_words
from har_llm.distill.given_examples import GivenExamples
from har_llm.distill.manifest import AdapterOrigin, Manifest, manifest_beside, merged_manifest
from har_llm.runs.recipe import StudentRun, TrainingPart
from har_llm.runs.run import Marks, PreparedRun, home_digest, recorded_digest


class Training(NamedTuple):
    """What a model or its adapter was trained on."""

    method: str
    uses_gold: bool | None
    dataset: str
    sessions: Sequence[str]
    home: str | None = None
    """As in AdapterOrigin."""
    recorded: Sequence[str] = ()

    def seen(self, run: PreparedRun) -> int:
        """How many of the sessions that the run is scored on it was trained on: those in which the same happened, under
        whatever name; and those of the same name in the same home, as settings may leave out other events of them."""
        same = self.dataset == run.experiment.dataset.name
        same = same and self.home in (None, home_digest(run.recordings.home))
        named, recorded = {*self.sessions} if same else set(), {*self.recorded}
        return sum(one.id in named or (bool(recorded) and recorded_digest(one) in recorded) for one in run.sessions)


def marks_of(run: PreparedRun) -> Marks:
    found = [*_marks(run)]
    return Marks(tuple(mark for mark, _ in found), any(gold for _, gold in found))


def _marks(run: PreparedRun) -> Iterator[tuple[str, bool]]:
    """Marks, and whether they are about gold."""
    shown = len(run.prompts[0].examples)
    if shown:
        yield f"uses gold: {counted(shown, 'training window')} in the prompt", True
    if isinstance(run, StudentRun) and isinstance(given := run.recipe.source, GivenExamples):
        shown_before = {example.messages[-1]["content"] for example in given.examples}
        seen = sum(prompt.messages[-1]["content"] in shown_before for prompt in run.prompts)
        if seen:
            yield f"trained on {seen} of the {counted(len(run.prompts), 'window')} of this run", False
    for training in _trainings(run):
        if training is None:
            yield "what it was trained on is not known: another version of har_llm has made it", False
            continue
        if told := gold_in_words(training.method, training.uses_gold):
            yield told, bool(training.uses_gold)
        if seen := training.seen(run):
            yield f"trained on {seen} of the {counted(len(run.sessions), 'session')} of this run", False


def _trainings(run: PreparedRun) -> Iterator[Training | None]:
    """Those of a merged model and of an adapter, made in this run or before; None for one that cannot be read."""
    if (folder := run.model.known_files) is not None:
        yield from _recorded(merged_manifest, folder)
    if isinstance(run, StudentRun):
        source, method = run.recipe.source, run.recipe.lora.examples.method
        trained = Training(method, source.uses_gold, source.dataset, ())
        if isinstance(source, TrainingPart):
            sessions, home = source.run.sessions, home_digest(source.run.recordings.home)
            names, recorded = [one.id for one in sessions], [recorded_digest(one) for one in sessions]
            trained = trained._replace(sessions=names, home=home, recorded=recorded)
        yield trained
    elif run.adapter is not None and run.adapter.path is not None:
        yield from _recorded(manifest_beside, run.adapter.path)


def _recorded(read: Callable[[Path], Manifest | None], folder: Path) -> Iterator[Training | None]:
    try:
        manifest = read(folder)
    except UnlikeError:
        yield None
        return
    if manifest is not None and manifest.adapter is not None:
        origin: AdapterOrigin = manifest.adapter.origin
        yield Training(origin.method, origin.uses_gold, origin.dataset, origin.sessions, origin.home, origin.recorded)
