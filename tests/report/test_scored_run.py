"""Run directories may be damaged, changed by hand, or another version's: they are refused in one sentence, never trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import MissingError
from har_llm.report.cells import Cell, CellScore
from har_llm.report.scored_run import ScoredRun, experiment_settings
from har_llm.runs.directory import read_run
from tests.report.fabricated import fabricated, trained


def changed(folder: Path, name: str, change: Callable[[dict[str, Any]], Any]) -> Path:
    path = folder / name
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("metrics.json", lambda content: content.pop("strict")),
        ("metrics.json", lambda content: content["strict"]["all"]["mean"].pop("f1_weighted")),
        ("metrics.json", lambda content: content.update(adapter="x")),
        ("metrics.json", lambda content: content.update(seed="many")),
        ("metrics.json", lambda content: content["strict"].update(all=[])),
        ("environment.json", lambda content: content.pop("finish_reasons")),
        ("environment.json", lambda content: content.update(generated_by=[1])),
        ("environment.json", lambda content: content.update(model=None)),
    ],
)
def test_what_does_not_hold_a_runs_content_is_refused(tmp_path: Path, name: str, change: Callable[..., Any]) -> None:
    folder = changed(fabricated(tmp_path).folder, name, change)
    with pytest.raises(
        MissingError, match=f"{re.escape(str(folder / name))} does not hold what .* run the same command again"
    ):
        read_run(folder)


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2\n", "\0", "!!python/object:os.system {}"])
def test_a_config_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    folder = fabricated(tmp_path).folder
    (folder / "config.yaml").write_text(text)
    with pytest.raises(MissingError, match=r"config\.yaml"):
        read_run(folder)


def test_a_config_is_neither_resolved_nor_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "do not show")
    folder = fabricated(tmp_path).folder
    (folder / "config.yaml").write_text("window: {_target_: os.system, events: '${oc.env:SECRET}'}\nseed: 3\n")
    settings = experiment_settings(read_run(folder).config)
    assert settings == {"window._target_": "os.system", "window.events": "${oc.env:SECRET}"}


def test_a_student_is_trained_on_everything_where_its_home_has_no_more_sessions(tmp_path: Path) -> None:
    for number, (sessions, everything) in enumerate(((14, False), (15, True), (None, True))):
        run = ScoredRun(fabricated(tmp_path / str(number), adapter=trained("mural", sessions)), "strict")
        assert run.distillation is not None and run.distillation.all_sessions == everything
    elsewhere = ScoredRun(fabricated(tmp_path, adapter=trained("marble", 15)), "strict")
    assert elsewhere.distillation is not None and not elsewhere.distillation.all_sessions, (
        "how many MARBLE has, MuRAL does not tell"
    )


def test_a_run_without_a_scored_event_has_no_scores(tmp_path: Path) -> None:
    def empty(content: dict[str, Any]) -> None:
        for score in content["strict"]["all"]["mean"].values():
            score.update(mean=None, std=None, ci95=None)

    folder = changed(fabricated(tmp_path).folder, "metrics.json", empty)
    run = ScoredRun(read_run(folder), "strict")
    assert {score.mean for score in run.scores.values()} == {None}
    assert Cell((run,)).score("accuracy") == CellScore()
