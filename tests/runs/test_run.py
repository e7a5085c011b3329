"""Runs from dataset to run directory, with the scripted engine: nothing lost, nothing done twice, nothing half-written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import ConfigError, EngineError, MissingError, Notice
from har_llm.engines.base import Generation
from har_llm.models import resolve
from har_llm.report.terminal.run import show_run
from har_llm.runs import write
from har_llm.runs.directory import RunResult, read_run
from har_llm.runs.finish import finish
from har_llm.runs.prepare import prepare, read_recordings, render
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import Record
from har_llm.scoring import parsing
from har_llm.sweep.generate import generate
from har_llm.sweep.plan import make_plan
from tests.composing import experiment

SMALL = ("dataset.sessions.count=4", "+dataset.paper_split={4:2}", "model=tiny_student", "engine=scripted")


def gold_script(path: Path, *overrides: str, wrong: int = 0) -> str:
    """Answers for the engine's script: the gold of every window, but for the first `wrong` ones."""
    composed = experiment(*SMALL, *overrides)
    recordings = read_recordings(composed)
    with path.open("w") as stream:
        for number, prompt in enumerate(render(composed, recordings, recordings.sessions)):
            shown = dict(zip(prompt.ids, prompt.window.events, strict=True))
            rows = [{"id": i, "activity": 1 if number < wrong else event.activities[0]} for i, event in shown.items()]
            first = prompt.window.events[0]
            rule = {
                "contains": f'"time": "{first.time}", "event": "{first.text}"',
                "text": f"<think>\nIt is so.\n</think>\n\n{json.dumps(rows)}",
            }
            stream.write(json.dumps(rule) + "\n")
    return str(path)


def done(tmp_path: Path, *overrides: str, stop_after: int | None = None) -> tuple[RunResult, list[Generation]]:
    """The run of these overrides, and what had to be generated for it."""
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path / 'outputs'}", *overrides))
    made: list[Generation] = []

    def note(generation: Generation) -> None:
        made.append(generation)
        if len(made) == stop_after:
            raise KeyboardInterrupt

    for load in make_plan([prepared]).loads:
        generate(load, note)
    return read_run(finish(prepared)), made


def made_for(prepared: PreparedRun) -> None:
    for load in make_plan([prepared]).loads:
        generate(load, lambda generation: None)


def rows_of(result: RunResult) -> list[dict[str, Any]]:
    """As predictions.jsonl has them, with both fields of every prediction."""
    rows = [json.loads(line) for line in (result.folder / "predictions.jsonl").read_text().splitlines()]
    for said in [one for row in rows for one in (row, *row.get("samples", ()))]:
        said |= {name: {"activity": None, "missed": None, **said[name]} for name in ("strict", "lenient") if name in said}
    return rows


@pytest.fixture
def script(tmp_path: Path) -> str:
    return f"engine.path={gold_script(tmp_path / 'gold.jsonl')}"


def test_right_answers_score_one_and_every_event_is_accounted_for(tmp_path: Path, script: str) -> None:
    result, made = done(tmp_path, script)
    assert len(made) == result.metrics.windows
    scores = result.metrics.strict.all.mean
    assert {scores[name].mean for name in ("accuracy", "f1_weighted", "f1_macro_gold")} == {1.0}
    rows = rows_of(result)
    recordings = read_recordings(experiment(*SMALL))
    assert [(row["session"], row["id"]) for row in rows] == [
        (session.id, event.id) for session in recordings.sessions[2:] for event in session.events
    ]
    assert all(row["strict"]["activity"] == row["gold"][0] for row in rows)


def test_repairs_name_files_by_their_place_in_the_data(tmp_path: Path) -> None:
    prepared = prepare(experiment(*SMALL, f"paths.data={tmp_path}"))
    files = (str(tmp_path / "mural" / "01" / "x.csv"), "/home/someone/mural.zip/01/x.csv")
    repairs = [Notice(file, 3, "empty line", "left out") for file in files]
    repaired = write._data(replace(prepared, recordings=replace(prepared.recordings, repairs=repairs))).repairs
    assert [repair.path for repair in repaired] == ["mural/01/x.csv", "01/x.csv"]


def test_everything_written_says_that_it_is_synthetic(tmp_path: Path, script: str) -> None:
    result, _ = done(tmp_path, script)
    mark = "synthetic home, synthetic model"
    for name in ("metrics.json", "environment.json", "data.json", "sample.json"):
        assert json.loads((result.folder / name).read_text())["provenance"] == mark
    assert (result.folder / "config.yaml").read_text().startswith(f"# {mark}\n")
    assert all(row["provenance"] == mark for row in rows_of(result))
    shards = list((tmp_path / "outputs" / "store" / "generations").rglob("*.jsonl"))
    assert all(
        json.loads(line)["about"]["provenance"] == mark for shard in shards for line in shard.read_text().splitlines()
    )


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, script: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        done(tmp_path, script, stop_after=5)
    assert not list((tmp_path / "outputs").glob("runs/*"))
    result, made = done(tmp_path, script)
    assert len(made) == result.metrics.windows - 5
    undisturbed, _ = done(tmp_path / "other", script)
    assert rows_of(result) == rows_of(undisturbed)
    assert result.metrics == undisturbed.metrics


def test_a_finished_run_is_found_again_and_scores_do_not_hide_behind_it(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = done(tmp_path, script)
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path / 'outputs'}", script, "metrics.headline=accuracy"))
    assert prepared.finished and prepared.folder == first.folder
    monkeypatch.setattr(parsing, "VERSION", parsing.VERSION + 1)
    again, made = done(tmp_path, script)
    assert again.folder != first.folder and not made, "rescored from the kept texts"


def test_changed_data_are_another_run(tmp_path: Path, script: str) -> None:
    names = {
        prepare(experiment(*SMALL, f"paths.outputs={tmp_path}", script, *overrides)).name
        for overrides in (
            (),
            ("dataset.seed=1",),
            ("limit=2",),
            ("split.part=train",),
            ("window.events=9",),
            ("prompt.event_ids=window",),
            ("model.sampling.max_new_tokens=9",),
            ("seed=1",),
            ("dataset.home.rules=[]",),
            ("model.thinking=false",),
            ("model.context=300",),
            ("++dataset.synthetic=false",),
        )
    }
    assert len(names) == 12


@pytest.mark.parametrize("override", ["engine.delay_s=0.001", "metrics.parsing=lenient", "metrics.headline=accuracy"])
def test_what_changes_no_result_is_the_same_run(tmp_path: Path, script: str, override: str) -> None:
    one, two = (prepare(experiment(*SMALL, f"paths.outputs={tmp_path}", script, *more)) for more in ((), (override,)))
    assert one.name == two.name


def test_batch_size_and_paths_are_in_no_key(tmp_path: Path) -> None:
    common = [part for part in SMALL if not part.startswith("engine")]
    plain = prepare(experiment(*common))
    other = prepare(
        experiment(*common, "engine=transformers", "engine.batch_size=1", f"paths.outputs={tmp_path}", "engine.device=cpu")
    )
    assert [request.key for request in plain.requests] == [request.key for request in other.requests]
    scripted = prepare(experiment(*SMALL))
    assert not {request.key for request in plain.requests} & {request.key for request in scripted.requests}


def test_sampling_gives_each_window_a_seed_of_its_own() -> None:
    hot = prepare(experiment(*SMALL, "model.sampling.temperature=0.6"))
    seeds = [request.seed for request in hot.requests]
    assert len(set(seeds)) == len(seeds)
    other = prepare(experiment(*SMALL, "model.sampling.temperature=0.6", "seed=1"))
    assert not {request.key for request in hot.requests} & {request.key for request in other.requests}
    shorter = prepare(experiment(*SMALL, "model.sampling.temperature=0.6", "limit=3"))
    assert [request.key for request in shorter.requests] == [request.key for request in hot.requests[:3]]


def test_greedy_texts_do_not_depend_on_the_seed() -> None:
    keys = [[request.key for request in prepare(experiment(*SMALL, f"seed={seed}")).requests] for seed in (0, 1)]
    assert keys[0] == keys[1]


def test_limit_marks_the_run_and_excludes_the_rest(tmp_path: Path, script: str) -> None:
    result, made = done(tmp_path, script, "limit=3")
    assert (len(made), result.metrics.windows, result.metrics.events) == (3, 3, 30)
    assert result.metrics.partial and "first3" in result.folder.name
    rows = rows_of(result)
    excluded = [row for row in rows if "excluded" in row]
    assert len(rows) - len(excluded) == 30
    assert {row["excluded"] for row in excluded} == {"its window is beyond limit"}
    assert result.metrics.excluded_events == {"its window is beyond limit": len(excluded)}


def test_short_last_windows_are_excluded_and_counted(tmp_path: Path, script: str) -> None:
    result, _ = done(tmp_path, script, "window.min_events=10")
    tails = [len(session.events) % 10 for session in read_recordings(experiment(*SMALL)).sessions[2:]]
    assert sum(tails) > 0
    assert result.metrics.excluded_events == {"no window holds it (window.min_events)": sum(tails)}
    assert sum("excluded" in row for row in rows_of(result)) == sum(tails)


def test_windows_that_overlap_answer_for_each_event_once(tmp_path: Path) -> None:
    script = f"engine.path={gold_script(tmp_path / 'gold.jsonl', 'window=sliding')}"
    result, made = done(tmp_path, script, "window=sliding")
    windows = list(result.windows())
    assert len(made) == result.metrics.windows == len(windows)
    (plain, _), rows = done(tmp_path / "plain", script), rows_of(result)
    assert [(row["session"], row["id"]) for row in rows] == [(row["session"], row["id"]) for row in rows_of(plain)]
    assert result.metrics.windows > 1.8 * plain.metrics.windows and result.metrics.events == plain.metrics.events
    assert result.metrics.strict.all.mean["accuracy"].mean == 1.0
    texts = {(window.session, window.window): window for window in windows}
    for row in rows:
        window = texts[row["session"], row["window"]]
        assert row["generation"] == window.generations[0].key and row["shown_id"] in window.ids
        assert f'"id": {row["shown_id"]}, "time": "{row["time"]}"' in window.messages[-1]["content"]


def test_where_windows_disagree_the_one_around_the_event_answers(tmp_path: Path) -> None:
    script = f"engine.path={gold_script(tmp_path / 'gold.jsonl', 'window=sliding', wrong=1)}"
    result, _ = done(tmp_path, script, "window=sliding", "split.part=train", "limit=2")
    shown = [row for row in rows_of(result) if "excluded" not in row]
    assert [row["window"] for row in shown] == [0] * 8 + [1] * 7, "the last two are in one beyond the limit, too"
    assert any(row["gold"] != [1] for row in shown[5:8]) and any(row["gold"] != [1] for row in shown[8:10])
    assert [row["strict"]["activity"] for row in shown] == [1] * 8 + [row["gold"][0] for row in shown[8:]]
    sample = result.sample
    assert [one.id for one in sample.window] == list(range(10)) and sample.event < 8


def test_a_null_class_that_is_unscored_stays_in_the_prompt_and_out_of_the_scores(tmp_path: Path, script: str) -> None:
    result, _ = done(tmp_path, script, "dataset.home.null_class=[7]", "dataset.null_class=unscored")
    rows = rows_of(result)
    unscored = [row for row in rows if row["gold"] == [7]]
    assert unscored and all(not row["scored"] and "strict" in row for row in unscored)
    assert result.metrics.strict.unscored_events == len(unscored)
    labelled, _ = done(tmp_path, script, "dataset.home.null_class=[7]")
    assert labelled.metrics.strict.without_null_class is not None


def test_the_sample_shows_the_first_wrong_event(tmp_path: Path) -> None:
    path = gold_script(tmp_path / "wrong.jsonl", wrong=10**6)
    result, _ = done(tmp_path, f"engine.path={path}")
    sample = result.sample
    assert sample.predicted == {"strict": "1. sleeping", "lenient": "1. sleeping"} and sample.gold != ["1. sleeping"]
    assert sample.reasoning.strip() == "It is so."
    assert sample.window[sample.event].event


@pytest.mark.parametrize(
    ("text", "reason", "cause"),
    [
        ("<think>\nand so on", "length", "truncated"),
        ("<think>\nnever closed", "stop", "no_answer"),
        ("<think></think>[", "stop", "malformed"),
    ],
)
def test_missed_events_have_their_cause(tmp_path: Path, text: str, reason: str, cause: str) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text(json.dumps({"contains": "", "text": text, "finish_reason": reason}) + "\n")
    result, _ = done(tmp_path, f"engine.path={path}", "limit=2")
    shown = [row for row in rows_of(result) if "excluded" not in row]
    assert {row["strict"]["missed"] for row in shown} == {cause}
    assert result.metrics.strict.all.missed_by_cause[cause].mean == 1.0


def test_finishing_before_everything_is_there_is_refused(tmp_path: Path) -> None:
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path}"))
    with pytest.raises(MissingError, match="generations are missing; run the same command again"):
        finish(prepared)
    assert not prepared.folder.exists()


def test_two_processes_may_finish_the_same_run(tmp_path: Path, script: str) -> None:
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path / 'outputs'}", script))
    made_for(prepared)
    first = finish(prepared)
    assert finish(prepared) == first
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_every_reader_takes_the_same_of_two_texts_under_one_key(tmp_path: Path, script: str) -> None:
    """Two processes that opened the store before the other had written are scored on one and the same text."""
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path / 'outputs'}", script))
    for plan in [make_plan([prepared]), make_plan([prepared])]:
        generate(plan.loads[0], lambda generation: None)
    texts = []
    for shard in sorted((tmp_path / "outputs").glob("store/generations/*/*.jsonl")):
        lines = shard.read_text().replace("It is so.", f"It is in {shard.stem}.")
        shard.write_text(lines)
        texts.append(f"It is in {shard.stem}.")
    result = read_run(finish(prepared))
    assert len(texts) == 2 and result.sample.reasoning.strip() == texts[0]


def test_a_damaged_run_directory_says_what_to_do(tmp_path: Path, script: str) -> None:
    result, _ = done(tmp_path, script, "limit=1")
    (result.folder / "metrics.json").write_text("{")
    with pytest.raises(MissingError, match=r"is damaged \(.*\); delete it and run the same command again"):
        read_run(result.folder)


def test_a_limit_beyond_the_last_window_is_not_partial(tmp_path: Path, script: str) -> None:
    result, _ = done(tmp_path, script, "limit=1000")
    assert not result.metrics.partial


def test_an_engine_without_a_model_asks_for_none() -> None:
    prepared = prepare(experiment("model=qwen3_32b", "engine=scripted"))
    assert (prepared.model.revision, prepared.model.path) == ("unresolved-main", None)


def test_a_copy_of_an_embedded_model_is_as_synthetic_as_it_was(tmp_path: Path) -> None:
    embedded = resolve.resolve(experiment("model=tiny_student").model).path
    assert embedded is not None
    shutil.copytree(embedded, tmp_path / "copy")
    prepared = prepare(experiment("model=custom", f"model.id={tmp_path / 'copy'}"))
    assert prepared.provenance.label == "synthetic home, synthetic model"
    assert str(tmp_path) not in json.dumps(prepared.model_identity)


def test_an_engine_that_fails_leaves_no_run_directory(tmp_path: Path) -> None:
    common: Sequence[str] = [part for part in SMALL if not part.startswith("engine")]
    prepared = prepare(experiment(*common, f"paths.outputs={tmp_path}", "model.context=50", "limit=1"))
    with pytest.raises(EngineError, match="context is 50"):
        made_for(prepared)
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("split.part=validation",), "split.validation_sessions is 0"),
        (("dataset.sessions.events=[5,5]", "window.min_events=10"), "No window is left"),
        (("dataset.sessions.count=5",), "paper_split"),
    ],
)
def test_an_empty_run_is_refused(overrides: Sequence[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        prepare(experiment(*SMALL, *overrides))


HOT = "model.sampling.temperature=0.6"


def sampled(tmp_path: Path, *overrides: str) -> PreparedRun:
    common = (*SMALL, HOT, f"paths.outputs={tmp_path / 'outputs'}")
    return prepare(experiment(*common, "limit=2", *overrides))


def answered(prepared: PreparedRun, *texts: str) -> RunResult:
    """The run, finished with these texts for each of its windows; "$ids:3" stands for activity 3 for every event."""
    with prepared.open_writer() as writer:
        for place, request in enumerate(prepared.requests):
            text = texts[place % len(texts)]
            prompt = prepared.prompts[place // prepared.experiment.decoding.samples]
            if text.startswith("$ids:"):
                rows = [{"id": shown, "activity": int(text.removeprefix("$ids:"))} for shown in prompt.ids]
                text = f"<think>\nIt is {place}.\n</think>\n\n{json.dumps(rows)}"
            reason = "stop" if "</think>" in text else "length"
            writer.add(Record(request.key, text, reason, 10, 5, 0.1, {"engine": "hand"}))
    return read_run(finish(prepared))


def test_several_samples_of_a_window_are_texts_of_their_own(tmp_path: Path) -> None:
    single, several = sampled(tmp_path), sampled(tmp_path, "decoding.samples=3")
    assert len(several.requests) == 3 * len(single.requests) == 6
    assert len({request.key for request in several.requests}) == len({request.seed for request in several.requests}) == 6
    assert [request.key for request in several.requests[::3]] == [request.key for request in single.requests]
    assert [request.messages for request in several.requests[:3]] == [single.requests[0].messages] * 3


def test_more_samples_go_on_from_those_that_are_stored(tmp_path: Path) -> None:
    answered(sampled(tmp_path), "$ids:1")
    more = sampled(tmp_path, "decoding.samples=3")
    assert len(more.owed(more.open_store())) == 4
    assert {request.key for request in sampled(tmp_path, "decoding.samples=2").requests} < {
        request.key for request in more.requests
    }


def test_samples_are_voted_on_and_kept_with_what_each_of_them_says(tmp_path: Path) -> None:
    prepared = sampled(tmp_path, "decoding.samples=3")
    result = answered(prepared, "$ids:1", "$ids:2", "$ids:2")
    shown = [row for row in rows_of(result) if "excluded" not in row]
    assert len(shown) == 20
    for place, row in enumerate(shown):
        keys = [request.key for request in prepared.requests[place // 10 * 3 :][:3]]
        assert row["strict"] == row["lenient"] == {"activity": 2, "missed": None}
        assert [sample["generation"] for sample in row["samples"]] == keys
        assert [sample["strict"]["activity"] for sample in row["samples"]] == [1, 2, 2]
        assert row["generation"] == keys[0] and row["generation_digest"] == row["samples"][0]["generation_digest"]
        assert len({sample["generation_digest"] for sample in row["samples"]}) == 3
    assert result.metrics.samples == 3
    assert result.environment.completion_tokens == 6 * 5


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["$ids:2", "$ids:1"], {"activity": 2, "missed": None}),
        (["<think>\nand so on", "$ids:1"], {"activity": 1, "missed": None}),
        (["<think></think>[", "<think>\nand so on", "<think>\nand on"], {"activity": None, "missed": "truncated"}),
    ],
)
def test_a_tie_goes_to_the_first_and_what_is_missed_has_no_vote(
    tmp_path: Path, texts: Sequence[str], expected: dict[str, Any]
) -> None:
    result = answered(sampled(tmp_path, f"decoding.samples={len(texts)}"), *texts)
    assert [row["strict"] for row in rows_of(result) if "excluded" not in row] == [expected] * 20


def test_a_single_text_has_no_list_of_samples(tmp_path: Path) -> None:
    shown = [row for row in rows_of(answered(sampled(tmp_path), "$ids:1")) if "excluded" not in row]
    assert all("samples" not in row and len(row["generation"]) == 64 for row in shown)


def test_texts_that_were_cut_are_counted_among_all_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = answered(sampled(tmp_path, "decoding.samples=3"), "<think>\nand so on")
    show_run(result, headline="f1_weighted", parsing="strict", fresh=True)
    assert "6 of 6 generations were cut" in capsys.readouterr().out


def test_the_sample_shows_a_text_that_says_what_was_predicted(tmp_path: Path) -> None:
    prepared = sampled(tmp_path, "decoding.samples=3")
    sample = answered(prepared, "$ids:1", "$ids:2", "$ids:2").sample
    window = next(place for place, prompt in enumerate(prepared.prompts) if prompt.window.session == sample.session)
    assert sample.predicted["strict"].startswith("2. ")
    assert sample.generation == prepared.requests[window * 3 + 1].key
    assert '"activity": 2' in sample.answer
    assert sample.reasoning.strip() == f"It is {window * 3 + 1}."


def test_a_run_is_named_by_its_adapter_and_its_decoding(tmp_path: Path) -> None:
    plain = prepare(experiment(*SMALL, HOT))
    named = prepare(experiment(*SMALL, HOT, "decoding=self_consistency", "lora=adapter", "lora.path=a", "lora.name=mine"))
    assert plain.name.startswith("simulated_flat-tiny_student-test-")
    assert named.name.startswith("simulated_flat-tiny_student-mine-self_consistency-test-")
    assert plain.digest != named.digest


def test_the_number_of_samples_is_part_of_the_run_and_names_are_not_part_of_its_texts(tmp_path: Path) -> None:
    one, two = sampled(tmp_path, "decoding.samples=2"), sampled(tmp_path, "decoding.samples=2", "decoding.name=twice")
    assert one.digest == two.digest and one.name != two.name
    assert one.digest != sampled(tmp_path).digest
