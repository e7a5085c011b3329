"""What a run was: model, data, settings, engine, cost, in words. Only what its directory says; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from har_llm.common.numbers import counted

Facts = list[tuple[str, str]]
"""What is meant, and what it is."""


def label(scores: Mapping[str, Any]) -> str:
    """ "synthetic home, synthetic model; partial: first 5 windows only", or nothing."""
    parts = [scores["provenance"]] if scores["provenance"] else []
    if scores["partial"]:
        parts.append(f"partial: first {scores['limit']} windows only")
    return "; ".join(parts)


def facts(scores: Mapping[str, Any], environment: Mapping[str, Any]) -> Facts:
    """Everything that somebody else would need to know to place the scores, in reading order."""
    found = [
        ("model", _model(scores, environment["model"])),
        ("adapter", _adapter(scores["adapter"])),
        ("data", _data(scores)),
        *((name, _choice(scores.get("choices", {}).get(name))) for name in ("split", "window", "prompt")),
        ("generation", _generation(scores)),
        *(("engine", engine) for engine in sorted({_engine(about) for about in environment["generated_by"]})),
        ("code", _code(environment)),
        ("cost", _cost(scores, environment)),
    ]
    return [(name, text) for name, text in found if text]


def _model(scores: Mapping[str, Any], identity: Mapping[str, Any]) -> str:
    local = identity["id"] == "local"
    place = f"folder {PurePath(scores['model_id']).name}" if local else scores["model_id"]
    parts = [f"{place} at {_short(identity['revision'])}"]
    if scores["parameters"]:
        parts.append(f"{_size(scores['parameters'])} parameters")
    parts.append(identity["dtype"])
    parts += _settings(identity, "id", "revision", "dtype", "adapter", "script", "text", "finish_reason")
    return f"{scores['model']}: {', '.join(parts)}"


def _adapter(adapter: Mapping[str, Any] | None) -> str:
    if adapter is None:
        return ""
    text = f"{adapter['label']}: {adapter['id']} at {_short(adapter['revision'])}"
    if taught := adapter.get("taught"):
        text += f", taught by {taught['teacher']} on {'all ' if taught['all_sessions'] else ''}"
        text += f"{counted(taught['sessions'], 'session')} ({counted(taught['windows'], 'window')}) of {taught['dataset']}"
        text += "; gold activities chose the examples" if taught["uses_gold"] else ""
    return text


def _data(scores: Mapping[str, Any]) -> str:
    counts = ", ".join(counted(scores[f"{name}s"], name) for name in ("session", "window", "event"))
    return f"{scores['dataset']}, {scores['part']} part: {counts}"


def _choice(choice: Mapping[str, Any] | None) -> str:
    """ "fixed windows, events 10, min_events 1" of a component's kind and settings."""
    if choice is None:
        return ""
    kind = " ".join(re.findall(r"[A-Z]+[^A-Z]*", choice["kind"])).lower() or choice["kind"]
    return ", ".join([kind, *_settings(choice, "kind", "part")])


def _generation(scores: Mapping[str, Any]) -> str:
    settings = _settings(scores.get("choices", {}).get("generation", {}))
    texts = f"{counted(scores['samples'], 'text')} per window"
    return ", ".join([f"decoding {scores['decoding']}", texts, f"seed {scores['seed']}", *settings])


def _settings(choice: Mapping[str, Any], *left_out: str) -> Iterator[str]:
    """The short ones, as "name value"."""
    for name, value in choice.items():
        if name not in left_out and value is not None and not isinstance(value, list | dict):
            shown = {True: "on", False: "off"}[value] if isinstance(value, bool) else value
            yield f"{name} {shown}"


def _engine(about: Mapping[str, Any]) -> str:
    name = str(about.get("engine", "unknown")).removesuffix("Engine")
    versions = ", ".join(f"{library} {version}" for library, version in about.get("versions", {}).items())
    hardware = f" on {about['hardware']}" if about.get("hardware") else ""
    return f"{name}{hardware}" + (f" ({versions})" if versions else "")


def _code(environment: Mapping[str, Any]) -> str:
    commit = environment["code"]
    state = f" at {_short(commit)}" if commit else ""
    return f"har_llm {environment['har_llm']}{state}, Python {environment['python']}"


def _cost(scores: Mapping[str, Any], environment: Mapping[str, Any]) -> str:
    windows, seconds = scores["windows"], environment["engine_seconds"]
    tokens = [environment[name] / windows for name in ("prompt_tokens", "completion_tokens")]
    each = f"{tokens[0]:,.0f} prompt tokens, {tokens[1]:,.0f} written tokens, {seconds / windows:.2f} s per window"
    return f"{each}; {seconds:,.1f} s of the engine in all"


def _size(parameters: int) -> str:
    for unit, name in ((10**9, "billion"), (10**6, "million")):
        if parameters >= unit:
            return f"{parameters / unit:.1f} {name}"
    return f"{parameters:,}"


def _short(revision: str) -> str:
    """A commit's first digits, as git shows them; any other version whole."""
    return re.sub(r"\b([0-9a-f]{10})[0-9a-f]{20,}\b", r"\1", revision)
