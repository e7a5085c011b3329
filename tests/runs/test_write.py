"""A run directory says what was predicted, how it scores, and what became of every event."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import MissingError
from har_llm.common.notices import Notice
from har_llm.config.experiment import Experiment
from har_llm.data.records import Recordings
from har_llm.engines.scripted import ScriptedEngineConfig
from har_llm.models.adapters import ReadyAdapter, resolve_adapter
from har_llm.runs.directory import read_run
from har_llm.runs.facts import facts, labels
from har_llm.runs.prepare import prepare, read_recordings
from har_llm.runs.summary import summarise
from har_llm.runs.write import write_run
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.generate import generate
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from tests.composing import experiment
from tests.helpers import clock
from tests.runs.sampled_runs import HOT, answered, sampled
from tests.runs.test_marks import made as adapter_of
from tests.scripted_runs import SMALL, done, gold_script, made_for, rows_of

pytestmark = pytest.mark.slow


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


def test_an_adapter_of_before_is_recorded_with_what_its_manifest_says(tmp_path: Path, script: str) -> None:
    folder = adapter_of(tmp_path / "mine", sessions=("other",), epochs=0.77)
    run = prepare(experiment(*SMALL, f"paths.outputs={tmp_path / 'outputs'}", script))
    made_for(run)
    lora = ReadyAdapter(name="adapter", path=str(folder))
    adapted = replace(run, adapter=resolve_adapter(lora), experiment=replace(run.experiment, lora=lora))
    metrics = read_run(write_run(adapted, run.open_store())).metrics
    assert metrics.adapter is not None and metrics.adapter.origin is not None and metrics.adapter.distillation is None
    assert (metrics.adapter.folder, metrics.adapter.recipe, metrics.adapter.origin.sessions) == ("mine", "k", 1)
    assert "trained for 0.8 epochs" in labels(metrics)


def test_a_run_whose_generations_are_missing_is_refused(tmp_path: Path) -> None:
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path}"))
    with pytest.raises(MissingError, match="generations missing; run the same command again"):
        write_run(prepared, prepared.open_store())
    assert not prepared.folder.exists()


def test_two_processes_may_write_the_same_run(tmp_path: Path, script: str) -> None:
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path / 'outputs'}", script))
    made_for(prepared)
    first = write_run(prepared, prepared.open_store())
    assert write_run(prepared, prepared.open_store()) == first
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_every_reader_takes_the_same_of_two_generations_under_one_key(tmp_path: Path, script: str) -> None:
    """Two processes that opened the store before the other had written score the same generation."""
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path / 'outputs'}", script))
    generate(make_plan([prepared], Stores()).loads[0], Callback(), Stores())
    (shard,) = (tmp_path / "outputs").glob("store/generations/*/*.jsonl")
    records = list(prepared.open_store().get_many(request.key for request in prepared.requests))
    shard.unlink()
    for place in ("one", "two"):
        with prepared.open_writer() as writer:
            for record in records:
                writer.add(record._replace(text=record.text.replace("It is so.", f"It is in {place}.")))
    first, second = sorted(shard.parent.glob("*.jsonl"))
    result = read_run(write_run(prepared, prepared.open_store()))
    assert result.sample.reasoning.strip() in first.read_text()
    assert result.sample.reasoning.strip() not in second.read_text()


def test_repairs_name_files_by_their_place_in_the_data(tmp_path: Path, script: str) -> None:
    places = (f"paths.data={tmp_path}", f"paths.outputs={tmp_path / 'outputs'}")
    prepared = prepare(experiment(*SMALL, *places, script, "limit=1"))
    files = (str(tmp_path / "mural" / "01" / "x.csv"), "/home/someone/mural.zip/01/x.csv")
    repairs = [Notice(file, 3, "empty line", "left out") for file in files]
    made_for(prepared)
    repaired = replace(prepared, recordings=replace(prepared.recordings, repairs=repairs))
    folder = write_run(repaired, prepared.open_store())
    assert [repair.path for repair in read_run(folder).data.repairs] == ["mural/01/x.csv", "01/x.csv"]


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


class TellsMore(ScriptedEngineConfig):
    def about(self) -> dict[str, Any]:
        return {"endpoint": "a", "region": {"name": "b"}, "engine": "its own word"}


def test_what_only_one_engine_reports_is_recorded(tmp_path: Path, script: str) -> None:
    composed = experiment(*SMALL, f"paths.outputs={tmp_path}", script, "limit=1")
    composed.engine = TellsMore(path=composed.engine.path)
    prepared = prepare(composed)
    made_for(prepared)
    (made_by,) = read_run(write_run(prepared, prepared.open_store())).environment.generated_by
    assert (made_by.engine, made_by.further) == ("Scripted", TellsMore().about())


def test_limit_marks_the_run_and_excludes_the_rest(tmp_path: Path, script: str) -> None:
    result, made = done(tmp_path, script, "limit=3")
    assert (len(made), result.metrics.windows, result.metrics.events) == (3, 3, 30)
    assert result.metrics.partial and "first3" in result.folder.name
    rows = rows_of(result)
    excluded = [row for row in rows if "excluded" in row]
    assert len(rows) - len(excluded) == 30
    assert {row["excluded"] for row in excluded} == {"window beyond limit"}
    assert result.metrics.excluded_events == {"window beyond limit": len(excluded)}


def test_short_last_windows_are_excluded_and_counted(tmp_path: Path, script: str) -> None:
    result, _ = done(tmp_path, script, "window.min_events=10")
    tails = [len(session.events) % 10 for session in read_recordings(experiment(*SMALL)).sessions[2:]]
    assert sum(tails) > 0
    assert result.metrics.excluded_events == {"in no window (window.min_events)": sum(tails)}
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
    shown = {(window.session, window.window): window for window in windows}
    for row in rows:
        window = shown[row["session"], row["window"]]
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


@pytest.mark.parametrize("null_class", ["label", "unscored", "dropped"])
def test_an_unlabelled_event_is_shown_and_not_scored(tmp_path: Path, null_class: str) -> None:
    """Whatever the null class is used for: it is none, and neither right nor wrong nor missed."""

    def without_gold(of: Experiment) -> Recordings:
        recordings = read_recordings(of)
        sessions = [
            replace(
                session,
                events=[event._replace(activities=event.activities if event.id % 3 else ()) for event in session.events],
            )
            for session in recordings.sessions
        ]
        return replace(recordings, sessions=sessions)

    settings = ("dataset.home.null_class=[7]", f"dataset.null_class={null_class}", "limit=2")
    composed = experiment(*SMALL, HOT, *settings, f"paths.outputs={tmp_path}")
    prepared = prepare(composed, read=without_gold)
    result = answered(prepared, "$ids:1", "<think>")
    shown = [row for row in rows_of(result) if "excluded" not in row]
    unlabelled = [row for row in shown if not row["gold"]]
    assert len(unlabelled) > 4 and not any(row["scored"] for row in unlabelled)
    scores = result.metrics.strict
    assert scores.unlabelled_events == len(unlabelled)
    assert (
        scores.all.pooled.events
        == sum(row["scored"] for row in shown)
        == len(shown) - scores.unscored_events - len(unlabelled)
    )
    summary = summarise(result, headline="accuracy", parsing="strict")
    assert (
        f"{len(unlabelled)} events without a gold activity (unlabelled): shown to the model and not scored." in summary.notes
    )
    assert any("dataset.null_class" in note for note in summary.notes) == (scores.unscored_events > 0)
    assert len(summary.scores) == (1 if scores.unscored_events or null_class == "dropped" else 2)
    assert result.sample.gold != ["unlabelled"]


def test_a_run_of_a_home_without_labels_has_no_scores_and_says_where_its_activities_are(tmp_path: Path) -> None:
    def without_gold(of: Experiment) -> Recordings:
        recordings = read_recordings(of)
        sessions = [
            replace(session, events=[event._replace(activities=()) for event in session.events])
            for session in recordings.sessions
        ]
        return replace(recordings, sessions=sessions)

    composed = experiment(*SMALL, HOT, "limit=2", "split.part=all", f"paths.outputs={tmp_path}")
    result = answered(prepare(composed, read=without_gold), "$ids:1", "<think>")
    assert not result.metrics.has_scores and not result.metrics.has_gold
    summary = summarise(result, headline="accuracy", parsing="strict")
    assert summary.title.endswith("(all sessions): no scores, because none of its events is labelled and scored")
    assert "The predicted activities are in predictions.csv and segments.csv; task=predict shows them." in summary.notes
    text = (result.folder / "report.md").read_text()
    for words in ("F1", "accuracy", "No event was missed", "weakest", "too few for", "gold:"):
        assert words not in text


def test_an_event_of_a_dated_recording_has_its_date(tmp_path: Path) -> None:
    def dated(of: Experiment) -> Recordings:
        recordings = read_recordings(of)
        first, *others = recordings.sessions
        days = [datetime.combine(date(2024, 2, 28 + event.id % 2), clock(event.time)) for event in first.events]
        moved = [event._replace(moment=moment) for event, moment in zip(first.events, days, strict=True)]
        return replace(recordings, sessions=[replace(first, events=moved), *others])

    settings = (*SMALL, HOT, "limit=1", "split=named", "split.test=[simulated_flat-01,simulated_flat-02]")
    made = {}
    for name, read in (("dated", dated), ("undated", read_recordings)):
        prepared = prepare(experiment(*settings, f"paths.outputs={tmp_path / name}"), read=read)
        made[name] = prepared.digest, [row.date for row in answered(prepared, "$ids:1").predictions()]
    (digest, dates), (other_digest, none) = made["dated"], made["undated"]
    assert dates[:3] == ["2024-02-28", "2024-02-29", "2024-02-28"] and dates[-1] is None and set(none) == {None}
    assert digest != other_digest


def test_seeds_of_a_greedy_model_are_said_to_change_nothing(tmp_path: Path, script: str) -> None:
    greedy = [done(tmp_path, script, "limit=1", f"seed={seed}")[0] for seed in (0, 1)]
    assert greedy[0].metrics.generations_digest == greedy[1].metrics.generations_digest
    notes = [summarise(run, headline="accuracy", parsing="strict").notes for run in greedy]
    said = "seed=1 changes nothing: at model.sampling.temperature=0 every seed gives the same generations."
    assert [said in one for one in notes] == [False, True]
    drawn = answered(sampled(tmp_path, "seed=1"), "$ids:2")
    assert not any("seed" in note for note in summarise(drawn, headline="accuracy", parsing="strict").notes)
    assert drawn.metrics.generations_digest != greedy[0].metrics.generations_digest


PAPERS_KEYS = ("prompt.answer_keys.id=event", "prompt.answer_keys.activity=predicted_activity")


def test_answers_are_parsed_by_the_keys_that_the_prompt_asks_for(tmp_path: Path) -> None:
    """A user's own prompt may ask for any, as the paper's does. An echo of its example is no answer."""
    (tmp_path / "mine.txt").write_text('Answer as in [{"event": 0, "predicted_activity": 1}].\n$events')
    mine = ("prompt=verbatim", f"prompt.path={tmp_path / 'mine.txt'}")
    prepared = sampled(tmp_path, *mine, *PAPERS_KEYS)
    rows = json.dumps([{"event": shown, "predicted_activity": "2"} for shown in prepared.prompts[0].ids]).replace('"2"', "2")
    result = answered(prepared, f'<think>\nSo.\n</think>{rows}\nor [{{"event": 0, "predicted_activity": 1}}]', "$ids:2")
    first, second = ([row for row in rows_of(result) if row.get("window") == window] for window in (0, 1))
    assert [row["strict"]["activity"] for row in first] == [row["lenient"]["activity"] for row in first] == [2] * 10
    assert {row["strict"]["missed"] for row in second} == {"malformed"}, "the usual keys are not asked for"
    assert {row["lenient"]["activity"] for row in second} == {2}
    other = sampled(tmp_path, *mine)
    assert [one.key for one in other.requests] == [one.key for one in prepared.requests], "the same prompts"
    assert other.digest != prepared.digest
    assert ", answer keys event and predicted_activity, digest" in dict(facts(result))["prompt"]
    formed = sampled(tmp_path, "prompt=embedded", *PAPERS_KEYS, "decoding=structured", "engine=vllm")
    assert formed.requests[0].pattern is not None and '"predicted_activity": ' in formed.requests[0].pattern
    first_of_list = formed.requests[0].schema["properties"][str(formed.prompts[0].ids[0])]
    assert first_of_list["required"] == ["event", "predicted_activity"]


def test_who_caused_the_events_is_scored_where_the_prompt_asks_for_it(tmp_path: Path) -> None:
    residents = ("prompt=reasoning", "prompt.answer_keys.resident=who")
    prepared = sampled(tmp_path, *residents)
    windows = [prompt.window for prompt in prepared.prompts]
    texts = []
    for prompt in prepared.prompts:
        numbers = {one: place + 5 for place, one in enumerate(sorted({event.subjects[0] for event in prompt.window.events}))}
        pairs = zip(prompt.ids, prompt.window.events, strict=True)
        rows = [{"id": shown, "activity": 1, "who": numbers[event.subjects[0]]} for shown, event in pairs]
        texts.append(f"<think>\nSo.\n</think>{json.dumps(rows)}")
    result = answered(prepared, *texts)
    scores = read_run(result.folder).metrics.lenient.residents
    assert scores is not None and scores.right.mean == 1.0 and scores.events == sum(len(one.events) for one in windows)
    assert scores.one_person.mean is not None and scores.one_person.mean < 1.0
    assert {row["strict"]["resident"] for row in rows_of(result) if "strict" in row} >= {5, 6}
    summary = summarise(result, headline="accuracy", parsing="strict")
    assert [table.title.partition(",")[0] for table in summary.scores][-1] == "Who caused the events"
    assert ", answer keys id and activity and who" in dict(facts(result))["prompt"]
    plain = answered(sampled(tmp_path, "prompt=reasoning"), "$ids:1").metrics.strict
    assert plain.residents is None


def test_answers_of_a_line_an_event_are_stored_with_their_reasoning(tmp_path: Path) -> None:
    form = ("prompt=embedded", "prompt.answer_format=lines", "prompt.answer_mark=Answer:", "model.thinking=false")
    prepared = sampled(tmp_path, *form)
    lines = "\n".join(f"{shown}. 2" for shown in prepared.prompts[0].ids)
    text = f"It is so.</think>\nAnswer:\n{lines}"
    result = answered(prepared, text)
    assert {row["strict"]["activity"] for row in rows_of(result) if row.get("window") == 0} == {2}
    assert result.sample.reasoning == "It is so." and result.sample.answer == lines
    told = dict(facts(result))["prompt"]
    assert ", an answer line for each event, reasoning in the text before 'Answer:', digest" in told
    other = sampled(tmp_path, "model.thinking=false")
    assert other.digest != prepared.digest and other.requests[0].stop and not prepared.requests[0].stop
    formed = sampled(tmp_path, *form[:2], "decoding=structured", "engine=vllm").requests[0]
    assert formed.schema is None and r"0\. (1|2|" in str(formed.pattern)


def test_examples_of_a_prompt_are_of_training_sessions_and_recorded(tmp_path: Path) -> None:
    prepared = sampled(
        tmp_path, "prompt=few_shot", "prompt.examples=1", "split.validation_sessions=1", "split.part=validation"
    )
    result = answered(prepared, "$ids:2")
    shown = result.metrics.choices.prompt["examples"]
    sessions = {session.id for session in prepared.parts["train"]}
    assert len(shown) == 1 and {one.partition("#")[0] for one in shown} <= sessions
    assert f"few_shot, an answer line for each event, with gold activities of training windows ({shown[0]})" in str(
        dict(facts(result))["prompt"]
    )


def test_an_answer_may_repeat_the_definition_of_an_activity(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("$events")
    mine = ("prompt=verbatim", f"prompt.path={tmp_path / 'mine.txt'}", "limit=1")
    defined, other = sampled(tmp_path, *mine, "dataset.home.definitions={2: also shoes}"), sampled(tmp_path, *mine)
    rows = json.dumps([{"id": shown, "activity": "2. getting dressed: also shoes"} for shown in defined.prompts[0].ids])
    result = answered(defined, f"<think>\nSo.\n</think>{rows}")
    assert {row["strict"]["activity"] for row in rows_of(result) if row.get("window") == 0} == {2}
    assert [one.key for one in other.requests] == [one.key for one in defined.requests], "the same prompts"
    assert other.digest != defined.digest


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
        ('<think></think>[{"id": 98, "activity": 1}, {"id": 99, "activity": 1}, ', "ran_on", "ran_on"),
    ],
)
def test_missed_events_have_their_cause(tmp_path: Path, text: str, reason: str, cause: str) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text(json.dumps({"contains": "", "text": text, "finish_reason": reason}) + "\n")
    result, _ = done(tmp_path, f"engine.path={path}", "limit=2")
    shown = [row for row in rows_of(result) if "excluded" not in row]
    assert {row["strict"]["missed"] for row in shown} == {cause}
    assert result.metrics.strict.all.missed_by_cause[cause].mean == 1.0
    assert result.environment.ran_on == (2 if cause == "ran_on" else 0)


def test_a_limit_beyond_the_last_window_is_not_partial(tmp_path: Path, script: str) -> None:
    result, _ = done(tmp_path, script, "limit=1000")
    assert not result.metrics.partial


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


def test_a_single_generation_has_no_list_of_samples(tmp_path: Path) -> None:
    shown = [row for row in rows_of(answered(sampled(tmp_path), "$ids:1")) if "excluded" not in row]
    assert all("samples" not in row and len(row["generation"]) == 64 for row in shown)


def test_the_sample_shows_a_generation_that_says_what_was_predicted(tmp_path: Path) -> None:
    prepared = sampled(tmp_path, "decoding.samples=3")
    sample = answered(prepared, "$ids:1", "$ids:2", "$ids:2").sample
    window = next(place for place, prompt in enumerate(prepared.prompts) if prompt.window.session == sample.session)
    assert sample.predicted["strict"].startswith("2. ")
    assert sample.generation == prepared.requests[window * 3 + 1].key
    assert '"activity": 2' in sample.answer
    assert sample.reasoning.strip() == f"It is {window * 3 + 1}."
