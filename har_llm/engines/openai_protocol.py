"""What is sent to a chat completions server for a request, and what its answer says. Imports no library."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from har_llm.common.errors import EngineError
from har_llm.engines.base import Generation, Request

FINISH = {
    "stop": "stop",
    "length": "length",
    "repetition": "repetition",
    # The server cut the text: not the model's own end, so what is missing counts as truncated.
    "content_filter": "length",
}
"""Our finish reasons by the server's. Whatever else ends a text is a fault, so that it never counts as finished."""
TOOLS = ("tool_calls", "function_call")
REASONING = ("reasoning", "reasoning_content")
"""Where servers put the reasoning that they have split off: vLLM the first, SGLang, llama.cpp and others the second."""
COUNTED_OTHERWISE = 16
"""Servers differ by a few tokens in where they cut and in whether they count the end of a turn."""
LONGEST_QUOTED = 2000
"""Most of a server's words that is kept; less is shown, but never with half a key that was cut off."""


class Fault(Exception):
    """Why a request got no text; `passing` when the same request may get one later."""

    def __init__(self, words: str, *, passing: bool, timed_out: bool = False, retry_after: float | None = None):
        super().__init__(words)
        self.passing = passing
        self.timed_out = timed_out
        self.retry_after = retry_after
        """How long the server asks to be left alone, in seconds."""


def refuse_unsendable(request: Request) -> None:
    """Without extensions, some ways of drawing a text cannot be asked for. Raises EngineError, before anything is sent."""
    sampling, decoding = request.decoding.sampling, request.decoding
    unknown = {
        "model.sampling.top_k": 0 if sampling.greedy else sampling.top_k,
        "model.sampling.min_p": 0 if sampling.greedy else sampling.min_p,
        "decoding.thinking_token_budget": decoding.thinking_token_budget or 0,
        "decoding.repetition_min_count": decoding.repetition_detection[0] if decoding.repetition_detection else 0,
    }
    for name, value in unknown.items():
        if value:
            off = "0" if name.startswith("model") else "null"
            raise EngineError(
                f"{name} is {value}, which OpenAI's own API has no word for; set {name}={off}, or engine.extensions=true "
                f"for a server that understands it (vLLM)."
            )


def body(request: Request, model: str, *, extensions: bool) -> dict[str, Any]:
    """The JSON that asks for the request's text, from the model that the server calls by this name."""
    sampling = request.decoding.sampling
    made: dict[str, Any] = {
        "model": model if request.adapter is None else request.adapter.name,
        "messages": [dict(message) for message in request.messages],
        "temperature": sampling.temperature,
    }
    if not sampling.greedy:
        made["seed"] = request.seed
    return made | (_extended(request) if extensions else _plain(request))


def _plain(request: Request) -> dict[str, Any]:
    sampling = request.decoding.sampling
    made: dict[str, Any] = {"max_completion_tokens": sampling.max_new_tokens}
    if not sampling.greedy and sampling.top_p < 1:  # 1 is OpenAI's default, and its reasoning models refuse to be told
        made["top_p"] = sampling.top_p
    if request.schema is not None:
        schema = {"name": "answer", "schema": dict(request.schema), "strict": True}
        made["response_format"] = {"type": "json_schema", "json_schema": schema}
    return made


def _extended(request: Request) -> dict[str, Any]:
    """Everything is said, also what is off: a server takes what is left open from a file of the model."""
    decoding, sampling = request.decoding, request.decoding.sampling
    greedy = sampling.greedy
    made: dict[str, Any] = {
        "max_tokens": sampling.max_new_tokens,
        "top_p": 1.0 if greedy else sampling.top_p,
        "top_k": -1 if greedy or not sampling.top_k else sampling.top_k,  # -1 is off everywhere; 0 is refused by SGLang
        "min_p": 0.0 if greedy else sampling.min_p,
        "repetition_penalty": 1.0,
        "chat_template_kwargs": dict(decoding.template_options),
        "skip_special_tokens": False,  # the marks around the reasoning may be such
        "spaces_between_special_tokens": False,
    }
    if decoding.thinking_token_budget is not None:
        made["thinking_token_budget"] = decoding.thinking_token_budget
    if decoding.repetition_detection is not None:
        count, longest = decoding.repetition_detection
        made["repetition_detection"] = {"min_count": count, "max_pattern_size": longest, "min_pattern_size": 1}
    if request.pattern is not None:
        made |= {"structured_outputs": {"regex": request.pattern}, "regex": request.pattern}  # for vLLM, and for SGLang
    return made


def read(request: Request, content: bytes, context: int | None) -> Generation:
    """The server's answer as a generation, its time not yet known; `context` is the model's as we have it. Raises Fault."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        raise Fault(f"an answer that is no JSON: {_beginning(content)}", passing=True) from None
    try:
        (choice,) = answer["choices"]
        message, reason = choice["message"], choice["finish_reason"]
        text = _text(message)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise Fault(f"an answer that is no chat completion: {_beginning(content)}", passing=True) from None
    if reason in TOOLS:
        raise Fault("a call of a tool in place of a text; start the server without a tool parser", passing=False)
    if not isinstance(reason, str) or reason not in FINISH:
        raise Fault(f"a text that is not finished (finish_reason is {reason!r})", passing=True)
    if reason == "stop":
        _check_form(request, text)
    prompt_tokens, tokens = _usage(answer)
    _check_room(request, reason, prompt_tokens, tokens, context)
    return Generation(request.key, text, FINISH[reason], prompt_tokens, tokens, seconds=0.0, cached_tokens=_cached(answer))


def _text(message: Mapping[str, Any]) -> str:
    """The text as the model wrote it: reasoning that the server has split off is put back.

    Whether the model itself began with <think> is lost then; no reading depends on it.
    """
    content = message.get("content")
    reasoning = next((message[name] for name in REASONING if message.get(name)), None)
    if not all(part is None or isinstance(part, str) for part in (content, reasoning)):
        raise TypeError
    if reasoning is None:
        return content or message.get("refusal") or ""
    if not content:  # never closed: cut short in its reasoning, or ended there without an answer
        return f"<think>\n{reasoning.lstrip(chr(10))}"
    # With exactly the line ends of Qwen3's own texts, whether the server has kept them or not.
    return f"<think>\n{reasoning.strip(chr(10))}\n</think>\n\n{content.lstrip(chr(10))}"


def _check_form(request: Request, text: str) -> None:
    """Servers pass over in silence what they do not understand, and one that does not know where the reasoning ends
    lets the form of the answer begin at once. Raises Fault for both.
    """
    if request.pattern is None:
        return
    _, closed, answer = text.rpartition("</think>")
    if not closed and request.decoding.template_options.get("enable_thinking", False):
        raise Fault(
            "an answer without the reasoning that model.thinking asks for, because its form began at once; start the server "
            "with a reasoning parser (vLLM: --reasoning-parser qwen3), or set model.thinking=false",
            passing=False,
        )
    if not re.fullmatch(request.pattern, _spaced(answer)):
        raise Fault(
            "an answer that has not the form that decoding.structured asks for, which the server seems not to understand; "
            "try the other value of engine.extensions, or set decoding=plain",
            passing=False,
        )


def _spaced(answer: str) -> str:
    """An answer in JSON with the blanks of Python's own JSON, which are those of the pattern."""
    try:
        return json.dumps(json.loads(answer))
    except (ValueError, RecursionError):
        return answer


def _check_room(request: Request, reason: str, prompt_tokens: int, tokens: int, context: int | None) -> None:
    """A server cuts texts at its own context without a word. Raises Fault where that is not the model's as we have it."""
    most = request.decoding.sampling.max_new_tokens
    if context is not None:
        most = min(most, context - prompt_tokens)
    if reason == "length" and tokens < most - COUNTED_OTHERWISE:
        raise Fault(
            f"a text cut after {tokens} tokens, where {most} were allowed: the server's context is only about "
            f"{prompt_tokens + tokens} tokens; give it more (vLLM: --max-model-len), or set model.context to it",
            passing=False,
        )
    if tokens > most + COUNTED_OTHERWISE:
        raise Fault(
            f"a text of {tokens} tokens after a prompt of {prompt_tokens}, where model.sampling.max_new_tokens and "
            f"model.context allow {most}; raise what is too small",
            passing=False,
        )


def _usage(answer: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens of the prompt and of the text. Without them a run could not say what it took; 0 would be untrue."""
    try:
        prompt, completion = answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]
        return int(prompt), int(completion)
    except (LookupError, TypeError, ValueError):
        raise Fault("an answer that does not count its tokens (usage), as chat completions do", passing=False) from None


def _cached(answer: Mapping[str, Any]) -> int:
    details = answer["usage"].get("prompt_tokens_details")
    count = details.get("cached_tokens") if isinstance(details, Mapping) else None
    return count if type(count) is int else 0


def _beginning(content: bytes) -> str:
    return content[:LONGEST_QUOTED].decode("utf-8", errors="replace") or "nothing"
