"""A process that exchanges JSON lines: processes that it forks, and its log when it fails."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path

import pytest

from har_llm.common.process import JsonProcess, ProcessEnded, ProcessFailed, failure


def test_a_process_can_fork_while_it_waits_for_messages() -> None:
    with closing(JsonProcess("tests.common.forking:serve_forking", "It")) as process:
        assert process.receive() == {"exit": 0}


def test_a_killed_process_has_ended_though_one_that_it_forked_lives_and_its_log_is_kept(tmp_path: Path) -> None:
    started = time.monotonic()
    process = JsonProcess("tests.common.forking:serve_killed", "It", logs=tmp_path / "logs")
    with closing(process), pytest.raises(ProcessEnded) as ended:
        process.receive()
    assert time.monotonic() - started < 20
    (log,) = (tmp_path / "logs").iterdir()
    assert log.read_text() == "The last words.\n"
    assert str(ended.value).startswith("It was killed by signal 9 (9 often means that memory ran out).")
    assert str(ended.value).endswith(f"The last lines of its log (all of it is in {log}):\n  The last words.")


def test_what_a_library_says_is_one_sentence_and_its_traceback_is_in_the_log(tmp_path: Path) -> None:
    with closing(JsonProcess("tests.common.forking:serve_failing", "It", logs=tmp_path)) as process:
        process.send({"requirement": "a b"})
        with pytest.raises(ProcessFailed) as failed:
            process.receive()
    (log,) = tmp_path.iterdir()
    assert "Traceback (most recent call last)" in log.read_text() and "\n" not in failed.value.how
    assert str(failed.value) == (
        "It failed with InvalidRequirement in packaging: Expected semicolon (after name with no version specifier) or end. "
        f"What was finished is kept; mend that and run the same command again. The log of its process is {log}."
    )


def test_an_error_names_the_library_that_raised_it_and_its_kind() -> None:
    for broken, told in (
        (lambda: {}["a"], "KeyError in tests: 'a'"),
        (lambda: json.loads("{"), "JSONDecodeError in tests: "),
        (lambda: exec(compile("{}['a']", "<generated>", "exec"), {}), "KeyError in tests: 'a'"),  # its frame has no name
    ):
        with pytest.raises((LookupError, ValueError)) as caught:
            broken()
        assert failure(caught.value).startswith(told)


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory has no folder here")
def test_the_shared_memory_of_a_process_ends_with_it() -> None:
    with closing(JsonProcess("tests.common.forking:serve_sharing", "It")) as process:
        shared = Path("/dev/shm") / process.receive()["name"]
        assert shared.exists()
    end = time.monotonic() + 10
    while shared.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not shared.exists()
