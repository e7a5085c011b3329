"""The server engine against a server that fails in every way: nothing is lost or doubled, nothing takes for ever."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import threading
import time
from itertools import pairwise
from typing import Any

import pytest

from har_llm.engines.worker import WorkerEngine, open_engine
from tests.engines.failing_server import CACHED_TOKENS, PROMPT_TOKENS, FailingServer, completion
from tests.engines.openai_requests import KEY, MODEL, collect, config, free_port, map_requests, request

pytestmark = pytest.mark.slow

NO_CHAT = ('{"object": "list"}', "[]", "3", '{"choices": []}', '{"choices": [{"message": {"content": 3}}]}', "null")


def texts(url: str, *prompts: str, **changes: Any) -> dict[str, str]:
    """The text of each prompt; fails where one comes twice."""
    made = list(open_engine(config(url, **changes), MODEL).generate([request(prompt) for prompt in prompts]))
    assert len({one.key for one in made}) == len(made)
    return {one.key.removeprefix("key of "): one.text for one in made}


# What may pass


def test_whatever_may_pass_is_asked_for_again_and_nothing_is_lost_or_doubled() -> None:
    plans: dict[str | None, tuple[str, ...]] = {
        status: (status,) for status in ("408", "409", "425", "429", "500", "502", "503", "504", "529")
    }
    plans |= {kind: (kind,) for kind in ("reset", "half", "garbage")}
    plans |= {f"no chat {number}": (body,) for number, body in enumerate(NO_CHAT)}
    plans["abort"] = (json.dumps(completion("cut", choices=[{"message": {"content": "c"}, "finish_reason": "abort"}])),)
    plans["all at once"] = ("500", "half", "reset")
    prompts = [*(prompt for prompt in plans if prompt), *(f"good {number}" for number in range(20))]
    with FailingServer(plans) as server:
        assert texts(server.url, *prompts) == {prompt: f"answer to {prompt}" for prompt in prompts}
    expected = {prompt: len(plans.get(prompt, ())) + 1 for prompt in prompts}
    assert {prompt: len(times) for prompt, times in server.attempts.items()} == expected


def test_a_server_that_hangs_is_left_after_the_time_out() -> None:
    with FailingServer({"a": ("hang",)}) as server:
        assert texts(server.url, "a", timeout=0.3) == {"a": "answer to a"}
    assert len(server.attempts["a"]) == 2


def test_two_waits_in_vain_are_enough() -> None:
    with FailingServer({None: ("hang",)}) as server:
        came, words = collect(open_engine(config(server.url, timeout=1.0), MODEL).generate([request("a")]))
    assert (came, len(server.attempts["a"])) == ([], 2)
    assert "1 of 1 request " in words
    assert "no response within 1 s; for slow models raise engine.timeout" in words


def test_a_server_that_comes_up_late_is_waited_for() -> None:
    server = FailingServer(port=free_port())
    starting = threading.Timer(0.3, server.__enter__)
    starting.start()
    try:
        assert texts(server.url, "a", "b", backoff_s=0.1, max_retries=6) == {"a": "answer to a", "b": "answer to b"}
    finally:
        starting.join()
        server.__exit__(None, None, None)


@pytest.mark.parametrize("wait", ["0.5", "date"])
def test_a_server_that_asks_for_a_pause_gets_it(wait: str) -> None:
    with FailingServer({"a": (f"429:{wait}",)}) as server:
        texts(server.url, "a")
    first, second = server.attempts["a"]
    assert second - first > 0.4


def test_a_pause_beyond_the_time_out_is_not_waited_for() -> None:
    with FailingServer({"a": ("429:3600",)}) as server:
        _, words = collect(open_engine(config(server.url), MODEL).generate([request("a")]))
    assert "status 429, and the server asks for a pause of 3600 s, which is longer than engine.timeout" in words
    assert len(server.attempts["a"]) == 1


@pytest.mark.parametrize("wait", ["1e400", "Fri, 31 Dec 99999999999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_pause_of_ages_is_not_waited_for(wait: str) -> None:
    with FailingServer({"a": (f"503:{wait}",)}) as server:
        _, words = collect(open_engine(config(server.url), MODEL).generate([request("a")]))
    assert "status 503, and the server asks for a pause of 172800 s, which is longer than engine.timeout" in words


def test_pauses_grow() -> None:
    with FailingServer({"a": ("500",) * 4}) as server:
        texts(server.url, "a", backoff_s=0.04, max_retries=4)
    pauses = [after - before for before, after in pairwise(server.attempts["a"])]
    assert all(pause >= 0.02 * 2**doubling for doubling, pause in enumerate(pauses))
    assert len(pauses) == 4


# What does not pass


def test_a_refused_request_is_not_repeated_and_costs_only_itself() -> None:
    refused = ("400", "401", "403", "404", "413", "422")
    prompts = [*refused, *(f"good {number}" for number in range(9))]
    with FailingServer({status: (status,) for status in refused}) as server:
        came, words = collect(open_engine(config(server.url), MODEL).generate([request(prompt) for prompt in prompts]))
    assert sorted(came) == sorted(f"key of good {number}" for number in range(9))
    assert all(len(times) == 1 for times in server.attempts.values())
    assert f"6 of 15 requests to {server.url} failed. The first: status 4" in words
    assert words.endswith("What was finished is kept; run the same command again to go on.")


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        ("400", "status 400: refused with 400 for"),
        ("401", "the environment variable OPENAI_API_KEY"),
        ("404", "engine.base_url must be the base of the API, often ending in /v1, and 'served' one of its models"),
    ],
)
def test_a_refusal_says_what_the_server_says(status: str, hint: str) -> None:
    with FailingServer({None: (status,)}) as server:
        _, words = collect(open_engine(config(server.url), MODEL).generate([request("a")]))
    assert hint in words
    assert f"refused with {status}" in words


@pytest.mark.parametrize("status", ["301", "302", "307", "308"])
def test_events_are_sent_to_no_other_address(status: str) -> None:
    with FailingServer() as other, FailingServer({None: (f"{status}:{other.url}/chat/completions?x=1",)}) as server:
        _, words = collect(open_engine(config(server.url), MODEL).generate([request("a")]))
    assert f"status {status} (it names another address, '{other.url}/chat/completions', which is not followed" in words
    assert not other.bodies and len(server.bodies) == 1


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("packed", "a response packed with 'gzip', though an unpacked one was asked for"),
        ("endless", "a response of over 78,336 bytes, more than model.sampling.max_new_tokens can take"),
    ],
)
def test_no_more_is_read_than_the_generation_can_have(failure: str, words: str) -> None:
    with FailingServer({None: (failure,)}) as server:
        _, said = collect(open_engine(config(server.url), MODEL).generate([request("a")]))
    assert words in said and len(server.bodies) == 1
    assert server.headers[0]["accept-encoding"] == "identity"


def test_a_request_that_fails_for_good_does_not_stop_the_others() -> None:
    prompts = ["bad", *(f"good {number}" for number in range(30))]
    with FailingServer({"bad": ("500",) * 9}) as server:
        came, words = collect(
            open_engine(config(server.url, max_retries=2, concurrency=3), MODEL).generate(
                [request(prompt) for prompt in prompts]
            )
        )
    assert len(came) == 30
    assert len(server.attempts["bad"]) == 3
    assert "1 of 31 requests" in words


def test_nobody_there_is_said_soon() -> None:
    requests = [request(str(number)) for number in range(500)]
    came, words = collect(open_engine(config(f"http://127.0.0.1:{free_port()}/v1", concurrency=4), MODEL).generate(requests))
    assert came == []
    assert "4 of 500 requests" in words, "so that it is not said after 500 times of waiting"
    assert "and 496 were given up, because no request succeeded any more. The first: no connection" in words


def test_a_server_that_does_not_accept_is_no_slow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_llm.engines.openai_config.CONNECT_S", 0.2)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # a full queue: Linux answers no further connection
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        engine = open_engine(config(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", max_retries=0), MODEL)
        came, words = collect(engine.generate([request("a")]))
    assert came == []
    assert "no connection within 0.2 s" in words


def test_failures_here_and_there_are_no_dead_server() -> None:
    prompts = [f"{kind} {number}" for number in range(8) for kind in ("good", "bad", "good")]
    with FailingServer({prompt: ("400",) for prompt in prompts if prompt.startswith("bad")}) as server:
        came, words = collect(open_engine(config(server.url, concurrency=2), MODEL).generate(map_requests(*prompts)))
    assert len(came) == 16
    assert "8 of 24 requests" in words
    assert "given up" not in words


def test_a_server_that_dies_on_the_way_costs_only_what_is_left() -> None:
    prompts = [f"good {number}" for number in range(10)] + [f"late {number}" for number in range(200)]
    plans: dict[str | None, tuple[str, ...]] = {prompt: ("500",) * 9 for prompt in prompts if prompt.startswith("late")}
    with FailingServer(plans) as server:
        came, words = collect(
            open_engine(config(server.url, concurrency=5), MODEL).generate([request(prompt) for prompt in prompts])
        )
    assert sorted(came) == sorted(f"key of good {number}" for number in range(10))
    assert "were given up" in words
    assert len(server.attempts) < 30


# In between


def test_no_more_are_in_flight_than_allowed() -> None:
    with FailingServer(delay_s=0.02) as server:
        assert len(texts(server.url, *map(str, range(40)), concurrency=6)) == 40
    assert server.most_in_flight == 6


def test_each_comes_as_soon_as_it_is_finished_and_closing_cancels_the_rest() -> None:
    with FailingServer({"slow": ("hang",), "slower": ("hang",)}) as server:
        stream = open_engine(config(server.url, timeout=60.0), MODEL).generate(map_requests("slow", "fast", "slower"))
        assert next(stream).text == "answer to fast"
        assert in_flight(server, 2) == 2
        stream.close()  # type: ignore[attr-defined]
        assert in_flight(server, 0) == 0


def in_flight(server: FailingServer, expected: int) -> int:
    """How many requests the server has, once it is as many as expected or after a while."""
    deadline = time.monotonic() + 10
    while server.in_flight != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    return server.in_flight


def test_without_requests_nothing_is_asked() -> None:
    assert list(open_engine(config("http://127.0.0.1:9/v1"), MODEL).generate([])) == []


def test_it_answers_in_a_worker_more_than_once() -> None:
    odd = json.dumps(completion("half a character \ud800 ✓"))
    with FailingServer({"a": (odd,)}) as server:
        engine = WorkerEngine(config(server.url), MODEL)
        try:
            assert [one.text for one in engine.generate([request("a")])] == ["half a character \ud800 ✓"]
            assert [one.text for one in engine.generate([request("b")])] == ["answer to b"]
        finally:
            engine.close()


def test_tokens_and_time_are_counted() -> None:
    started = time.monotonic()
    with FailingServer(delay_s=0.1) as server:
        made = list(open_engine(config(server.url), MODEL).generate(map_requests(*"abcdefgh")))
    assert {(one.prompt_tokens, one.completion_tokens, one.cached_tokens) for one in made} == {
        (PROMPT_TOKENS, 3, CACHED_TOKENS)
    }
    assert 0.1 <= sum(one.seconds for one in made) < time.monotonic() - started  # they were made together


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with FailingServer() as server:
        assert texts(server.url, "a", max_retries=0) == {"a": "answer to a"}


# The key


def test_the_key_is_sent_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f"{KEY}\n")
    with FailingServer({"a": ("401",)}) as server:
        settings = config(server.url, api_key_env="MY_KEY")
        _, words = collect(open_engine(settings, MODEL).generate([request("a")]))
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert "refused with 401 for Bearer ***" in words
    assert KEY not in words
    assert KEY not in repr(settings) + repr(dataclasses.asdict(settings))


@pytest.mark.parametrize("echo", [f"{'x' * 390}{KEY}", f"{'x' * 1990}{KEY}", f"{'x ' * 150}\n{KEY}"])
def test_no_part_of_a_repeated_key_is_shown(monkeypatch: pytest.MonkeyPatch, echo: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with FailingServer({None: (json.dumps([echo]),)}) as server:
        _, words = collect(open_engine(config(server.url, max_retries=0), MODEL).generate([request("a")]))
    assert "not a chat completion" in words
    assert KEY[:5] not in words


def test_a_local_server_needs_no_key() -> None:
    with FailingServer() as server:
        config(server.url).replicas(None, 1)
        texts(server.url, "a")
    assert server.headers[0]["authorization"] == "Bearer none"
