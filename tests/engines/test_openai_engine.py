"""The server engine against a server that fails in every way: nothing is lost or doubled, nothing takes for ever."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import pytest

from har_llm.common.errors import ConfigError, EngineError, MissingError
from har_llm.engines import openai_protocol as wire
from har_llm.engines.base import Adapter, Decoding, Generation, LoadedModel, Request
from har_llm.engines.openai_config import OpenaiEngineConfig
from har_llm.engines.worker import WorkerEngine, open_engine
from har_llm.models.config import Sampling
from har_llm.scoring.answer_format import answer_pattern, answer_schema
from tests.engines.failing_server import CACHED_TOKENS, PROMPT_TOKENS, FailingServer, completion
from tests.helpers import load

MODEL = LoadedModel(path="", served_name="served", dtype="float32", context=None, trust_remote_code=False)
MOST = 50
GREEDY = Decoding(Sampling(temperature=0.0, max_new_tokens=MOST), {"enable_thinking": True})
SAMPLED = Decoding(Sampling(temperature=0.6, top_p=0.95, top_k=20, min_p=0.1, max_new_tokens=50), {"enable_thinking": True})
FORM: dict[str, Any] = {"schema": answer_schema([1, 2], [3, 14]), "pattern": answer_pattern([1, 2], [3, 14])}
KEY = "sk-secret-0123456789"
NO_CHAT = ('{"object": "list"}', "[]", "3", '{"choices": []}', '{"choices": [{"message": {"content": 3}}]}', "null")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def request(prompt: str, decoding: Decoding = GREEDY, **changes: Any) -> Request:
    return Request(f"key of {prompt}", ({"role": "user", "content": prompt},), 5, decoding)._replace(**changes)


def config(url: str, **changes: Any) -> OpenaiEngineConfig:
    made = OpenaiEngineConfig(
        **{"base_url": url, "backoff_s": 0.01, "timeout": 5.0, "max_retries": 3, "concurrency": 8, **changes}
    )
    made.check()
    return made


def texts(url: str, *prompts: str, **changes: Any) -> dict[str, str]:
    """The text of each prompt; fails where one comes twice."""
    made = list(open_engine(config(url, **changes), MODEL).generate([request(prompt) for prompt in prompts]))
    assert len({one.key for one in made}) == len(made)
    return {one.key.removeprefix("key of "): one.text for one in made}


def collect(stream: Iterator[Generation]) -> tuple[list[str], str]:
    """The keys that came, and the words of the error after them."""
    came: list[str] = []
    with pytest.raises(EngineError) as failure:
        came.extend(one.key for one in stream)
    return came, str(failure.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
        came, words = collect(open_engine(config(server.url, timeout=0.2), MODEL).generate([request("a")]))
    assert (came, len(server.attempts["a"])) == ([], 2)
    assert "1 of 1 requests" in words
    assert "no text within 0.2 s; for slow models raise engine.timeout" in words


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
    with FailingServer({"a": (f"429:{formatdate(time.time() + 1.6, usegmt=True) if wait == 'date' else wait}",)}) as server:
        texts(server.url, "a")
    first, second = server.attempts["a"]
    assert 0.4 < second - first < 4


def test_a_pause_beyond_the_time_out_is_not_waited_for() -> None:
    with FailingServer({"a": ("429:3600",)}) as server:
        _, words = collect(open_engine(config(server.url), MODEL).generate([request("a")]))
    assert "status 429, with a pause of 3600 s that is longer than engine.timeout" in words
    assert len(server.attempts["a"]) == 1


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
        ("404", "engine.base_url has to be where the API begins, often ending in /v1, and 'served' one of its models"),
    ],
)
def test_a_refusal_says_what_the_server_says(status: str, hint: str) -> None:
    with FailingServer({None: (status,)}) as server:
        _, words = collect(open_engine(config(server.url), MODEL).generate([request("a")]))
    assert hint in words
    assert f"refused with {status}" in words


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
    started = time.monotonic()
    came, words = collect(open_engine(config(f"http://127.0.0.1:{free_port()}/v1", concurrency=4), MODEL).generate(requests))
    assert time.monotonic() - started < 3
    assert came == []
    assert "4 of 500 requests" in words
    assert "and 496 were given up, because none got through any more. The first: no connection" in words


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
        assert server.in_flight == 2
        stream.close()  # type: ignore[attr-defined]
        deadline = time.monotonic() + 3
        while server.in_flight and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.in_flight == 0


def map_requests(*prompts: str) -> list[Request]:
    return [request(prompt) for prompt in prompts]


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
    assert "no chat completion" in words
    assert KEY[:5] not in words


def test_a_local_server_needs_no_key() -> None:
    with FailingServer() as server:
        config(server.url).replicas(None)
        texts(server.url, "a")
    assert server.headers[0]["authorization"] == "Bearer none"


def test_a_server_elsewhere_needs_the_key_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config("https://api.example.org/v1")
    with pytest.raises(MissingError, match=r"engine\.api_key_env is OPENAI_API_KEY, but there is no such environment"):
        settings.replicas(None)
    config("http://10.0.0.7:8000/v1", api_key_env=None).replicas(None)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert settings.replicas(None) == [{}]
    assert settings.api_key() == KEY
    monkeypatch.setenv("OPENAI_API_KEY", "schlüssel")
    with pytest.raises(MissingError, match="OPENAI_API_KEY holds no key: it has characters that none has"):
        settings.replicas(None)


# Settings


def test_the_shipped_settings_are_sound() -> None:
    shipped = load("engine/openai", OpenaiEngineConfig, base_url="http://127.0.0.1:8000/v1")
    shipped.check()
    assert shipped == OpenaiEngineConfig(base_url="http://127.0.0.1:8000/v1")
    assert not shipped.needs_model()
    assert shipped.identity() == {}
    assert set(shipped.follows()) == {"structured", "thinking_token_budget", "repetition_min_count"}
    plain = dataclasses.replace(shipped, extensions=False)
    assert set(plain.follows()) == {"structured"}
    assert plain.identity() != {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base_url": "localhost:8000/v1"}, "'localhost:8000/v1'; it must be an address such as"),
        ({"base_url": "ftp://host/v1"}, "must be an address"),
        ({"base_url": "http://"}, "must be an address"),
        ({"base_url": ""}, "must be an address"),
        ({"base_url": "http://host:99999/v1"}, "must be an address"),
        ({"base_url": "http://[::1/v1"}, "must be an address"),
        ({"base_url": "http://ho st/v1"}, "must be an address"),
        ({"base_url": "http://host/v1/chat/completions"}, "leave out /chat/completions"),
        ({"base_url": f"http://user:{KEY}@host/v1"}, "holds more than an address"),
        ({"base_url": f"http://host/v1?key={KEY}"}, "holds more than an address"),
        ({"base_url": f"ftp://{KEY}@[host"}, "holds more than an address"),
        ({"api_key_env": KEY}, "engine.api_key_env is not the name of an environment variable"),
        ({"api_key_env": ""}, "engine.api_key_env is not the name"),
        ({"concurrency": 0}, "engine.concurrency is 0; it must be from 1 to 1000"),
        ({"timeout": 0.0}, "engine.timeout is 0.0; it must be from 0.01 to 86400"),
        ({"timeout": float("nan")}, "engine.timeout is nan"),
        ({"max_retries": -1}, "engine.max_retries is -1; it must be from 0 to 100"),
        ({"backoff_s": -0.5}, "engine.backoff_s is -0.5; it must be from 0 to 60"),
    ],
)
def test_wrong_settings_are_refused_without_showing_secrets(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        config("http://127.0.0.1:8000/v1", **changes)
    assert words in str(refusal.value)
    assert KEY not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8000/v1", True),
        ("http://127.0.0.2/v1", True),
        ("http://[::1]:8000/v1/", True),
        ("http://0.0.0.0:8000", True),
        ("http://10.0.0.7/v1", False),
        ("https://api.openai.com/v1", False),
        ("http://localhost.example.org/v1", False),
    ],
)
def test_which_servers_are_on_this_machine(url: str, local: bool) -> None:
    assert config(url).local is local


# What is sent


def sent(asked: Request, *, extensions: bool = True) -> dict[str, Any]:
    """What really reaches the server."""
    with FailingServer() as server:
        list(open_engine(config(server.url, extensions=extensions), MODEL).generate([asked]))
    return server.bodies[0]


def test_everything_that_shapes_a_text_is_sent() -> None:
    common = {"model": "served", "messages": [{"role": "user", "content": "a"}], "max_tokens": 50}
    off = {"repetition_penalty": 1.0, "skip_special_tokens": False, "spaces_between_special_tokens": False}
    thinking = {"chat_template_kwargs": {"enable_thinking": True}}
    drawn = {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": 0.1, "seed": 5}
    assert sent(request("a", SAMPLED)) == {**common, **off, **thinking, **drawn}
    likeliest = {"temperature": 0.0, "top_p": 1.0, "top_k": -1, "min_p": 0.0}
    assert sent(request("a", GREEDY)) == {**common, **off, **thinking, **likeliest}


def test_special_decoding_is_sent() -> None:
    special = GREEDY._replace(thinking_token_budget=9, repetition_detection=(4, 64))
    body = wire.body(request("a", special, adapter=Adapter("lora", "/x"), **FORM), "served", extensions=True)
    assert body["model"] == "lora"
    assert body["thinking_token_budget"] == 9
    assert body["repetition_detection"] == {"min_count": 4, "max_pattern_size": 64, "min_pattern_size": 1}
    assert body["structured_outputs"] == {"regex": FORM["pattern"]}
    assert "response_format" not in body  # vLLM takes one or the other
    plain = wire.body(request("a", **FORM), "served", extensions=False)
    assert plain["response_format"]["json_schema"]["schema"] == FORM["schema"]
    assert "structured_outputs" not in plain


def test_openais_own_api_is_sent_nothing_else() -> None:
    messages = [{"role": "user", "content": "a"}]
    greedy = {"model": "served", "messages": messages, "max_completion_tokens": 50, "temperature": 0.0}
    assert sent(request("a", GREEDY), extensions=False) == greedy
    drawn = Decoding(Sampling(temperature=1.0, top_p=0.9, top_k=0, max_new_tokens=50), {"enable_thinking": True})
    assert sent(request("a", drawn), extensions=False) == {**greedy, "temperature": 1.0, "top_p": 0.9, "seed": 5}


@pytest.mark.parametrize(
    ("decoding", "words"),
    [
        (SAMPLED, "model.sampling.top_k is 20, which OpenAI's own API has no word for; set model.sampling.top_k=0, or"),
        (Decoding(Sampling(top_k=0, min_p=0.1), {}), "model.sampling.min_p is 0.1"),
        (GREEDY._replace(thinking_token_budget=9), "set decoding.thinking_token_budget=null"),
        (GREEDY._replace(repetition_detection=(4, 64)), "decoding.repetition_min_count is 4"),
    ],
)
def test_what_openais_own_api_cannot_be_told_is_refused_before_anything_is_sent(decoding: Decoding, words: str) -> None:
    with FailingServer() as server:
        stream = open_engine(config(server.url, extensions=False), MODEL).generate([request("a"), request("b", decoding)])
        came, said = collect(stream)
    assert (came, server.bodies) == ([], [])
    assert words in said


def test_a_prompt_that_cannot_be_sent_is_named() -> None:
    with FailingServer() as server:
        came, words = collect(open_engine(config(server.url), MODEL).generate(map_requests("a", "b \ud800")))
    assert came == ["key of a"]
    assert "a lone surrogate" in words
