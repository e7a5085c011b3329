"""The dashboard is what its file says, made with W&B's own package; given again, the command updates the same report."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import ServiceError
from har_llm.common.provenance import Provenance
from har_llm.scoring.prediction import CAUSES
from har_llm.tracking.content import run_content
from har_llm.tracking.dashboard import dashboard, specification
from har_llm.tracking.live import Generating, Training, generating_content, training_content
from tests.composing import experiment
from tests.distill.manifests import trained_adapter
from tests.scripted_runs import done, gold_script
from tests.tracking.fake_wandb import KEY, fake_wandb

pytestmark = pytest.mark.slow


def grids(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [block for block in json.loads(report["spec"])["blocks"] if block["type"] == "panel-grid"]


def test_the_report_is_made_once_and_then_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("wandb_workspaces")
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    asked = experiment("tracker=wandb", "tracker.project=mine", f"paths.outputs={tmp_path}")
    with fake_wandb() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        dashboard(asked)
        dashboard(asked)
    first, second = server.sent("upsertView")
    assert (first["id"], second["id"]) == (None, "view1"), "the second time it is the same report"
    assert (first["projectName"], first["entityName"], first["displayName"]) == ("mine", "team", "har_llm")
    assert "Dashboard: " in capsys.readouterr().out
    sections = specification()["sections"]
    assert len(grids(first)) == len(sections)
    for grid, section in zip(grids(first), sections, strict=True):
        (runs,) = grid["metadata"]["runSets"]
        assert runs["name"] == section["heading"] and runs["project"]["name"] == "mine" and runs["filters"]["filters"]
        panels = json.dumps(grid["metadata"]["panelBankSectionConfig"]["panels"])
        for panel in section["panels"]:
            for name in [*panel.get("metrics", []), *panel.get("y", []), panel.get("table", "")]:
                assert name in panels
            if panel.get("x", "").startswith("config."):
                assert f'"config:run.value.{panel["x"].removeprefix("config.run.")}"' in panels


def test_partial_runs_are_not_among_the_real_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = pytest.importorskip("wandb_workspaces.reports.v2")
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    section = next(one for one in specification()["sections"] if "real data" in one["heading"])
    with fake_wandb() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        runs = reports.Runset(project="mine", entity="team", filters=section["filter"])._to_model()
    filters = json.dumps(runs.filters)
    assert re.search(r'"name": "partial"[^{}]*}, "op": "=", "value": false', filters), filters


def test_without_a_login_it_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"The dashboard was not made .*not logged in to W&B; run `wandb login` first"):
        dashboard(experiment(f"paths.outputs={tmp_path}"))


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from har_llm.config.tracker import WandbTracker
    from har_llm.tracking.dashboard import save
    from har_llm.tracking.wandb_client import NotPublished

    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    monkeypatch.setitem(sys.modules, "wandb_workspaces.reports.v2", None)
    with pytest.raises(NotPublished, match=r"pip install -e '\.\[dashboard\]'"):
        save(WandbTracker(), None)


def test_every_panel_shows_something_that_is_logged(tmp_path: Path) -> None:
    result, _ = done(tmp_path, f"engine.path={gold_script(tmp_path / 'gold.jsonl')}", "limit=2")
    content = run_content(result, group="g", tags=[], samples=3, job_type="run")
    of_config = {f"config.run.{name}" for name in content.config["run"]}
    training = training_content(Training("name", Provenance(), trained_adapter().origin, ()), "g", [])
    generating = generating_content(Generating("id", "name", "m", "r", "e", [], 1, Provenance(), ()), "g", [])
    curves = {name for live in (training, generating) for name in (live.axis, *live.curves)}
    logged = {*content.summary, *content.tables, *of_config, *curves}
    for section in specification()["sections"]:
        for panel in section["panels"]:
            names = [*panel.get("metrics", []), *panel.get("y", []), *(panel[key] for key in ("x", "table") if key in panel)]
            if panel["kind"] == "scatter":
                names = [panel["x"], panel["y"]]
            assert names and set(names) <= logged, panel
    shown = json.dumps(specification())
    assert all(f"strict/missed_by_cause/{cause}" in shown for cause in CAUSES)
