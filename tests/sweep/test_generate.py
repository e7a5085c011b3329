"""A load's generations are stored as they are made: none twice after an interrupt, none half-written after a failure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError, EngineError, MissingError
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.models.footprint import Footprint
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.prepare import prepare
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.generate import check_writable, generate
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from tests.composing import experiment
from tests.engines.failing_server import FailingServer, completion
from tests.scripted_runs import SMALL, done, made_for, rows_of

pytestmark = pytest.mark.slow


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, script: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        done(tmp_path, script, stop_after=5)
    assert not list((tmp_path / "outputs").glob("runs/*"))
    result, made = done(tmp_path, script)
    assert len(made) == result.metrics.windows - 5
    undisturbed, _ = done(tmp_path / "other", script)
    assert rows_of(result) == rows_of(undisturbed)
    assert result.metrics == undisturbed.metrics


def test_the_name_by_which_a_server_answered_is_kept_with_the_run(tmp_path: Path) -> None:
    answer = json.dumps(completion("<think>So.</think>[]", model="org/large-2026-11-29"))
    with FailingServer({None: (answer,)}) as server:
        served = ("engine=openai", f"engine.base_url={server.url}", "model.id=org/large", "model.revision=1", "limit=1")
        result, _ = done(tmp_path, *served)
    (made_by,) = result.environment.generated_by
    assert made_by.further == {"server": server.url, "served_model": "org/large-2026-11-29"}


@pytest.mark.parametrize("name", ["store", "runs"])
def test_what_stands_in_the_place_of_a_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(MissingError, match=rf"/{name} is no folder, but outputs belong there .* move it elsewhere"):
        check_writable(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to(tmp_path / "unmounted")
    with pytest.raises(MissingError, match=rf"/{name} is a link to nothing, but outputs belong there"):
        check_writable(tmp_path)


def test_an_engine_that_fails_leaves_no_run_directory(tmp_path: Path) -> None:
    common: Sequence[str] = [part for part in SMALL if not part.startswith("engine")]
    prepared = prepare(experiment(*common, f"paths.outputs={tmp_path}", "model.context=50", "limit=1"))
    with pytest.raises(EngineError, match="context is 50"):
        made_for(prepared)
    assert not list(tmp_path.glob("runs/*"))


def test_a_model_that_was_just_downloaded_gets_as_many_gpus_as_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(experiment("model=tiny_student", "engine=transformers", "limit=1", f"paths.outputs={tmp_path}"))
    asked: list[Footprint | None] = []

    def replicas(self: object, size: Footprint | None, tokens: int) -> None:
        asked.append(size)
        raise ConfigError("Far enough.")

    monkeypatch.setattr(TransformersEngineConfig, "replicas", replicas)
    monkeypatch.setattr("har_llm.models.resolve.fetch", lambda model: run.model.path)
    absent = replace(run, model=ResolvedModel(replace(run.model.config, parameters=None), run.model.revision, None))
    (load,) = make_plan([absent], Stores()).loads
    assert load.model.footprint is None
    with pytest.raises(ConfigError, match="Far enough"):
        generate(load, Callback(), Stores())
    assert asked == [run.model.footprint] and run.model.footprint is not None
