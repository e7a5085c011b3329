"""The stored generations of a run's windows, with their answers parsed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from har_llm.common.errors import MissingError
from har_llm.common.numbers import counted
from har_llm.data.answer_form import AnswerForm
from har_llm.data.records import Prompt
from har_llm.engines.base import Generation
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import GenerationStore, Record, generations_folder
from har_llm.scoring.answer_content import shown_answers
from har_llm.scoring.asked import Asked
from har_llm.scoring.json_objects import JsonObject
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import Answer, parse
from har_llm.scoring.prediction import Prediction
from har_llm.scoring.voting import vote

ADAPTER_WEIGHTS = "adapter_weights"
"""The key in a record's `about` for the digest of the weights of an adapter that har_llm trained."""


@dataclass(frozen=True)
class WindowGenerations:
    """The generations of one window (decoding.samples of them, usually one) and their parsed answers."""

    records: Sequence[Record]
    answers: Sequence[Answer]

    def predictions(self, parsing: str) -> tuple[Prediction, ...]:
        """The prediction for each event of the window, by vote if there are several generations."""
        parsed = [answer.parsed(parsing) for answer in self.answers]
        return tuple(vote(event) for event in zip(*parsed, strict=True))


def parse_windows(run: PreparedRun, store: GenerationStore) -> list[WindowGenerations]:
    """The generations of every window. Raises MissingError if some are missing."""
    missing = run.owed(store)
    if missing:
        raise MissingError(
            f"{len(missing)} of {counted(len(run.requests), 'generation')} missing; run the same command again."
        )
    wanted = run.wanted(store)
    records = store.get_many(request.key for mine in wanted for request in mine)
    by_window = [[next(records) for _ in mine] for mine in wanted]
    check_adapter(run, itertools.chain(*by_window))
    parse_one = parser_of(run)
    return [WindowGenerations(mine, [parse_one(place, one) for one in mine]) for place, mine in enumerate(by_window)]


def parser_of(run: PreparedRun) -> Callable[[int, Record | Generation], Answer]:
    """What parses a generation of the prompt at a place."""
    home, model, form = run.recordings.home, run.experiment.model, run.experiment.prompt.form
    defined = {number: home.described(number) for number in home.definitions}
    numbered = form.numbered or run.experiment.baseline is not None  # which answers by number, whatever a prompt shows
    labels = Labels(home.activities, defined, numbered=numbered)

    def parse_one(place: int, record: Record | Generation) -> Answer:
        prompt = run.prompts[place]
        asked = Asked(prompt.ids, labels, form, _examples(prompt, form), prompt.window.events)
        return parse(record.text, record.finish_reason, asked, thinking=model.thinking, marks=model.marks)

    return parse_one


def _examples(prompt: Prompt, form: AnswerForm) -> list[Sequence[JsonObject]]:
    """The answers that a prompt shows."""
    return [shown for message in prompt.messages for shown in shown_answers(message["content"], form)]


def check_adapter(run: PreparedRun, records: Iterable[Record], weights: str | None = None) -> None:
    """Raise MissingError if generations come from two trainings of one recipe, which give different adapters.

    `weights`: digest of the adapter that will make further ones.
    """
    found = {record.about.get(ADAPTER_WEIGHTS) for record in records} | {weights}
    if len(found - {None}) > 1:
        raise MissingError(
            f"Some generations of this run were made with an adapter that has been trained again since, and two trainings "
            f"never give exactly the same weights. Delete {generations_folder(run.outputs / 'store', run.model_identity)} "
            f"and run the same command again: all generations are then made with the present adapter."
        )
