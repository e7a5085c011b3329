"""Run directories may be damaged, changed by hand, or another version's: they are refused in one sentence, never trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import MissingError
from har_llm.report.run_facts import facts_of, flat_config
from har_llm.runs.directory import read_run
from tests.report.fabricated import fabricated, taught


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
    with pytest.raises(MissingError, match=f"{re.escape(str(folder))} does not hold what .* run the same command again"):
        facts_of(read_run(folder), "strict")


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2\n", "\0", "!!python/object:os.system {}"])
def test_a_config_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    folder = fabricated(tmp_path).folder
    (folder / "config.yaml").write_text(text)
    with pytest.raises(MissingError, match=r"config\.yaml"):
        facts_of(read_run(folder), "strict")


def test_a_config_is_neither_resolved_nor_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "do not show")
    (tmp_path / "config.yaml").write_text("window: {_target_: os.system, events: '${oc.env:SECRET}'}\nseed: 3\n")
    assert flat_config(tmp_path) == {"window._target_": "os.system", "window.events": "${oc.env:SECRET}"}


def test_without_a_config_nothing_is_known_of_the_settings(tmp_path: Path) -> None:
    assert flat_config(tmp_path) == {}


def test_a_student_is_taught_on_everything_where_its_home_has_no_more_sessions(tmp_path: Path) -> None:
    for number, (sessions, everything) in enumerate(((14, False), (15, True), (None, True))):
        run = facts_of(fabricated(tmp_path / str(number), adapter=taught("mural", sessions)), "strict")
        assert run.taught is not None and run.taught.everything == everything
    elsewhere = facts_of(fabricated(tmp_path, adapter=taught("marble", 15)), "strict")
    assert elsewhere.taught is not None and not elsewhere.taught.everything, "how many MARBLE has, MuRAL does not tell"


def test_a_run_without_a_scored_event_has_no_scores(tmp_path: Path) -> None:
    def empty(content: dict[str, Any]) -> None:
        for score in content["strict"]["all"]["mean"].values():
            score.update(mean=None, std=None, ci95=None)

    run = facts_of(read_run(changed(fabricated(tmp_path).folder, "metrics.json", empty)), "strict")
    assert set(run.scores.values()) == {None}
