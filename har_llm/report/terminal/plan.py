"""What task=plan shows: the texts and the adapters that have to be made, and what they would cost."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from har_llm.common.console import console, plain
from har_llm.sweep.estimates import Estimate, TrainingEstimate, all_notes, downloads
from har_llm.sweep.plan import Plan


def show_plan(plan: Plan, loads: Sequence[Estimate], trainings: Sequence[TrainingEstimate], finished: int) -> None:
    """What the runs of a plan owe, model by model, then adapter by adapter."""
    out = console()
    cached = plan.wanted - plan.owed
    out.print(
        plain(
            f"{len(plan.runs) + finished} runs: {finished} finished; the others need {plan.wanted} texts: {cached} are "
            f"stored, {plan.owed} have to be made, with {len(plan.loads)} model(s), each loaded once."
        ),
        style="bold",
    )
    if plan.loads:
        out.print(_loads_table(plan, loads))
    if plan.recipes:
        out.print(plain(f"Adapters to train, after their teachers have written: {len(plan.recipes)}"), style="bold")
        out.print(_trainings_table(plan, trainings))
    fetched = downloads(plan)
    if fetched is not None:
        out.print(plain(fetched), soft_wrap=True)
    for note in all_notes([*loads, *trainings]):
        out.print(plain(note), style="yellow")


def _loads_table(plan: Plan, estimates: Sequence[Estimate]) -> Table:
    names = ("model", "engine", "runs", "texts owed", "prompt tokens", "answer tokens", "memory", "download", "time")
    table = _table(names, left=("model", "engine"))
    for load, estimate in zip(plan.loads, estimates, strict=True):
        numbers = (estimate.prompt_tokens, estimate.answer_tokens, estimate.memory, estimate.download, estimate.time)
        cells = (load.model.config.name, load.engine_name, str(len(load.runs)), str(len(load.requests)), *numbers)
        table.add_row(*map(plain, cells))
    return table


def _trainings_table(plan: Plan, estimates: Sequence[TrainingEstimate]) -> Table:
    names = ("student", "taught by", "on", "sessions", "examples, at most", "steps", "batch", "epochs", "weights", "time")
    table = _table(names, left=("student", "taught by", "on"))
    for recipe, estimate in zip(plan.recipes, estimates, strict=True):
        teacher = recipe.teacher
        cells = (
            recipe.experiment.model.name,
            teacher.experiment.model.name,
            teacher.experiment.dataset.name,
            str(len(teacher.sessions)),
            str(estimate.examples),
            str(recipe.lora.training.steps),
            str(recipe.lora.training.batch_size),
            estimate.epochs,
            estimate.weights,
            estimate.time,
        )
        table.add_row(*map(plain, cells))
    return table


def _table(names: Sequence[str], left: Sequence[str]) -> Table:
    table = Table()
    for name in names:
        table.add_column(name, justify="left" if name in left else "right", overflow="fold")
    return table
