"""The kept generations of a run's windows, with their answers parsed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from har_llm.common.errors import MissingError
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import GenerationStore, Record, generations_folder
from har_llm.scoring.parsing import Answer, Prediction, read
from har_llm.scoring.voting import vote

ADAPTER_WEIGHTS = "adapter_weights"
"""What a record says of an adapter that was made here, besides its recipe: the digest of its weights."""


@dataclass(frozen=True)
class WindowGenerations:
    """What was generated for one window, and how it was parsed: decoding.samples generations, usually one."""

    records: Sequence[Record]
    answers: Sequence[Answer]

    def predictions(self, parsing: str) -> tuple[Prediction, ...]:
        """One for each event of the window."""
        parsed = [getattr(answer, parsing) for answer in self.answers]
        return tuple(vote(event) for event in zip(*parsed, strict=True))


def parse_windows(run: PreparedRun, store: GenerationStore | None = None) -> list[WindowGenerations]:
    """The kept generations of every window. Raises MissingError where some are not made."""
    store = store or run.open_store()
    missing = run.owed(store)
    if missing:
        raise MissingError(f"{len(missing)} of {len(run.requests)} generations are missing; run the same command again.")
    records = list(store.get_many(request.key for request in run.requests))
    check_adapter(run, records)
    activities, thinking = run.recordings.home.activities, run.experiment.model.thinking
    samples = run.experiment.decoding.samples
    windows = []
    for place, prompt in enumerate(run.prompts):
        mine = records[place * samples : (place + 1) * samples]
        answers = [read(one.text, one.finish_reason, prompt.ids, activities, thinking=thinking) for one in mine]
        windows.append(WindowGenerations(mine, answers))
    return windows


def check_adapter(run: PreparedRun, records: Iterable[Record], weights: str | None = None) -> None:
    """Refuse generations of two adapters of one recipe, which are two trainings. Raises MissingError.

    `weights`: of the adapter that is to add to them.
    """
    found = {record.about.get(ADAPTER_WEIGHTS) for record in records} | {weights}
    if len(found - {None}) > 1:
        raise MissingError(
            f"Some generations of this run were made with an adapter that has been trained anew since, and no two trainings "
            f"are quite the same. Delete {generations_folder(run.outputs / 'store', run.model_identity)} and run the same "
            f"command again: they are then made with the adapter that is there."
        )
