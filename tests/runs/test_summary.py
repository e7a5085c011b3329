"""The summary of a run, for the terminal and for report.md."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from har_llm.data.splits import PaperSplit
from har_llm.runs.facts import facts
from har_llm.runs.result import Sample, SampleEvent
from har_llm.runs.summary import Summary, sample_title, shortened, summarise, window_lines
from tests.report.run_folders import SAMPLE, rows, written

SESSIONS = {"s1": [(1, 1), (1, 2), (2, 2), (2, "omitted")], "s2": [(1, 1), (1, 2), (1, 2), (2, 1)]}


def summary(folder: Path, parsing: str = "strict", **changes: Any) -> Summary:
    result = written(folder / "run", rows(SESSIONS), **changes)
    return summarise(result, headline="accuracy", parsing=parsing)


def test_the_title_is_the_run_and_its_headline_score(tmp_path: Path) -> None:
    assert summary(tmp_path).title == "student on small (test part): accuracy 37.50 %, std 17.68, over 2 sessions"
    adapter = {"name": "distilled", "label": "distilled4", "id": "distilled", "revision": "a" * 64}
    assert summary(tmp_path / "b", adapter=adapter).title.startswith("student with distilled4 on small")


def test_the_facts_say_what_was_run_and_leave_out_what_is_not_known(tmp_path: Path) -> None:
    facts = dict(summary(tmp_path).facts)
    assert facts["model"] == "student: owner/student at ffffffffff, 600.0 M parameters, bfloat16, quantization fp8"
    assert facts["data"] == "small, test part: 2 sessions, 4 windows, 8 events"
    assert facts["window"] == "fixed windows, events 10, min_events 1"
    assert facts["prompt"] == "direct, digest of the prompts of these windows 0123456789ab"
    assert facts["split"] == "named split", "its lists of sessions are in config.yaml"
    assert facts["generation"] == "decoding plain, 1 generation per window, seed 0, thinking on, temperature 0.6"
    assert facts["engine"] == "vLLM on 1 x GPU (vllm 0.32.0)"
    assert facts["code"] == "har_llm 0.1.0 at 0123456789+changes, Python 3.12.1"
    assert facts["cost"] == "1,000 prompt tokens, 250 generated tokens, 2.50 s per window; 10.0 s of the engine in all"
    assert "adapter" not in facts


@pytest.mark.parametrize(
    ("divided", "told"),
    [({5: 3}, "paper split, validation_sessions 0"), ({}, "fraction split, validation_sessions 0, train 2/3")],
)
def test_a_home_that_no_paper_has_divided_has_no_split_of_the_paper(
    tmp_path: Path, divided: dict[int, int], told: str
) -> None:
    result = written(tmp_path / "run", rows(SESSIONS))
    choices = replace(result.metrics.choices, split=asdict(PaperSplit()) | {"kind": "PaperSplit"})
    config = {"dataset": {"paper_split": divided}}
    found = facts(replace(result, config=config, metrics=replace(result.metrics, choices=choices)))
    assert dict(found)["split"] == told


def test_an_adapter_names_its_teacher(tmp_path: Path) -> None:
    distillation = {
        "method": "generations",
        "teacher": "big",
        "dataset": "other",
        "sessions": 1,
        "all_sessions": False,
        "windows": 9,
        "uses_gold": True,
    }
    adapter = {
        "name": "distilled",
        "label": "distilled1",
        "id": "distilled",
        "revision": "a" * 64,
        "distillation": distillation,
    }
    facts = dict(summary(tmp_path, adapter=adapter, marks=["gold"]).facts)
    assert facts["adapter"] == (
        "distilled1: recipe aaaaaaaaaa, trained on generations of big for 1 session (9 windows) of other"
    )
    assert facts["marked"] == "gold"
    of_run = summary(tmp_path / "short", adapter=adapter | {"distillation": distillation | {"steps": 10, "epochs": 0.8}})
    assert dict(of_run.facts)["adapter"].endswith("for 1 session (9 windows) of other, 10 steps, 0.8 epochs")


def test_an_adapter_of_before_is_called_by_its_folder_and_says_what_its_manifest_knows(tmp_path: Path) -> None:
    def adapter(name: str, **more: object) -> str:
        of_run = {"name": "adapter", "label": "adapter", "id": "local", "revision": "files-12", "folder": "mine", **more}
        return dict(summary(tmp_path / name, adapter=of_run).facts)["adapter"]

    origin = {"method": "gold_answers", "teacher": None, "dataset": "other", "sessions": 2, "all_sessions": False}
    origin |= {"windows": 9, "uses_gold": True, "steps": 500, "epochs": 7.35}
    assert adapter("plain") == "mine at files-12"
    assert adapter("named", label="best") == "best: mine at files-12"
    assert adapter("hub", id="owner/name", revision="a" * 40, folder=None) == "owner/name at aaaaaaaaaa"
    assert adapter("made", recipe="b" * 64, origin=origin) == (
        "mine: recipe bbbbbbbbbb, trained on gold answers for 2 sessions (9 windows) of other, 500 steps, 7.3 epochs"
    )


def test_a_gguf_file_that_is_run_as_it_is_has_the_number_format_of_the_file(tmp_path: Path) -> None:
    def model(name: str, **environment: object) -> str:
        identity = {"id": "local", "revision": "files-12", "dtype": "bfloat16", "adapter": None}
        of_run = {"model": identity | {"weights": "as in the GGUF file"}, **environment}
        return dict(summary(tmp_path / name, model_id="mine.gguf", environment=of_run).facts)["model"]

    assert model("q", quantisation="Q4_1").endswith(" parameters, Q4_1, weights as in the GGUF file")
    assert model("unknown").endswith(" parameters, weights as in the GGUF file")


def test_a_folder_is_named_without_the_path_to_it(tmp_path: Path) -> None:
    identity = {"id": "local", "revision": "files-12", "dtype": "float32", "adapter": None}
    found = summary(tmp_path, model_id="/home/somebody/models/mine", environment={"model": identity})
    assert dict(found.facts)["model"].startswith("student: folder mine at files-12, ")


def test_what_a_server_has_is_not_called_by_the_settings(tmp_path: Path) -> None:
    identity = {"id": "owner/student", "revision": "unresolved-main", "dtype": "bfloat16", "adapter": None}
    found = dict(summary(tmp_path, environment={"model": identity}).facts)["model"]
    assert found.startswith("student: owner/student, as a server has it (version and number format unknown), 600.0 M")
    assert "bfloat16" not in found


def test_the_headline_is_marked(tmp_path: Path) -> None:
    (table,) = summary(tmp_path).scores
    assert [row for row in table.rows if row[0].endswith(" *")] == [["accuracy *", "37.50", "17.68", "", "37.50"]]
    assert table.title == "Scores in %, strict parsing: over 2 sessions, and pooled (* = metrics.headline)"


def test_scores_without_the_null_class_are_shown_too(tmp_path: Path) -> None:
    titles = [table.title for table in summary(tmp_path, null_class=[2]).scores]
    assert len(titles) == 2 and "without the null class" in titles[1]


def test_only_causes_that_occur_are_shown(tmp_path: Path) -> None:
    found = summary(tmp_path)
    assert found.missed is not None
    assert found.missed.rows == [["omitted", "1", "12.50", "17.68"]]
    assert found.missed.notes == ["omitted: the answer leaves the event out, and no reasoning mentions any event."]
    nothing = written(tmp_path / "good", rows({"s1": [(1, 1)]}))
    assert summarise(nothing, headline="accuracy", parsing="strict").missed is None


def test_the_weakest_activities_come_first_and_those_that_never_occur_not_at_all(tmp_path: Path) -> None:
    assert summary(tmp_path).activities.rows == [
        ["2. eating", "3", "4", "25.00", "33.33", "28.57"],
        ["1. cooking", "5", "3", "66.67", "40.00", "50.00"],
    ]


def test_confusions_are_counted_by_gold_and_prediction(tmp_path: Path) -> None:
    found = summary(tmp_path).confusions
    assert found is not None
    assert found.rows == [["1. cooking", "2. eating", "3", "60.00"], ["2. eating", "1. cooking", "1", "33.33"]]


def test_notes_warn_of_what_the_scores_do_not_show(tmp_path: Path) -> None:
    two = [{"engine": "vLLM"}, {"engine": "Transformers"}]
    environment = {"finish_reasons": {"stop": 3, "length": 1}, "generated_by": two, "ran_on": 2}
    found = summary(tmp_path, environment=environment, excluded_events={"window beyond limit": 5}, partial=True, limit=4)
    notes = "\n".join(found.notes)
    assert "Only 2 sessions: too few for a reliable standard deviation or interval." in notes
    assert "5 events excluded: window beyond limit." in notes
    assert "1 of 4 generations cut" in notes
    assert "2 of 4 generations ran on past the events of their window, in a list without an end" in notes
    assert "different engines, versions or machines" in notes
    assert [text for name, text in found.facts if name == "engine"] == ["Transformers", "vLLM"]
    assert found.label == "partial: first 4 windows only"


NOTE = (
    "None of the generations (4) ends its reasoning, so every event is missed; if the model does not reason, set "
    "model.thinking=false."
)


@pytest.mark.parametrize(("unclosed", "said"), [(4, True), (3, False)])
def test_a_model_that_never_ends_its_reasoning_may_not_reason(tmp_path: Path, unclosed: int, said: bool) -> None:
    assert (NOTE in summary(tmp_path, environment={"unclosed_reasoning": unclosed}).notes) is said


def test_the_other_parsing_is_mentioned_where_it_misses_less(tmp_path: Path) -> None:
    events = rows(SESSIONS)
    events[3]["lenient"] = {"activity": 2, "missed": None}
    result = written(tmp_path / "run", events)
    strict, lenient = (summarise(result, headline="accuracy", parsing=name) for name in ("strict", "lenient"))
    assert "The lenient parsing misses 0.00 % instead of 12.50 % (metrics.parsing)." in strict.notes
    assert "The strict parsing misses 12.50 % instead of 0.00 % (metrics.parsing)." in lenient.notes
    assert lenient.missed is None and lenient.title.endswith("accuracy 50.00 %, std 35.36, over 2 sessions")


@pytest.mark.parametrize("place", [0, 14, 29])
def test_of_a_long_window_the_events_around_the_sample_are_shown(place: int) -> None:
    window = [SampleEvent(number, "08:00:00", f"e{number}") for number in range(30)]
    sample = Sample(**{**SAMPLE, "window": window, "event": place})
    lines = window_lines(sample)
    assert [line for line in lines if line.startswith(">")] == [f"> {place:>4}  08:00:00  e{place}"]
    shown = len(lines) - 1
    assert shown <= 21 and lines[-1] == f"[{30 - shown} more events of this window]"
    assert sample_title(sample) == f"Sample: event {place} of s1, 08:00:00 e{place}"


def test_long_texts_are_cut_visibly() -> None:
    assert shortened(" a\nb\nc ", 100) == "a\nb\nc"
    assert shortened("a\nb\nc", 100, lines=2) == "a\nb\n[...]"
    assert shortened("abcdef", 3) == "abc\n[...]"
    assert shortened("  ", 3) == "(none)"
