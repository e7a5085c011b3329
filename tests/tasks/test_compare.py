"""task=compare, as a user gives it, on runs that the scripted engine made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import MARK, har_llm
from tests.scripted_runs import done, gold_script

pytestmark = pytest.mark.slow


def two_runs(tmp_path: Path, *more: str) -> list[Path]:
    scripts = (gold_script(tmp_path / f"{wrong}.jsonl", wrong=wrong) for wrong in (10**6, 0))
    return [done(tmp_path, f"engine.path={script}", *more)[0].folder for script in scripts]


def test_two_runs_are_compared_without_data_or_model(tmp_path: Path) -> None:
    a, b = two_runs(tmp_path)
    before = {path: path.read_bytes() for folder in (a, b) for path in folder.iterdir()}
    # Whatever else is configured is not looked at.
    asked = ["task=compare", f"runs=[{a.relative_to(tmp_path)},{b}]", "dataset=marble", "metrics.headline=accuracy"]
    compared = har_llm(tmp_path, *asked, fresh=True, PYTHONPROFILEIMPORTTIME="1")
    assert f"A and B: {MARK}" in compared.stdout
    assert "Too few sessions to tell: with 2, p cannot be below 0.500" in compared.stdout
    imported = {line.rpartition("|")[2].strip() for line in compared.stderr.splitlines()}
    assert "har_llm.report.compare.comparison" in imported and not imported & {"torch", "transformers", "vllm"}
    folder = tmp_path / compared.stdout.rpartition("Comparison: ")[2].strip()
    assert folder == tmp_path / "outputs" / "comparisons" / f"{a.name}--{b.name}"
    content = json.loads((folder / "comparison.json").read_text())
    assert content["metrics"]["accuracy"]["b"] == 1.0 and content["sessions"] == 2
    wrong = content["events_that_differ"]
    assert 0 < wrong == content["outcomes"]["only B right"] == (folder / "events.csv").read_text().count("\n") - 1
    assert MARK in (folder / "comparison.md").read_text()
    assert {path: path.read_bytes() for path in before} == before, "the runs stay as they were"
    mirrored = har_llm(tmp_path, "task=compare", f"runs=[{b},{a}]", "metrics.headline=accuracy", "report.path=mine")
    assert f"mine/comparisons/{b.name}--{a.name}" in mirrored.stdout
    back = json.loads((tmp_path / "mine" / "comparisons" / f"{b.name}--{a.name}" / "comparison.json").read_text())
    assert back["metrics"]["accuracy"]["difference"] == -content["metrics"]["accuracy"]["difference"]


def test_a_partial_run_is_compared_on_its_own_events(tmp_path: Path) -> None:
    (a, _), (_, b) = two_runs(tmp_path, "limit=3"), two_runs(tmp_path)
    compared = har_llm(tmp_path, "task=compare", f"runs=[{a},{b}]")
    assert "What both runs scored: 30 events" in compared.stdout
    whole = json.loads((b / "metrics.json").read_text())["events"]
    assert f"A scored 0 events that B did not, and B {whole - 30} that A did not." in " ".join(compared.stdout.split())
    assert "partial: first 3 windows only" in compared.stdout


def test_what_cannot_be_compared_is_one_sentence(tmp_path: Path) -> None:
    a, _ = two_runs(tmp_path)
    other, _ = done(tmp_path, f"engine.path={gold_script(tmp_path / 'x.jsonl', 'dataset.seed=1')}", "dataset.seed=1")
    for runs, message in (
        (f"[{a}]", "runs names 1 run directory"),
        ("[nowhere]", "runs names 'nowhere', which is no run directory"),
        (f"[{a},{other.folder}]", "they were made from different data"),
    ):
        failed = har_llm(tmp_path, "task=compare", f"runs={runs}", expect=1)
        assert message in failed.stderr and len(failed.stderr.splitlines()) == 1
    assert not (tmp_path / "outputs" / "comparisons").exists()


def test_what_two_runs_say_of_one_event(tmp_path: Path) -> None:
    a, b = two_runs(tmp_path, "limit=2")
    event = json.loads((a / "predictions.jsonl").read_text().splitlines()[4])
    shown = har_llm(tmp_path, "task=compare", f"runs=[{a},{b}]", f"compare.event={event['session']}/4")
    assert f'Event {event["session"]}/4: {event["time"]} "{event["event"]}", gold' in shown.stdout
    assert shown.stdout.count(": 5. preparing breakfast") >= 1 and shown.stdout.count("tiny_student (") == 2
    assert shown.stdout.count("(its reasoning does not mention the event)") == 2
    folder = tmp_path / shown.stdout.rpartition("Table: ")[2].strip()
    assert MARK in (folder / "event.md").read_text() and (folder / "event.tex").exists()
