"""What a server is sent, and how its response is parsed: the whole generation, and no unfinished one as finished."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from har_llm.engines import openai_protocol as wire
from har_llm.engines.base import Adapter, Decoding, Generation, Request
from har_llm.engines.openai_protocol import Fault
from har_llm.engines.worker import open_engine
from har_llm.models.config import Sampling
from har_llm.models.reasoning import marks_of, split_reasoning
from tests.engines.failing_server import FailingServer, completion
from tests.engines.openai_requests import FORM, GREEDY, MODEL, MOST, SAMPLED, collect, config, map_requests, request

CONTEXT = 100
ANSWER = '[{"id": 1, "activity": 14},\n{"id": 2, "activity": 3}]'


def answered(message: Mapping[str, Any], reason: Any = "stop", asked: Request | None = None, **changes: Any) -> Generation:
    usage = {"prompt_tokens": 7, "completion_tokens": MOST if reason == "length" else 3}
    content = completion("", **{"choices": [{"message": message, "finish_reason": reason}], "usage": usage, **changes})
    return wire.read(asked or request("a"), json.dumps(content).encode(), "served", CONTEXT)


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize(("before", "after"), [("\nwhy\n", "\n\n[1]"), ("why", "[1]")])
def test_split_reasoning_is_put_back(name: str, before: str, after: str) -> None:
    made = answered({"content": after, name: before})
    assert made.text == "<think>\nwhy\n</think>\n\n[1]"
    assert split_reasoning(made.text, thinking=True) == ("why", "[1]")
    assert answered({"content": f"{after} \n", name: before}).text == made.text + " \n"


def test_it_is_put_back_between_the_marks_of_the_model() -> None:
    content = completion("", choices=[{"message": {"content": "[1]", "reasoning": "why"}, "finish_reason": "stop"}])
    made = wire.read(request("a"), json.dumps(content).encode(), "served", CONTEXT, marks_of(["<a>", "</a>"]))
    assert made.text == "<a>\nwhy\n</a>\n\n[1]"


@pytest.mark.parametrize("content", [None, ""])
@pytest.mark.parametrize("reason", ["stop", "length", "repetition"])
def test_reasoning_alone_stays_open(content: str | None, reason: str) -> None:
    made = answered({"content": content, "reasoning": "\nwhy"}, reason)
    assert (made.text, made.finish_reason) == ("<think>\nwhy", reason)
    assert split_reasoning(made.text, thinking=True) == ("why", None)


@pytest.mark.parametrize(
    "text", ["<think>\nwhy\n</think>\n\n[1]", "why\n</think>\n\n[1]", "<think>\nwhy", "[1]", "", " x\n"]
)
@pytest.mark.parametrize("reasoning", [{}, {"reasoning": None}, {"reasoning_content": ""}])
def test_a_generation_with_its_reasoning_stays_as_it_is(text: str, reasoning: dict[str, Any]) -> None:
    assert answered({"content": text, **reasoning}).text == text


def test_a_refusal_is_the_text() -> None:
    assert answered({"content": None, "refusal": "I won't."}).text == "I won't."


def test_a_filtered_generation_counts_as_cut() -> None:
    assert answered({"content": "[1"}, "content_filter").finish_reason == "length"


@pytest.mark.parametrize(
    ("reason", "passing", "words"),
    [
        ("tool_calls", False, "a tool call instead of a generation; start the server without a tool parser"),
        ("abort", True, "an unfinished generation (finish_reason is 'abort')"),
        (None, True, "an unfinished generation (finish_reason is None)"),
        ([], True, "an unfinished generation"),
    ],
)
def test_no_other_end_counts_as_finished(reason: Any, passing: bool, words: str) -> None:
    with pytest.raises(Fault) as fault:
        answered({"content": "[1]"}, reason)
    assert fault.value.passing is passing
    assert words in str(fault.value)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 3}, {"prompt_tokens": None, "completion_tokens": 3}])
def test_uncounted_tokens_are_not_taken_for_none(usage: Any) -> None:
    with pytest.raises(Fault, match="without token counts") as fault:
        answered({"content": "[1]"}, usage=usage)
    assert not fault.value.passing


def test_cached_tokens_are_none_where_the_server_says_nothing() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    assert answered({"content": "x"}, usage=usage).cached_tokens == 0
    assert answered({"content": "x"}, usage={**usage, "prompt_tokens_details": None}).cached_tokens == 0


@pytest.mark.parametrize(
    ("reason", "prompt_tokens", "tokens", "words"),
    [
        ("length", 7, 20, "cut after 20 tokens, where 50 were allowed: the server's context is only about 27 tokens"),
        ("length", 80, 50, "a generation of 50 tokens after a prompt of 80, where .* allow 20"),
        ("stop", 7, 90, "a generation of 90 tokens after a prompt of 7, where .* allow 50"),
        ("length", 7, 50, None),
        ("length", 80, 20, None),
        ("length", 80, 19, None),
        ("stop", 7, 1, None),
        ("content_filter", 7, 1, None),
    ],
)
def test_a_server_with_another_context_is_noticed(reason: str, prompt_tokens: int, tokens: int, words: str | None) -> None:
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": tokens}
    if words is None:
        assert answered({"content": "x"}, reason, usage=usage).completion_tokens == tokens
        return
    with pytest.raises(Fault, match=words) as fault:
        answered({"content": "x"}, reason, usage=usage)
    assert not fault.value.passing


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"stop_reason": '"id": 9'}, "ran_on"),
        ({"matched_stop": '"id": 9'}, "ran_on"),
        ({"stop_reason": None}, "stop"),
        ({"stop_reason": 151643}, "stop"),
        ({"matched_stop": 2}, "stop"),
    ],
)
def test_a_server_says_where_it_stopped_a_generation_that_ran_on(said: dict[str, Any], reason: str) -> None:
    asked = request("a")._replace(stop=('"id": 9', '"id":9'))
    assert wire.body(asked, "served", extensions=True)["stop"] == ['"id": 9', '"id":9']
    assert "stop" not in wire.body(asked, "served", extensions=False) and "stop" not in wire.body(
        request("a"), "m", extensions=True
    )
    choice = {"index": 0, "message": {"content": "x"}, "finish_reason": "stop", **said}
    answer = {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    assert wire.read(asked, json.dumps(answer).encode(), "served", None).finish_reason == reason


@pytest.mark.parametrize("count", [-1, 1.9, True, "7", float("inf"), 10**400, 2**31])
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_what_is_no_count_of_tokens_is_not_stored(name: str, count: Any) -> None:
    with pytest.raises(Fault, match=r"as a count of tokens \(usage\)") as fault:
        answered({"content": "x"}, usage={"prompt_tokens": 7, "completion_tokens": 3, name: count})
    assert not fault.value.passing and len(str(fault.value)) < 200


@pytest.mark.parametrize("count", [-1, 8, True, 10**400])
def test_a_wrong_count_of_cached_tokens_counts_as_none(count: Any) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": count}}
    assert answered({"content": "x"}, usage=usage).cached_tokens == 0


@pytest.mark.parametrize("name", ["served", "served-2026-11-29", "served-0613", None, ""])
def test_the_model_that_answered_is_noted(name: str | None) -> None:
    assert answered({"content": "x"}, model=name).served_by == (name or None)


@pytest.mark.parametrize("name", ["other", "served-mini", "Served", "served-3", 7, ["served"], "x" * 9999])
def test_an_answer_of_another_model_is_refused(name: Any) -> None:
    with pytest.raises(
        Fault, match=r"a generation of the model .*, where 'served' was asked for; start the server"
    ) as fault:
        answered({"content": "x"}, model=name)
    assert not fault.value.passing and len(str(fault.value)) < 400


def test_an_adapter_answers_by_its_own_name() -> None:
    asked = request("a", adapter=Adapter("mine", ""))
    assert answered({"content": "x"}, asked=asked, model="mine").served_by == "mine"
    with pytest.raises(Fault, match="where 'mine' was asked for"):
        answered({"content": "x"}, asked=asked, model="served")


def test_a_form_that_took_the_reasoning_away_is_noticed() -> None:
    with pytest.raises(Fault, match="--reasoning-parser qwen3") as fault:
        answered({"content": ANSWER}, asked=request("a", **FORM))
    assert not fault.value.passing
    silent = GREEDY._replace(template_options={"enable_thinking": False})
    assert answered({"content": ANSWER}, asked=request("a", silent, **FORM)).text == ANSWER


@pytest.mark.parametrize("after", [ANSWER, f"\n\n{ANSWER}", json.dumps(json.loads(ANSWER), indent=2)])
def test_an_answer_of_the_form_is_taken(after: str) -> None:
    assert answered({"content": after, "reasoning": "why"}, asked=request("a", **FORM)).text.endswith(after.lstrip())
    assert answered({"content": f"<think>\nwhy\n</think>{after}"}, asked=request("a", **FORM)).text.endswith(after)


@pytest.mark.parametrize("after", ["[]", ANSWER[:-1], f"Sure: {ANSWER}", ANSWER.replace("14", "15")])
def test_a_form_that_the_server_passed_over_is_noticed(after: str) -> None:
    with pytest.raises(Fault, match=r"without the form that decoding\.structured asks for") as fault:
        answered({"content": after, "reasoning": "why"}, asked=request("a", **FORM))
    assert not fault.value.passing
    with pytest.raises(Fault, match=r"without the form that decoding\.structured asks for"):
        answered({"content": "", "reasoning": "no answer"}, asked=request("a", **FORM))
    assert answered({"content": after, "reasoning": "why"}, "length", asked=request("a", **FORM)).finish_reason == "length"


def test_an_answer_by_the_schema_becomes_the_list_that_the_prompt_asks_for() -> None:
    """OpenAI takes no schema whose root is a list; the names that it gives the objects are not the model's."""
    rows = [{"id": 1, "activity": "eating (alone)"}, {"id": 2, "activity": 3}]
    by_schema = dict(zip(FORM["schema"]["required"], rows, strict=True))
    made = answered({"content": json.dumps(by_schema), "reasoning": "why"}, asked=request("a", **FORM))
    assert json.loads(made.text.rpartition("</think>")[2]) == rows
    assert answered({"content": json.dumps(by_schema)}).text == json.dumps(by_schema), "nobody asked for that form"


# What is sent


def sent(asked: Request, *, extensions: bool = True) -> dict[str, Any]:
    """What really reaches the server."""
    with FailingServer() as server:
        list(open_engine(config(server.url, extensions=extensions), MODEL).generate([asked]))
    return server.bodies[0]


def test_everything_that_shapes_a_generation_is_sent() -> None:
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
    assert "grammar" not in body  # llama.cpp would apply it to the reasoning too
    at_once = special._replace(template_options={"enable_thinking": False})
    assert wire.body(request("a", at_once, **FORM), "served", extensions=True)["grammar"] == FORM["grammar"]
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
        (
            GREEDY._replace(template_options={"enable_thinking": True, "reasoning_effort": "low"}),
            "model.chat_template_kwargs has reasoning_effort, and OpenAI's own API takes no options of a chat template",
        ),
        (SAMPLED, "model.sampling.top_k is 20, which OpenAI's own API does not support; set model.sampling.top_k=0, or"),
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
