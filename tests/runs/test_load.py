"""Finished runs in a notebook."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import har_llm
from har_llm.common.errors import MissingError
from har_llm.runs.activities import event_sheet
from har_llm.runs.facts import label
from tests.helpers import ROOT
from tests.report.page_runs import Fabricated, events, make, says


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    for name, activities in (("a", (1, 2)), ("b", (1,))):
        recorded = {"s1": events("fridge", "stove", "lamp"), "s2": events("door", "fridge")}
        make(folder / "runs", Fabricated(name, recorded, [says(*activities)], limit=1 if name == "b" else None))
    return folder


def test_runs_are_found_in_an_outputs_folder_and_alone(outputs: Path) -> None:
    runs = har_llm.load_runs(outputs)
    assert [run.folder.name for run in runs] == ["a", "b"] and len(runs[:1]) == 1
    assert [run.folder.name for run in har_llm.load_runs(str(outputs / "runs" / "b"))] == ["b"]


def test_a_run_is_shown_in_one_line(outputs: Path) -> None:
    whole, partial = map(repr, har_llm.load_runs(outputs))
    assert re.fullmatch(r"RunResult\(a: f1_weighted \d+\.\d\d %.*\)", whole) and "partial" not in whole
    assert partial.startswith("RunResult(b: f1_weighted") and partial.endswith("; partial)")


def test_scores_are_a_tidy_frame(outputs: Path) -> None:
    runs = har_llm.load_runs(outputs)
    scores = runs.scores()
    chosen = scores.query("metric == 'f1_weighted' and parsing == 'strict' and variant == 'all'").set_index("run")
    for run in runs:
        mean = run.metrics.strict.all.mean["f1_weighted"]
        assert chosen.loc[run.folder.name, "mean"] == mean.mean and chosen.loc[run.folder.name, "sessions"] == mean.sessions
    assert set(scores["provenance"]) == {run.metrics.provenance.label for run in runs}


def test_predictions_have_every_event(outputs: Path) -> None:
    runs = har_llm.load_runs(outputs)
    frame = runs.predictions()
    assert len(frame) == sum(run.metrics.events + sum(run.metrics.excluded_events.values()) for run in runs)
    rows = [row for run in runs for row in run.predictions()]
    assert frame["event"].tolist() == [row.event for row in rows]
    right = [row.strict.activity in row.gold for row in rows if row.scored]
    in_csv = event_sheet(runs[0].metrics, (), "strict").columns.keys()
    assert in_csv <= {*frame.columns}
    assert [*frame.groupby("run")["marked"].first()] == [label(run.metrics) for run in runs]
    shown = frame[frame["scored"]]
    assert [said in gold for said, gold in zip(shown["strict"], shown["gold"], strict=True)] == right


def test_frames_name_activities_and_become_parquet(outputs: Path, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    runs = har_llm.load_runs(outputs)
    predictions, segments = runs.predictions(), runs.segments()
    names = {name for run in runs for name in run.metrics.activities.values()}
    assert set(predictions["activity"].dropna()) == set(segments["activity"]) <= names
    assert segments.groupby("run")["events"].sum().tolist() == predictions.groupby("run")["activity"].count().tolist()
    for frame in (predictions, segments):
        frame.to_parquet(tmp_path / "frame.parquet")
        assert pandas.read_parquet(tmp_path / "frame.parquet")["activity"].tolist() == frame["activity"].tolist()


def test_a_folder_without_runs_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="holds no finished run"):
        har_llm.load_runs(tmp_path)


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, har_llm; print(sorted({'pydantic', 'pandas', 'omegaconf', 'har_llm.runs'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert shown.strip() == "[]"
