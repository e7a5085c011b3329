"""The JSON that is sent to a chat completions server, and how its response is parsed. Imports no library."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from har_llm.common.errors import EngineError
from har_llm.engines.base import Generation, Request
from har_llm.models.config import OWN_OPTIONS
from har_llm.models.reasoning import PUBLISHED, Marks, split_reasoning

FINISH = {
    "stop": "stop",
    "length": "length",
    "repetition": "repetition",
    # The server cut the generation, so what is missing counts as truncated.
    "content_filter": "length",
}
"""The server's finish reasons -> ours. Any other one is a fault, so that the generation never counts as finished."""
TOOLS = ("tool_calls", "function_call")
REASONING = ("reasoning", "reasoning_content")
"""Fields for reasoning that the server has split off: vLLM uses the first, SGLang, llama.cpp and others the second."""
STOPPED_AT = ("stop_reason", "matched_stop")
"""Fields for what ended a generation: in vLLM, and in SGLang."""
DATED = r"-[0-9-]{4,}"
"""The end of the name of a model's version: OpenAI's gpt-4o answers as gpt-4o-2024-08-06."""
LONGEST_NAME = 100
MOST_TOKENS = 2**31 - 1
"""No prompt or generation has more, and a larger number would be refused when it is read back."""
COUNTED_OTHERWISE = 16
"""Tolerance in tokens: servers differ slightly in where they cut and in whether they count the end of a turn."""
LONGEST_QUOTED = 2000
"""Most bytes of a response that are quoted. Less is shown; this limit is larger so that it cannot cut a key in half."""


class Fault(Exception):
    """Why a request got no generation. `passing`: the same request may succeed later."""

    def __init__(self, words: str, *, passing: bool, timed_out: bool = False, retry_after: float | None = None):
        super().__init__(words)
        self.passing = passing
        self.timed_out = timed_out
        self.retry_after = retry_after
        """Seconds to wait before the next request, as the server asks."""


def refuse_unsendable(request: Request) -> None:
    """Raise EngineError for decoding that cannot be requested without extensions."""
    sampling, decoding = request.decoding.sampling, request.decoding
    options = sorted(decoding.template_options.keys() - {*OWN_OPTIONS})
    if options:
        raise EngineError(
            f"model.chat_template_kwargs has {', '.join(options)}, and OpenAI's own API takes no options of a chat "
            f"template; leave them out (engine.extra_args hands on fields of its own, such as reasoning_effort), or set "
            f"engine.extensions=true for a server that supports them (vLLM)."
        )
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
                f"{name} is {value}, which OpenAI's own API does not support; set {name}={off}, or set "
                f"engine.extensions=true for a server that supports it (vLLM)."
            )


def body(request: Request, model: str, *, extensions: bool) -> dict[str, Any]:
    """The JSON body of a request. `model` is the model's name on the server."""
    sampling = request.decoding.sampling
    made: dict[str, Any] = {
        "model": asked_model(request, model),
        "messages": [dict(message) for message in request.messages],
        "temperature": sampling.temperature,
    }
    if not sampling.greedy:
        made["seed"] = request.seed
    return made | (_extended(request) if extensions else _plain(request))


def _plain(request: Request) -> dict[str, Any]:
    sampling = request.decoding.sampling
    made: dict[str, Any] = {"max_completion_tokens": sampling.max_new_tokens}
    if not sampling.greedy and sampling.top_p < 1:  # 1 is OpenAI's default, and its reasoning models refuse the field
        made["top_p"] = sampling.top_p
    if request.schema is not None:
        schema = {"name": "answer", "schema": dict(request.schema), "strict": True}
        made["response_format"] = {"type": "json_schema", "json_schema": schema}
    return made


def _extended(request: Request) -> dict[str, Any]:
    """Every setting is sent, also one that is off, because servers take missing ones from the model's files."""
    decoding, sampling = request.decoding, request.decoding.sampling
    greedy = sampling.greedy
    made: dict[str, Any] = {
        "max_tokens": sampling.max_new_tokens,
        "top_p": 1.0 if greedy else sampling.top_p,
        "top_k": -1 if greedy or not sampling.top_k else sampling.top_k,  # -1 is off everywhere; 0 is refused by SGLang
        "min_p": 0.0 if greedy else sampling.min_p,
        "repetition_penalty": 1.0,
        "chat_template_kwargs": dict(decoding.template_options),
        "skip_special_tokens": False,  # the marks of reasoning may be special tokens
        "spaces_between_special_tokens": False,
    }
    if decoding.thinking_token_budget is not None:
        made["thinking_token_budget"] = decoding.thinking_token_budget
    if decoding.repetition_detection is not None:
        count, longest = decoding.repetition_detection
        made["repetition_detection"] = {"min_count": count, "max_pattern_size": longest, "min_pattern_size": 1}
    if request.stop:
        made["stop"] = list(request.stop)
    if request.pattern is not None:
        made |= {"structured_outputs": {"regex": request.pattern}, "regex": request.pattern}  # for vLLM, and for SGLang
        if not decoding.template_options.get("enable_thinking"):
            made["grammar"] = request.grammar  # for llama.cpp, which would apply it to the reasoning too
    return made


def read(request: Request, content: bytes, model: str, context: int | None, marks: Marks = PUBLISHED) -> Generation:
    """The generation in a server's response, with 0 seconds. `model`: its name on the server. `context`, `marks`: of the
    model, as far as we know. Raises Fault."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        raise Fault(f"a response that is not JSON: {_beginning(content)}", passing=True) from None
    try:
        (choice,) = answer["choices"]
        message, reason = choice["message"], choice["finish_reason"]
        text = _text({**message, "content": _listed(request, message.get("content"))}, marks)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise Fault(f"a response that is not a chat completion: {_beginning(content)}", passing=True) from None
    if reason in TOOLS:
        raise Fault("a tool call instead of a generation; start the server without a tool parser", passing=False)
    if not isinstance(reason, str) or reason not in FINISH:
        raise Fault(f"an unfinished generation (finish_reason is {reason!r})", passing=True)
    if reason == "stop":
        _check_form(request, text, marks)
    prompt_tokens, tokens = _usage(answer)
    _check_room(request, reason, prompt_tokens, tokens, context)
    return Generation(
        request.key,
        text,
        _ended_by(choice, request),
        prompt_tokens,
        tokens,
        seconds=0.0,
        cached_tokens=_cached(answer),
        served_by=_served_by(answer, asked_model(request, model)),
    )


def asked_model(request: Request, model: str) -> str:
    """The name on the server of what is asked for: the model, or an adapter."""
    return model if request.adapter is None else request.adapter.name


def _served_by(answer: Mapping[str, Any], asked: str) -> str | None:
    """The model that answered, by its own account; None where the server does not say. Raises Fault for another one: some
    servers answer with the model that they have, whatever they are asked for."""
    name = answer.get("model")
    if not name:
        return None
    if not isinstance(name, str) or (name != asked and not re.fullmatch(re.escape(asked) + DATED, name)):
        raise Fault(
            f"a generation of the model {str(name)[:LONGEST_NAME]!r}, where {asked!r} was asked for; start the server with "
            f"that name (vLLM: --served-model-name, llama.cpp: --alias), or set model.id to the server's",
            passing=False,
        )
    return name


def _ended_by(choice: Mapping[str, Any], request: Request) -> str:
    """Our finish reason. vLLM and SGLang say at which stop string a generation ended."""
    return "ran_on" if any(choice.get(name) in request.stop for name in STOPPED_AT) else FINISH[choice["finish_reason"]]


def _text(message: Mapping[str, Any], marks: Marks) -> str:
    """The text as the model wrote it: reasoning that the server has split off is put back in front.

    Which marks it had, and whether the model itself began with one, is then unknown; parsing does not depend on it.
    """
    content = message.get("content")
    reasoning = next((message[name] for name in REASONING if message.get(name)), None)
    if not all(part is None or isinstance(part, str) for part in (content, reasoning)):
        raise TypeError
    if reasoning is None:
        return content or message.get("refusal") or ""
    opening, closing = marks.pairs[0]
    if not content:  # the reasoning was never closed: it was cut, or the model ended without an answer
        return f"{opening}\n{reasoning.lstrip(chr(10))}"
    # With exactly the line breaks that Qwen3 writes, whether the server has kept them or not.
    return f"{opening}\n{reasoning.strip(chr(10))}\n{closing}\n\n{content.lstrip(chr(10))}"


def _listed(request: Request, content: Any) -> Any:
    """The answer as a list, if it has the form of the schema, whose root is an object because OpenAI takes no other."""
    if request.schema is None or not isinstance(content, str):
        return content
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return content
    whole = isinstance(answer, dict) and list(answer) == request.schema["required"]
    return json.dumps(list(answer.values()), ensure_ascii=False) if whole else content


def _check_form(request: Request, text: str, marks: Marks) -> None:
    """Raise Fault for an answer without the form that was requested. Servers silently ignore what they do not support, and
    one that does not know where the reasoning ends applies the form to the reasoning too.
    """
    if request.pattern is None:
        return
    thinking = bool(request.decoding.template_options.get("enable_thinking"))
    _, answer = split_reasoning(text, thinking=thinking, marks=marks)
    formed = re.fullmatch(request.pattern, _spaced(text if answer is None else answer))
    if answer is None and thinking and formed:
        raise Fault(
            "an answer without the reasoning that model.thinking asks for, because the server applied the answer's form "
            "from the start; start it with a reasoning parser (vLLM: --reasoning-parser qwen3), or set model.thinking=false",
            passing=False,
        )
    if not formed:
        raise Fault(
            "an answer without the form that decoding.structured asks for, which the server seems to ignore; try the other "
            "value of engine.extensions, or set decoding=plain",
            passing=False,
        )


def _spaced(answer: str) -> str:
    """A JSON answer with the spaces that Python's json writes, as the pattern has them."""
    try:
        return json.dumps(json.loads(answer), ensure_ascii=False)
    except (ValueError, RecursionError):
        return answer


def _check_room(request: Request, reason: str, prompt_tokens: int, tokens: int, context: int | None) -> None:
    """Raise Fault where a server's limits differ from the settings: it cuts generations at its own context silently."""
    most = request.decoding.sampling.max_new_tokens
    if context is not None:
        most = min(most, context - prompt_tokens)
    if reason == "length" and tokens < most - COUNTED_OTHERWISE:
        raise Fault(
            f"a generation cut after {tokens} tokens, where {most} were allowed: the server's context is only about "
            f"{prompt_tokens + tokens} tokens; give it more (vLLM: --max-model-len), or set model.context to it",
            passing=False,
        )
    if tokens > most + COUNTED_OTHERWISE:
        raise Fault(
            f"a generation of {tokens} tokens after a prompt of {prompt_tokens}, where model.sampling.max_new_tokens and "
            f"model.context allow {most}; raise the one that is too small",
            passing=False,
        )


def _usage(answer: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens of the prompt and of the generation. Raises Fault without them: 0 would be wrong in a run's totals."""
    try:
        counts = answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]
    except (LookupError, TypeError):
        counts = None, None
    if None in counts:
        raise Fault("a response without token counts (usage), which chat completions have", passing=False)
    for count in counts:
        if type(count) is not int or not 0 <= count <= MOST_TOKENS:
            raise Fault(f"a response with {str(count)[:LONGEST_NAME]} as a count of tokens (usage)", passing=False)
    return counts


def _cached(answer: Mapping[str, Any]) -> int:
    details = answer["usage"].get("prompt_tokens_details")
    count = details.get("cached_tokens") if isinstance(details, Mapping) else None
    return count if type(count) is int and 0 <= count <= answer["usage"]["prompt_tokens"] else 0


def _beginning(content: bytes) -> str:
    return content[:LONGEST_QUOTED].decode("utf-8", errors="replace") or "nothing"
