"""task=export: an adapter merged into its model, for tools that take no adapters; or the examples that it was trained on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.files import staging_folder, write_whole
from har_llm.common.numbers import data_size
from har_llm.common.paths import expanded
from har_llm.common.process import JsonProcess
from har_llm.common.provenance import MANIFEST
from har_llm.common.typed_json import UnlikeError
from har_llm.config.experiment import Experiment
from har_llm.distill.config import Distilled
from har_llm.distill.gguf_export import converter_in, write_gguf
from har_llm.distill.given_examples import PROVENANCE, USES_GOLD
from har_llm.distill.manifest import Manifest, MergedModel, manifest_beside, write_manifest
from har_llm.distill.model_card import CURVE, merged_card
from har_llm.models import resolve
from har_llm.models.adapters import ResolvedAdapter
from har_llm.models.gguf import ENDING
from har_llm.runs.adapter_files import check_trained, select_examples
from har_llm.runs.compare_answers import compare_answers
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import StudentRun
from har_llm.runs.run import PreparedRun


def export(experiment: Experiment) -> tuple[Path, str]:
    """Write what settings.export asks for; returns the path and a description. Raises HarError."""
    settings = experiment.settings.export
    if settings.path is None:
        raise ConfigError("export.path is not set; set it to the folder or file to write.")
    target = expanded(settings.path)
    if target.exists():
        raise ConfigError(
            f"export.path is {str(target)!r}, which exists and is not overwritten; delete it or choose another."
        )
    run = prepare(experiment)
    if not run.engine.needs_model():
        raise ConfigError(
            f"task=export writes a model's files, but the engine {run.engine.engine_name} has none here; choose engine=auto."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if settings.what == "examples":
            return target, _examples(run, target)
        return target, _gguf(run, target) if settings.format == "gguf" else _merged(run, target)
    except OSError as error:
        raise MissingError(f"export.path is {str(target)!r}, which cannot be written ({error.strerror}).") from None


def _examples(run: PreparedRun, target: Path) -> str:
    """Write a JSONL of prompt-completion rows, as TRL reads them. Each also says what is synthetic about it, and
    whether gold activities were used for it."""
    if not isinstance(run, StudentRun):
        raise ConfigError(f"export.what is 'examples', which an adapter is trained on; choose lora=distilled{_hint(run)}.")
    teacher = run.recipe.teacher
    store = None if teacher is None else teacher.open_store()
    if teacher is not None and store is not None and teacher.owed(store):
        raise MissingError("The teacher's generations are missing; run the same command with task=run first.")
    selection = select_examples(run.recipe, store)
    about = {PROVENANCE: run.recipe.source.provenance.label, USES_GOLD: selection.uses_gold}
    write_whole(target, "".join(json.dumps({**example.as_row(), **about}) + "\n" for example in selection.examples))
    return f"{selection.summary()}{run.recipe.provenance.suffix}"


def _hint(run: PreparedRun) -> str:
    """What else to set if lora=distilled was chosen already, but trains no adapter."""
    return ", with lora.train_sessions above 0" if isinstance(run.experiment.lora, Distilled) else ""


def _merged(run: PreparedRun, target: Path) -> str:
    """Write the merged model and its tokenizer, and rename the folder into place."""
    if run.adapter is None:
        raise ConfigError(
            f"task=export merges an adapter into its model; choose lora=adapter or lora=distilled{_hint(run)}."
        )
    model = run.experiment.model
    with staging_folder(target) as staging:
        parameters = _merge(run, run.adapter, staging)
        staging.rename(target)
    return f"{model.id} with {run.experiment.lora.label()}, {parameters:,} parameters in {model.dtype}{run.made_of.suffix}"


def _merge(run: PreparedRun, adapter: ResolvedAdapter, folder: Path) -> int:
    """Write the merged model into a folder, in a process of its own; returns its number of parameters."""
    check_trained(run)
    base, model = resolve.fetch(run.model), run.experiment.model
    process = JsonProcess("har_llm.distill.merge:serve", "The merging process")
    try:
        process.send(
            {
                "base": str(base),
                "adapter": str(adapter.path),
                "dtype": model.dtype,
                "trust_remote_code": model.trust_remote_code,
                "folder": str(folder),
            }
        )
        parameters: int = process.receive()["parameters"]
    finally:
        process.close()
    _describe(run, adapter, folder)
    return parameters


def _gguf(run: PreparedRun, target: Path) -> str:
    """Write a GGUF file of the model, with its adapter merged into it if it has one, once it has answered as it should."""
    settings, model, lora = run.experiment.settings.export, run.experiment.model, run.experiment.lora
    if target.suffix != ENDING:
        raise ConfigError(f"export.path is {str(target)!r}; the name of a GGUF file ends with {ENDING}.")
    converter = converter_in(settings.llama_cpp)
    name = model.name if run.adapter is None else f"{model.name} with {lora.label()}"
    with staging_folder(target) as staging:
        folder, file = staging / "merged", staging / target.name
        if run.adapter is None:
            folder = resolve.fetch(run.model)
        else:
            folder.mkdir()
            _merge(run, run.adapter, folder)
        write_gguf(
            folder,
            file,
            converter=converter,
            quantization=settings.quantization,
            name=name,
            provenance=run.made_of,
            whole=model.dtype == "float32",
        )
        compared = compare_answers(run, folder, file)
        size = data_size(file.stat().st_size)
        file.rename(target)
    return f"{name}, {size} in {settings.quantization}{run.made_of.suffix}; {compared}"


def _describe(run: PreparedRun, adapter: ResolvedAdapter, folder: Path) -> None:
    """Write a manifest, which says what is synthetic about the model, and a model card.

    Both extend the adapter's own manifest, if it has one. Raises MissingError if that cannot be used.
    """
    assert adapter.path is not None  # otherwise there was nothing to merge
    model = run.experiment.model
    merged = MergedModel(
        base=run.model.public_name,
        base_revision=run.model.revision,
        adapter=adapter.id if "/" in adapter.id else run.experiment.lora.label(),
        adapter_revision=adapter.revision,
        dtype=model.dtype,
        prompt=run.experiment.prompt.name,
        thinking=model.thinking,
        reasoning_marks=model.reasoning_marks,
        chat_template_kwargs=model.chat_template_kwargs,
        sampling=model.sampling.identity(),
    )
    try:
        found = manifest_beside(adapter.path)
    except UnlikeError as error:
        raise MissingError(
            f"{adapter.path}/{MANIFEST} is not as har_llm writes it ({error}); delete it to export without it."
        ) from None
    trained = None if found is None else found.adapter
    write_manifest(folder, Manifest(run.made_of, trained, merged))
    (folder / "README.md").write_text(merged_card(merged, trained, run.made_of), encoding="utf-8")
    if (adapter.path / CURVE).is_file():
        shutil.copy(adapter.path / CURVE, folder / CURVE)
