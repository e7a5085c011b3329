"""What task=plan shows: the generations and the adapters that have to be made, and what they would cost."""

from __future__ import annotations

from collections.abc import Sequence

from har_llm.common.console import console, plain, show_table
from har_llm.common.tables import Table
from har_llm.sweep.estimates import Estimate, TrainingEstimate, all_notes, downloads
from har_llm.sweep.plan import Plan


def show_plan(plan: Plan, loads: Sequence[Estimate], trainings: Sequence[TrainingEstimate], finished: int) -> None:
    """What the runs of a plan owe, model by model, then adapter by adapter."""
    out = console()
    cached = plan.wanted - plan.owed
    out.print(
        plain(
            f"{len(plan.runs) + finished} runs: {finished} finished; the others need {plan.wanted} generations: {cached} "
            f"are stored, {plan.owed} have to be made, with {len(plan.loads)} model(s), each loaded once."
        ),
        style="bold",
    )
    if plan.loads:
        show_table(out, _loads_table(plan, loads))
    if plan.recipes:
        show_table(out, _trainings_table(plan, trainings))
    fetched = downloads(plan)
    if fetched is not None:
        out.print(plain(fetched), soft_wrap=True)
    for note in all_notes([*loads, *trainings]):
        out.print(plain(note), style="yellow")


def _loads_table(plan: Plan, estimates: Sequence[Estimate]) -> Table:
    columns = ("model", "engine", "runs", "generations owed", "prompt tokens", "answer tokens", "memory", "download", "time")
    rows = []
    for load, estimate in zip(plan.loads, estimates, strict=True):
        costs = (estimate.prompt_tokens, estimate.answer_tokens, estimate.memory, estimate.download, estimate.time)
        rows.append([load.model.config.name, load.engine_name, str(len(load.runs)), str(len(load.requests)), *costs])
    return Table("loads", "Models to load", columns, rows)


def _trainings_table(plan: Plan, estimates: Sequence[TrainingEstimate]) -> Table:
    columns = ("student", "taught by", "on", "sessions", "examples, at most", "steps", "batch", "epochs", "weights", "time")
    rows = []
    for recipe, estimate in zip(plan.recipes, estimates, strict=True):
        teacher, training = recipe.teacher, recipe.lora.training
        names = (recipe.experiment.model.name, teacher.experiment.model.name, teacher.experiment.dataset.name)
        numbers = (len(teacher.sessions), estimate.examples, training.max_steps, training.batch_size)
        rows.append([*names, *map(str, numbers), estimate.epochs, estimate.weights, estimate.time])
    title = f"Adapters to train, after their teachers have written: {len(plan.recipes)}"
    return Table("trainings", title, columns, rows)
