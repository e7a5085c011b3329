"""task=watch: what it writes is what a run of the same events says; it answers each window once, whatever happens."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError, EngineError, HarError, MissingError
from har_llm.common.lock import HeldError, Lock
from har_llm.data.live.file import GrowingFile
from har_llm.engines.scripted import ScriptedEngine
from har_llm.sweep.live.journal import Journal
from har_llm.sweep.live.service import FAILED, QUEUE_FULL, TOO_SHORT, Service, live_folder, watch
from tests.same_process import in_this_process
from tests.sweep.live.days import BEGINS, Noted, as_offline, generations, lines, moments, offline, rows, watch_some, watched

pytestmark = pytest.mark.slow


def test_it_says_what_a_run_of_the_same_events_says(tmp_path: Path) -> None:
    given = watched(tmp_path, data=rows(61))
    noted = watch_some(given, 7)
    told, expected = as_offline(lines(given)), offline(given)
    assert len(told) > 50 and told == expected[: len(told)] and len({one[0] for one in told}) == 2
    assert {one[4] for one in told} == {"preparing a meal", "sleeping", None}
    assert noted.windows[0].reasoning == "Because." and lines(given)[0]["confidence"] is None
    assert generations(tmp_path) == len({one[:2] for one in expected}), "an offline run makes none of them twice"
    assert "windows answered" in noted.sentences[-1] and "2 first state of a sensor" not in noted.sentences[-1]


def test_a_quiet_time_is_the_gap_of_a_recording(tmp_path: Path) -> None:
    given = watched(tmp_path, "watch.quiet_s=300", "window.gap_minutes=null", data=rows(40))
    watch_some(given, 3)
    told = as_offline(lines(given))
    assert told == offline(watched(tmp_path, "window.gap_minutes=5"))[: len(told)] != offline(given)[: len(told)]


def test_another_process_goes_on_where_one_has_ended(tmp_path: Path) -> None:
    given = watched(tmp_path, data=rows(61))
    for windows in (2, 2, 2, 1):
        watch_some(given, windows)
    told = as_offline(lines(given))
    assert told == offline(given)[: len(told)] and len(told) > 50


def test_what_was_answered_before_a_kill_and_not_written_is_not_asked_again(tmp_path: Path) -> None:
    given = watched(tmp_path, data=rows(40))
    watch_some(given, 3)
    output, before = live_folder(given) / "watch.jsonl", generations(tmp_path)
    journal = live_folder(given) / "journal.jsonl"
    kept = journal.read_text().splitlines()
    assert kept[-1].startswith('{"done"'), "killed before this line was on disk, and in the midst of the next window's"
    journal.write_text("\n".join([*kept[:-1], kept[-1][:20]]))
    output.write_text(output.read_text() + '{"session": "20')
    noted = watch_some(given, 1)
    assert len(noted.windows) == 1 and generations(tmp_path) == before
    told = as_offline(lines(given))
    assert told == offline(given)[: len(told)] and len({one[:2] for one in told}) == 3


def test_a_kill_behind_the_first_window_writes_it_once(tmp_path: Path) -> None:
    given = watched(tmp_path, data=rows(40))
    watch_some(given, 1)
    journal = live_folder(given) / "journal.jsonl"
    *kept, last = journal.read_text().splitlines()
    assert last.startswith('{"done"'), "killed before this line was on disk"
    journal.write_text("".join(f"{line}\n" for line in kept))
    watch_some(given, 1)
    assert len({(one["session"], one["id"]) for one in lines(given)}) == len(lines(given)) > 5


def test_a_board_whose_clock_is_set_back_goes_on_and_a_kill_answers_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = watched(tmp_path, data=rows(18))
    watch_some(given, 2)
    back = BEGINS + timedelta(minutes=20)
    monkeypatch.setattr(Service, "_now", lambda self: (back, back))
    with (tmp_path / "history.csv").open("a") as stream:
        stream.write("".join(rows(12)))
    noted = watch_some(given, 2)
    told = lines(given)
    assert [one["session"] for one in told] == ["2026-03-02"] * 15 + ["2026-03-02_2"] * 10
    assert [one["id"] for one in told] == [*range(15), *range(10)]
    assert [one["time"] for one in told[15:]] == [f"{at:%Y-%m-%d %H:%M:%S}" for at in moments(12)[:10]]
    assert sum("This machine's clock was set back" in one for one in noted.sentences) == 1
    journal, made = live_folder(given) / "journal.jsonl", generations(tmp_path)
    *kept, last = journal.read_text().splitlines()
    assert last.startswith('{"done"'), "killed before this line was on disk"
    journal.write_text("".join(f"{line}\n" for line in kept))
    watch_some(given, 1)
    again = [{**one, "delay_s": 0} for one in lines(given)]
    assert again == [{**one, "delay_s": 0} for one in told] and generations(tmp_path) == made


def test_what_comes_between_two_processes_is_told_though_nothing_came_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = watched(tmp_path, "watch.start=end", data=rows(6))
    until_watching = Noted(0)
    monkeypatch.setattr(until_watching, "said", lambda sentence: until_watching.stop.set())
    with in_this_process():
        watch(given, [until_watching], until_watching.stop)
    with (tmp_path / "history.csv").open("a") as stream:
        stream.write("".join(rows(40)[6:]))
    watch_some(given, 1)
    assert lines(given)[0]["event"] == offline(given)[6][3], "each sensor's first state is no event"


def test_the_oldest_window_is_given_up_when_too_many_wait(tmp_path: Path) -> None:
    given = watched(tmp_path, "watch.when_full=give_up", "watch.queue=2", data=rows(61))
    watch_some(given, 7)
    said = lines(given)
    given_up = [one for one in said if one["missed"] == QUEUE_FULL]
    assert len({(one["session"], one["window"]) for one in given_up}) == 5
    assert sorted((one[0], one[2]) for one in as_offline(said)) == [(one[0], one[2]) for one in offline(given)[: len(said)]]


def test_a_window_that_is_too_short_is_not_asked_about(tmp_path: Path) -> None:
    given = watched(tmp_path, "window.min_events=8", data=rows(61))
    watch_some(given, 7)
    told = as_offline(lines(given))
    expected = [one for one in told if one[5] != TOO_SHORT]
    assert expected == offline(given)[: len(expected)] and len(expected) < len(told)


def test_an_engine_that_dies_is_started_again_and_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, asked = watched(tmp_path, data=rows(61)), []
    generate = ScriptedEngine.generate

    def dies(self: ScriptedEngine, requests: list[object]) -> object:
        asked.append(requests)
        if len(asked) in (3, 5, 7, 9):  # those between are the first of an engine that was started again
            raise EngineError("The engine's process was killed by signal 9.")
        return generate(self, requests)  # type: ignore[arg-type]

    monkeypatch.setattr(ScriptedEngine, "generate", dies)
    monkeypatch.setattr("har_llm.sweep.live.service.WAIT_S", 0.01)
    noted = watch_some(given, 4)
    told = as_offline(lines(given))
    (lost,) = {one[:2] for one in told if one[5] == FAILED}
    assert lost == ("2026-03-02", 1) and sum("killed by signal 9" in one for one in noted.sentences) == 4
    kept = [one for one in told if one[:2] != lost]
    assert kept == [one for one in offline(given) if one[:2] in {two[:2] for two in kept}]


def test_the_open_window_closes_when_the_home_is_quiet(tmp_path: Path) -> None:
    given = watched(tmp_path, "watch.quiet_s=1", "window.events=40", data=[])
    (tmp_path / "history.csv").write_text(
        "entity_id,state,last_changed\n"
        + "".join(f"binary_sensor.bed,{state},2026-03-02T06:00:00Z\n" for state in ("off", "on"))
        + "binary_sensor.bed,off,never\n"
    )
    noted = watch_some(given, 1)
    assert "; 1 left out (" in noted.sentences[-1]
    assert [one["event"] for one in lines(given)] == ["bedroom bed OCCUPIED"]


def test_confidence_is_the_share_of_the_votes(tmp_path: Path) -> None:
    given = watched(
        tmp_path, "decoding=self_consistency", "decoding.samples=3", "model.sampling.temperature=0.6", data=rows(30)
    )
    watch_some(given, 1)
    assert {(one["activity"], one["confidence"]) for one in lines(given)} >= {("preparing a meal", 1.0)}


def test_one_process_watches_a_home(tmp_path: Path) -> None:
    given = watched(tmp_path, data=rows(10))
    with Lock(live_folder(given) / "lock").held(), pytest.raises(HeldError) as told:
        watch_some(given, 1)
    assert str(told.value) == (
        f"Another task=watch watches history already: process {os.getpid()} on '{socket.gethostname()}' holds "
        f"{live_folder(given) / 'lock'}; delete that file if that process is gone. End it first, or set dataset.name to a "
        f"name of its own, under which this one is kept beside it."
    )


@pytest.mark.parametrize(
    ("overrides", "kind", "told"),
    [
        (["window=sliding"], ConfigError, "task=watch answers each event once"),
        (["model=lexical"], ConfigError, "model=lexical is a baseline, which needs all windows at once"),
        (["dataset.home_path=/nowhere.home.yaml"], MissingError, "run the same command with task=init first"),
        (["watch.queue=0"], ConfigError, "watch.queue is 0; it must be at least 1"),
    ],
)
def test_what_cannot_be_watched_says_why(tmp_path: Path, overrides: list[str], kind: type[HarError], told: str) -> None:
    with pytest.raises(kind, match=told):
        watch_some(watched(tmp_path, *overrides, data=rows(1)), 1)


def test_a_recording_of_the_past_is_refused(tmp_path: Path) -> None:
    from tests.composing import experiment

    with pytest.raises(ConfigError, match="task is watch, but dataset=simulated_flat is a recording of the past"):
        watch_some(experiment(f"paths.outputs={tmp_path}"), 1)


def test_a_journal_of_another_version_says_what_to_do(tmp_path: Path) -> None:
    given = watched(tmp_path, data=rows(10))
    live_folder(given).mkdir(parents=True)
    Journal(live_folder(given) / "journal.jsonl").begin({"format": 0})
    with pytest.raises(MissingError, match=r"of another version of har_llm \(format 0\); move it elsewhere to begin anew"):
        watch_some(given, 1)


def test_a_model_that_cannot_be_loaded_at_first_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: ScriptedEngine, requests: list[object]) -> object:
        raise EngineError("The model has too little memory.")

    monkeypatch.setattr(ScriptedEngine, "generate", fails)
    given = watched(tmp_path, data=rows(61))
    noted = Noted(1)
    with pytest.raises(EngineError, match="too little memory"), in_this_process():
        watch(given, [noted], noted.stop)
    assert "Loading the model." in noted.sentences
    monkeypatch.undo()
    watch_some(given, 7)
    told = as_offline(lines(given))
    assert told == offline(given)[: len(told)] and len(told) > 50, "what it had accepted is kept"


def test_what_ends_it_before_anything_is_done_is_all_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> object:
        raise MissingError("The password is wrong.")

    monkeypatch.setattr(GrowingFile, "batches", refused)
    noted = Noted(1)
    with pytest.raises(MissingError, match="password"), in_this_process():
        watch(watched(tmp_path, data=rows(10)), [noted], noted.stop)
    assert not noted.sentences


def test_a_full_disk_ends_it_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = watched(tmp_path, data=rows(61))
    add, calls = Journal.add, []

    def full(self: Journal, change: dict[str, object]) -> None:
        calls.append(change)
        if len(calls) == 3:
            raise MissingError("journal.jsonl cannot be written (No space left on device).")
        add(self, change)

    monkeypatch.setattr(Journal, "add", full)
    with pytest.raises(MissingError, match="No space left on device"):
        watch_some(given, 7)
    monkeypatch.undo()
    watch_some(given, 6)  # the second one was in the output and not in the journal
    told = as_offline(lines(given))
    assert told == offline(given)[: len(told)] and len(told) > 50
