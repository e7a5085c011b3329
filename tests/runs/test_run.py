"""A run is named by everything that changes its result, and by nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from har_llm.common.provenance import Provenance
from har_llm.models import resolve
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import StudentRun
from har_llm.scoring import parsing
from tests.composing import experiment
from tests.runs.sampled_runs import HOT, sampled
from tests.scripted_runs import SMALL, done

ZONES = ("Europe/Paris", "UTC")


def test_a_finished_run_is_found_again_and_scores_do_not_hide_behind_it(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = done(tmp_path, script)
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path / 'outputs'}", script, "metrics.headline=accuracy"))
    assert prepared.finished and prepared.folder == first.folder
    monkeypatch.setattr(parsing, "VERSION", parsing.VERSION + 1)
    again, made = done(tmp_path, script)
    assert again.folder != first.folder and not made, "rescored from the stored generations"


def test_answers_from_a_script_are_those_of_no_real_model(tmp_path: Path, script: str) -> None:
    chosen = ("model=qwen3_0.6b", "engine=scripted", script, f"paths.outputs={tmp_path}", *SMALL)
    assert prepare(experiment(*chosen)).made_of == Provenance(model=True)


@pytest.mark.slow
def test_changed_data_are_another_run(tmp_path: Path, script: str) -> None:
    names = {
        prepare(experiment(*SMALL, f"paths.outputs={tmp_path}", script, *overrides)).name
        for overrides in (
            (),
            ("dataset.seed=1",),
            ("limit=2",),
            ("split.part=train",),
            ("window.events=9",),
            ("prompt=embedded", "prompt.event_ids=window"),
            ("model.sampling.max_new_tokens=9",),
            ("seed=1",),
            ("dataset.home.rules=[]",),
            ("model.thinking=false",),
            ("model.context=300",),
            ("++dataset.synthetic=false",),
        )
    }
    assert len(names) == 12


def test_a_models_own_code_makes_other_generations_and_another_adapter(tmp_path: Path) -> None:
    chosen = ("model=tiny_student", "engine=transformers", "limit=1", f"paths.outputs={tmp_path}")
    trained = (*chosen, "lora=distilled_tiny", "lora.train_sessions=1")
    plain, own = (prepare(experiment(*chosen, f"model.trust_remote_code={trusted}")) for trusted in ("false", "true"))
    assert {one.key for one in plain.requests}.isdisjoint(one.key for one in own.requests)
    assert "trust_remote_code" not in plain.model_identity, "the keys of all others stay"
    students = (prepare(experiment(*trained, f"model.trust_remote_code={trusted}")) for trusted in ("false", "true"))
    recipes = [one.recipe for one in students if isinstance(one, StudentRun)]
    assert recipes[0].key != recipes[1].key and "trust_remote_code" not in recipes[0].identity


def test_a_server_runs_whatever_code_it_has(script: str) -> None:
    one, two = (prepare(experiment(*SMALL, script, f"model.trust_remote_code={own}")) for own in ("false", "true"))
    assert one.digest == two.digest


@pytest.mark.parametrize("override", ["engine.delay_s=0.001", "metrics.parsing=lenient", "metrics.headline=accuracy"])
def test_what_changes_no_result_is_the_same_run(tmp_path: Path, script: str, override: str) -> None:
    one, two = (prepare(experiment(*SMALL, f"paths.outputs={tmp_path}", script, *more)) for more in ((), (override,)))
    assert one.name == two.name


def test_a_copy_of_an_embedded_model_is_as_synthetic_as_it_was(tmp_path: Path) -> None:
    embedded = resolve.resolve(experiment("model=tiny_student").model).path
    assert embedded is not None
    shutil.copytree(embedded, tmp_path / "copy")
    prepared = prepare(experiment("model=custom", f"model.id={tmp_path / 'copy'}"))
    assert prepared.provenance.label == "synthetic home, synthetic model"
    assert str(tmp_path) not in json.dumps(prepared.model_identity)


def test_a_run_is_named_by_its_adapter_and_its_decoding(tmp_path: Path) -> None:
    plain = prepare(experiment(*SMALL, HOT))
    named = prepare(experiment(*SMALL, HOT, "decoding=self_consistency", "lora=adapter", "lora.path=a", "lora.name=mine"))
    assert plain.name.startswith("simulated_flat-tiny_student-test-")
    assert named.name.startswith("simulated_flat-tiny_student-mine-self_consistency-test-")
    assert plain.digest != named.digest


def test_the_number_of_samples_is_part_of_the_run_and_names_are_not_part_of_its_keys(tmp_path: Path) -> None:
    one, two = sampled(tmp_path, "decoding.samples=2"), sampled(tmp_path, "decoding.samples=2", "decoding.name=twice")
    assert one.digest == two.digest and one.name != two.name
    assert one.digest != sampled(tmp_path).digest


def test_the_offset_of_the_clock_is_part_of_the_run_and_not_of_its_generations(tmp_path: Path) -> None:
    """Durations are others by it: a run of before was taken for one whose time zone had been set meanwhile."""
    times = [f"2026-10-2{day} 0{hour}:30:00" for day in range(1, 9) for hour in (1, 2, 4)]
    (tmp_path / "week.csv").write_text("time,sensor,value\n" + "".join(f"{one},hall_motion,ON\n" for one in times))
    chosen = ("dataset=events", f"dataset.path={tmp_path / 'week.csv'}", "split=fraction")
    plain, *zoned = (
        prepare(experiment(*chosen, *zone)) for zone in ((), *((f"dataset.timezone={zone}",) for zone in ZONES))
    )
    assert len({plain.digest, *(one.digest for one in zoned)}) == 3
    assert all([one.key for one in run.requests] == [one.key for one in plain.requests] for run in zoned)
