"""Shows a plan (task=plan): the generations and adapters to be made, and their estimated cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from har_llm.common.console import console, plain, show_table
from har_llm.common.numbers import counted, data_size, duration, rough
from har_llm.common.tables import Table
from har_llm.runs.recipe import TrainingPart
from har_llm.sweep.estimates import Downloads, Estimates, LoadEstimate, TrainingEstimate
from har_llm.sweep.plan import Plan

NAMED_RATE = 1000
"""Assumed tokens a second if no rate is known: an example to scale from, not the rate of any GPU."""


def show_plan(plan: Plan, estimates: Estimates, finished: int) -> None:
    """Print what the runs of a plan owe: models, then adapters. `finished`: number of runs that owe nothing."""
    out = console()
    computed = [load for load in plan.loads if load.is_baseline]
    wanted = plan.wanted - plan.of_baselines
    owed = plan.owed - sum(len(load.asked_by) for load in computed)
    more = f" (and up to {plan.further} more, for windows of which none is right)" if plan.further else ""
    runs = counted(len(plan.runs) + finished, "run") + (" with the baselines'" if computed else "")
    models = f"Models to load, each once: {len(plan.loads) - len(computed)}."
    models += f" Baselines to compute, in seconds: {len(computed)}." if computed else ""
    out.print(
        plain(
            f"{runs}, {finished} finished. Generations needed: {wanted:,}, of which {wanted - owed:,} are stored and "
            f"{owed:,} are to be made{more}. {models}"
        ),
        style="bold",
    )
    if estimates.loads:
        show_table(out, _loads_table(estimates.loads))
    if estimates.trainings:
        show_table(out, _trainings_table(estimates.trainings))
    if estimates.downloads is not None:
        out.print(plain(_downloads(estimates.downloads)), soft_wrap=True)
    for note in _notes(estimates):
        out.print(plain(note), style="yellow")


def _loads_table(estimates: Sequence[LoadEstimate]) -> Table:
    spread = any(one.layout is not None for one in estimates)
    layout = ("GPUs", "cache tokens") if spread else ()
    columns = ("model", "engine", "runs", "generations owed", "prompt tokens", "answer tokens", "memory")
    rows = []
    for one in estimates:
        load, most = one.load, _most(one)
        answers = f"{most}{rough(one.answer_tokens)}"
        memory = "-" if one.memory is None else _memory(one, one.memory)
        download = "-" if one.download == 0 else _size(one.download)
        unknown = "unknown"
        if (speed := one.speed) is not None:
            unknown += f"; at the {speed:,.0f} tokens/s of other prompts, {most}{duration(one.answer_tokens / speed / 3600)}"
        elif not one.on_cpu:  # which is far from any such rate
            unknown += f"; if {NAMED_RATE:,} tokens/s, {most}{duration(one.answer_tokens / NAMED_RATE / 3600)}"
        time = unknown if one.hours is None else duration(one.hours)
        asked = f"{'at most ' if load.further else ''}{rough(one.prompt_tokens)}"
        owed = str(len(load.requests)) + (f" to {len(load.requests) + load.further}" if load.further else "")
        costs = [asked, answers, memory, *(_layout(one) if spread else ()), download, time]
        rows.append([load.model.config.name, load.engine.engine_name, str(len(load.runs)), owed, *costs])
    return Table("loads", "Models to load", (*columns, *layout, "download", "time"), rows)


def _memory(one: LoadEstimate, most: float) -> str:
    """On a CPU an engine takes as many generations at once as fit; a GPU's memory is given to it as a whole."""
    if not one.on_cpu:
        return data_size(most)
    if one.least_memory is None or data_size(one.least_memory) == data_size(most):
        return f"{_most(one)}{data_size(most)}"
    return f"{data_size(one.least_memory)} to {data_size(most)}"


def _layout(one: LoadEstimate) -> tuple[str, str]:
    """How a model is spread over GPUs, and the tokens that one copy's cache has room for."""
    if one.layout is None:
        return "-", "-"
    return one.layout.in_words(), "unknown" if one.layout.room is None else rough(one.layout.room)


def _trainings_table(estimates: Sequence[TrainingEstimate]) -> Table:
    columns = (
        "student",
        "teacher",
        "dataset",
        "sessions",
        "examples, at most",
        "steps",
        "batch",
        "epochs",
        "weights",
        "time",
    )
    rows = []
    for one in estimates:
        recipe, training = one.recipe, one.recipe.lora.training
        teacher = "-" if recipe.teacher is None else recipe.teacher.experiment.model.name
        names = (recipe.experiment.model.name, teacher, recipe.source.dataset)
        sessions = len(recipe.source.run.sessions) if isinstance(recipe.source, TrainingPart) else "-"
        numbers = (sessions, one.examples, training.max_steps, training.batch_size)
        weights = f"{'' if one.embeddings_known else 'at least '}{_size(one.weights)}"
        time = "unknown" if one.hours is None else duration(one.hours)
        rows.append([*names, *map(str, numbers), training.epochs_in_words(one.examples), weights, time])
    after = ", after their teachers' generations" if any(one.recipe.teacher is not None for one in estimates) else ""
    title = f"Adapters to train{after}: {len(estimates)}"
    return Table("trainings", title, columns, rows)


def _downloads(needed: Downloads) -> str:
    more = "" if needed.complete else " and what is unknown"
    verdict = "" if needed.known < needed.free else ": too little"
    room = f"into {needed.folder}, where {data_size(needed.free)} are free{verdict}"
    return f"downloads: {data_size(needed.known)}{more} in all, {room}"


def _notes(estimates: Estimates) -> list[str]:
    """The notes below the tables: each once, after the names of the models that it is about."""
    models: dict[str, dict[str, None]] = {}
    for load in estimates.loads:
        for note in _load_notes(load):
            models.setdefault(note, {})[load.load.model.config.name] = None
    for training in estimates.trainings:
        for note in _training_notes(training):
            models.setdefault(note, {})[training.recipe.experiment.model.name] = None
    return [f"{', '.join(about)}: {note}" for note, about in models.items()]


def _load_notes(one: LoadEstimate) -> Iterator[str]:
    if one.refusal is not None:
        yield one.refusal
    if one.layout is not None and not one.layout.starts:
        yield one.layout.lack()
    elif one.least_memory is not None and one.place is not None and one.least_memory > one.place.free:
        yield f"needs about {data_size(one.least_memory)}, but {one.place.name} here has {data_size(one.place.free)} free."
    yield from one.load.notes
    if one.chosen_without_gpu:
        yield "planned for this machine, which has no GPU; hardware.gpus=1 hardware.gpu_memory_gb=80 plans for another."
    if one.version_unknown:
        yield "the hub could not be asked for its version; stored generations are not counted."
    if not one.prompts_counted:
        yield "prompt tokens are estimated from the characters."
    if not one.answers_known:
        yield (
            "there are no stored generations of this kind (prompt, window, reasoning, sampling, decoding) from which to "
            "estimate the length of answers; the number shown is the most that model.sampling.max_new_tokens allows."
        )
    if one.hours is None:
        yield (
            "the time is known once the model has run on this kind of machine: run it with limit=20 there, and plan again."
        )


def _training_notes(one: TrainingEstimate) -> Iterator[str]:
    if one.refusal is not None:
        yield one.refusal
    if one.hours is None:
        yield (
            "the time of training is known once an adapter has been trained on such examples on this kind of machine: run "
            "it with lora.training.max_steps=10 there, and plan again."
        )
    at_once = counted(one.recipe.lora.training.per_device_train_batch_size, "example")
    yield (
        f"training needs memory for the weights and for {at_once} at once, which grows with their length and is not "
        f"estimated."
    )


def _most(one: LoadEstimate) -> str:
    return "" if one.answers_known and not one.load.further else "at most "


def _size(known: float | None) -> str:
    return "unknown" if known is None else data_size(known)
