"""What W&B gets of a run is made from its directory alone, and says nothing else than the directory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import MissingError
from har_llm.distill.training_messages import TrainingStep
from har_llm.runs.adapter_files import adapter_origin, select_examples
from har_llm.runs.directory import RunResult, read_run
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import StudentRun
from har_llm.tracking.content import RunContent, run_content, run_id
from har_llm.tracking.live import TRAINING_SUMMARY, Training, training_content
from tests.distill.manifests import trained_adapter
from tests.report.run_folders import sealed
from tests.sweep.distilled_jobs import job, keep

Finished = Callable[..., RunResult]


def content_of(folder: Path, **changes: Any) -> RunContent:
    return run_content(read_run(folder), **{"job_type": "run", "group": "g", "tags": [], "samples": 10, **changes})


def test_the_id_is_that_of_the_results(finished: Finished, tmp_path: Path) -> None:
    result, other = finished("limit=2"), finished("limit=3")
    moved = tmp_path / "moved"
    shutil.copytree(result.folder, moved)
    assert run_id(moved) == run_id(result.folder) != run_id(other.folder)
    with (moved / "predictions.jsonl").open("a") as stream:
        stream.write("\n")
    assert run_id(moved) != run_id(result.folder)


def test_every_score_is_that_of_the_run(finished: Finished) -> None:
    result = finished()
    summary = content_of(result.folder).summary
    scores = result.metrics.strict.all
    assert summary["headline"] == summary["strict/f1_weighted"] == scores.mean["f1_weighted"].mean < 1
    assert summary["headline_name"] == "strict/f1_weighted"
    assert summary["strict/accuracy_std"] == scores.mean["accuracy"].std
    assert summary["strict/pooled/accuracy"] == scores.pooled.accuracy
    assert summary["lenient/missed_by_cause/omitted"] == 0
    assert summary["tokens/prompt"] == result.environment.prompt_tokens
    assert summary["generations/stop"] == result.environment.finish_reasons["stop"] > 0
    assert summary["seconds/engine"] == result.environment.engine_seconds
    assert None not in summary.values()


def test_what_is_synthetic_or_partial_stands_everywhere(finished: Finished) -> None:
    content = content_of(finished("limit=2").folder, tags=["mine", "test"])
    assert content.tags == ["simulated_flat", "tiny_student", "test", "synthetic home", "synthetic model", "partial", "mine"]
    assert content.notes == "synthetic home; synthetic model; partial: first 2 windows only"
    assert content.summary["provenance"] == content.config["run"]["provenance"] == "synthetic home, synthetic model"
    assert content.summary["partial"] is content.config["run"]["partial"] is True


def test_real_results_say_so(finished: Finished) -> None:
    result = finished("limit=1")
    metrics = {**json.loads((result.folder / "metrics.json").read_text()), "provenance": None, "partial": False}
    metrics |= {"uses_gold": True, "marks": ["examples made of gold activities"]}
    (result.folder / "metrics.json").write_text(json.dumps(metrics))
    content = content_of(sealed(result.folder))
    assert content.summary["provenance"] == "real data and a real model"
    assert content.notes == "examples made of gold activities"
    assert not any("synthetic" in tag for tag in content.tags) and "uses gold" in content.tags


def test_the_config_has_no_secret_and_nothing_of_this_machine(finished: Finished, tmp_path: Path) -> None:
    result = finished("limit=1")
    config = (result.folder / "config.yaml").read_text()
    config = config.replace("name: scripted", "").replace("  delay_s:", "  base_url: http://me:hush@host/v1\n  delay_s:")
    config = config.replace("id: embedded:tiny_student", f"id: {tmp_path}/models/mine")
    (result.folder / "config.yaml").write_text(config)
    sent = content_of(sealed(result.folder)).config
    assert sent["model"]["id"] == "mine", "the name of a folder, not its path"
    assert sent["model"]["name"] == "tiny_student" and sent["window"]["events"] == 10 and sent["seed"] == 0
    assert sent["engine"]["base_url"] == "http://(not published)@host/v1" and "hush" not in json.dumps(sent)
    assert not {"paths", "runs", "export", "report", "compare", "tracker"} & sent.keys()
    assert str(tmp_path) not in json.dumps({**sent, "engine": {}})


def test_a_secret_in_a_models_text_is_in_no_table(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "open sesame")
    result = finished("limit=1")
    windows = (result.folder / "windows.jsonl").read_text()
    assert "It is so." in windows
    said = "open sesame, hf_abcdefghijklmnopqrst"
    (result.folder / "windows.jsonl").write_text(windows.replace("It is so.", said))
    reasonings = {row["reasoning"] for row in content_of(sealed(result.folder)).tables["samples"]}
    assert reasonings == {"(not published), (not published)"}


@pytest.mark.parametrize("name", ["metrics.json", "config.yaml", "predictions.jsonl", "windows.jsonl"])
def test_a_damaged_directory_is_one_sentence(finished: Finished, name: str) -> None:
    folder = finished("limit=1").folder
    (folder / name).write_text("{")
    with pytest.raises(MissingError, match="damaged"):
        content_of(folder)


@pytest.mark.parametrize("name", ["predictions.jsonl", "windows.jsonl"])
def test_a_file_that_lacks_rows_is_one_sentence(finished: Finished, name: str) -> None:
    folder = finished("limit=2").folder
    lines = (folder / name).read_text().splitlines(keepends=True)
    (folder / name).write_text("".join(lines[:-1]))
    with pytest.raises(MissingError, match=rf"{name} has {len(lines) - 1} rows? instead of {len(lines)}; run the command"):
        content_of(folder)


def test_a_missing_file_is_one_sentence(finished: Finished) -> None:
    folder = finished("limit=1").folder
    (folder / "environment.json").unlink()
    with pytest.raises(MissingError, match="damaged"):
        run_id(folder)


def test_the_summary_of_a_training_is_what_the_manifest_says(tmp_path: Path) -> None:
    run = prepare(job(tmp_path, "lora.examples.unusable=leave_out").experiment)  # type: ignore[arg-type]
    assert isinstance(run, StudentRun)
    keep(run.recipe.teacher)
    selection = select_examples(run.recipe, run.recipe.teacher.open_store())
    origin, made = adapter_origin(run.recipe, selection), trained_adapter(steps=(TrainingStep(1, 0.5),))
    training = Training("name", run.recipe.provenance, origin, made.steps, made.record)
    content = training_content(training, "group", ["mine"])
    known = {**vars(origin), **vars(made.record), "provenance": run.recipe.provenance.label}
    assert content.summary == {name: known[name] for name in TRAINING_SUMMARY}
    assert content.summary["generations"] == len(run.recipe.teacher.requests)
    assert content.steps == made.steps and content.config["trainer"] == made.record.trainer
    assert content.tags == ["simulated_flat", "training", "synthetic home", "synthetic model", "mine"]


def test_a_baseline_is_tagged_as_what_it_is(finished: Finished) -> None:
    content = content_of(finished("model=sensor_majority").folder)
    assert {"sensor_majority", "baseline", "supervised", "synthetic home"} <= {*content.tags}
    assert "synthetic model" not in content.tags
    assert content.config["run"]["baseline"]["sessions"] == 2
    assert content.summary["strict/missed"] == 0 and "headline" in content.summary
    assert {"session_scores", "activity_scores", "samples"} <= content.tables.keys()
    assert not content.tables.keys() & content.summary.keys(), "W&B would keep one of them"
    assert content.config["run"]["train_sessions"] == 2
