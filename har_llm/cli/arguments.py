"""What was typed, made ready for Hydra: slips are answered in our words, and text that its grammar cannot read is quoted."""

from __future__ import annotations

import re
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import PurePath
from typing import Any

from har_llm.cli.launchers import check_launcher
from har_llm.cli.option_classes import chosen_by_default, class_of, meant_by, nearly_meant
from har_llm.cli.options import options
from har_llm.cli.typed import FILES, MULTIRUN, PATH, Setting, Typed, is_field, is_open, taken_apart
from har_llm.common.errors import ConfigError
from har_llm.common.paths import expanded
from har_llm.common.text import nearest, suggestion

QUOTED = re.compile(r"'.*'|\".*\"", re.DOTALL)
SWEEPS = re.compile(r"(choice|range|interval|glob|sort|shuffle|tag)\(")
"""The functions by which Hydra makes a sweep."""
TYPOGRAPHIC = "“”„‘’«»"
"""Quotes that word processors make."""
BETWEEN = re.compile(r"( *[;,] *| +)(?=[\w./]+=)")
"""What stands between two settings in one pair of quotes."""
OF_FINISHED_RUNS = ("runs", "report", "compare", "sync")
"""Tasks."""
OF_A_RUN = ("dataset", "window", "split", "model", "prompt", "engine", "decoding", "lora", "limit", "seed")
"""Settings that make a run what it is."""
MOST_OTHERS = 6
"""Options that are named as those which have a setting."""


def read_arguments(arguments: Sequence[str]) -> list[str]:
    """The arguments for Hydra: flags first, then the settings with their values quoted where its grammar needs it.

    It accepts -m only before or after all settings.

    Raises ConfigError for what is no flag, setting or option, and for several values without -m.
    """
    names = options(arguments)
    typed = taken_apart(arguments, names)
    for key, count in Counter(one.key for one in typed.settings).items():
        if count > 1:
            last = next(one.argument for one in reversed(typed.settings) if one.key == key)
            print(f"note: {key} is given {count} times; the last one counts, {last}.", file=sys.stderr)
    experiments = [one for one in typed.settings if one.key == "experiment"]
    if any(one.value == "null" for one in experiments):
        # Hydra takes no null for a group, though conf/config.yaml writes it where none of its options is chosen.
        chosen = experiments[-1]
        kept = [one for one in typed.settings if one.key != "experiment" or (one is chosen and chosen.value != "null")]
        typed = typed._replace(settings=kept)
    sweeps = _sweeps(typed)
    if typed.has_own_conf:
        names = {}  # what is a group there is not known
    else:
        check_launcher(typed.others, sweeps=sweeps)
        _check(typed, names, sweeps=sweeps)
        if {*typed.flags} <= {*MULTIRUN}:
            _note_unused(typed.settings)
    return [*typed.flags, *(_ready(one, names, sweeps=sweeps) for one in typed.settings), *typed.others]


def _note_unused(settings: Sequence[Setting]) -> None:
    """Say what chooses none of the finished runs that a task is about, though it looks like it."""
    task = next((one.value for one in reversed(settings) if one.key == "task"), None)
    unused = [one.argument for one in settings if one.name.partition(".")[0] in OF_A_RUN]
    if task in OF_FINISHED_RUNS and unused and not any("${" in one.value for one in settings):
        print(
            f"note: task={task} is about finished runs, and {', '.join(unused)} chooses none of them; name them, as in "
            f"'runs=[marble-*]'.",
            file=sys.stderr,
        )


def _sweeps(typed: Typed) -> bool:
    """Whether several values make several jobs, or may do: what an experiment says is only read when it is composed."""
    asked = any(flag in MULTIRUN for flag in typed.flags) or any(one.startswith("hydra.mode=") for one in typed.others)
    return asked or typed.has_own_conf or any(one.name == "experiment" for one in typed.settings)


def _check(typed: Typed, names: Mapping[str, Sequence[str]], *, sweeps: bool) -> None:
    """Raise ConfigError for a group, an option or a setting that there is not."""
    values = {one.key: one.value for one in typed.settings}
    for one in typed.settings:
        if one.name in names:
            _check_option(one, names[one.name], sweeps=sweeps)
        else:
            _check_no_option(one.name, names)
            _check_known(one, names, values)
    if not any(_chooses_others(one, names) for one in typed.settings):
        _check_chosen(typed.settings, names)


def _chooses_others(setting: Setting, names: Mapping[str, Sequence[str]]) -> bool:
    """Whether options of other groups may come with this one: it is of a group that is empty by default, or a user's own."""
    return setting.name in names and chosen_by_default().get(setting.name, "null") == "null"


def _ready(setting: Setting, names: Mapping[str, Sequence[str]], *, sweeps: bool) -> str:
    """The setting as Hydra reads it."""
    value = setting.value.strip()
    if setting.name in names:
        return setting.argument
    if setting.name == "runs" and value and not value.startswith("[") and not sweeps:
        return f"runs=[{_quoted(value)}]"
    as_text = f"{setting.added}{setting.key}={_quoted(value)}"
    if PATH.fullmatch(setting.name) and not _as_it_is(value, sweeps=sweeps):
        return as_text
    parsed = _parsed(setting.argument)
    if parsed is None:
        return as_text
    if parsed.is_sweep_override() and not sweeps:
        raise ConfigError(
            f"{setting.key} is {value}: several values are a sweep; add -m. A value that has a comma is written in two "
            f"pairs of quotes: {setting.key}=\"'{value}'\"."
        )
    return setting.argument


def _check_no_option(name: str, names: Mapping[str, Sequence[str]]) -> None:
    for group, its in names.items():
        if name in its and "/" not in group and not is_field(name):
            raise ConfigError(f"{name} is an option of {group}; write {group}={name}.")


def _check_known(setting: Setting, names: Mapping[str, Sequence[str]], typed: Mapping[str, str]) -> None:
    from har_llm.common.schema import meant
    from har_llm.config.read import check_known

    if "/" in setting.name:
        near = suggestion(setting.name, names)
        raise ConfigError(f"{setting.name} is no group of options; it must be one of {', '.join(names)}.{near}")
    if setting.added:
        return
    try:
        check_known(setting.name.partition(".")[0])
    except ConfigError as error:
        asks = "?" in str(error)
        near = meant(meant_by(setting.name, typed)) or ("" if asks else meant(nearly_meant(setting.name, typed)))
        near = near or ("" if asks else suggestion(setting.name, names))
        if not near:
            raise
        raise ConfigError(f"{setting.name} is not a setting.{near}") from None


def _check_chosen(settings: Sequence[Setting], names: Mapping[str, Sequence[str]]) -> None:
    """Refuse a setting that the chosen option lacks where others of its group have it: they were forgotten, or mixed up."""
    typed = {one.key: one.value for one in settings}
    if (id := typed.get("model.id")) is not None and "model" not in typed:
        raise ConfigError(f"model.id is {id!r}, but no model is chosen that it is of; add model=custom.")
    default = chosen_by_default()
    for one in settings:
        group, _, rest = one.name.partition(".")
        option = typed.get(group) or default.get(group)
        field = rest.partition(".")[0]
        if one.added or not field or option is None or _has(class_of(group, option), field) is not False:
            continue
        if others := [name for name in names.get(group, ()) if _has(class_of(group, name), field)]:
            if (group, field) == ("dataset", "path") and "dataset" in typed:
                rule = "the files of a public dataset are looked for in its own folder below paths.data (HAR_LLM_DATA)"
                raise ConfigError(f"dataset.path is not a setting of dataset={option}; {rule}.")
            several = ", ".join(f"{group}={name}" for name in others[:MOST_OTHERS])
            more = ", ..." if len(others) > MOST_OTHERS else ""
            raise ConfigError(
                f"{group}.{field} is not a setting of {group}={option}, which is chosen; it is one of {several}{more}. "
                f"Choose what you mean, as in {group}=NAME."
            )


def _has(kind: type | None, field: str) -> bool | None:
    """Whether a class of settings has this one; None where that is not known."""
    return None if kind is None or hasattr(kind, "ADVICE") else any(one.name == field for one in fields(kind))


def _check_option(setting: Setting, names: Sequence[str], *, sweeps: bool) -> None:
    value = setting.value
    if setting.added and not setting.package and setting.name in chosen_by_default():
        raise ConfigError(f"{setting.argument} adds a second option of {setting.name}; write it without '+'.")
    if is_open(value):
        raise ConfigError(f"{setting.key} is {value!r}, a list without its end; it is written as in {setting.key}=[a,b].")
    if SWEEPS.match(value) or value.startswith("["):
        return
    if BETWEEN.search(value):
        each = f"{setting.key}={BETWEEN.sub(' ', value)}"
        raise ConfigError(f"{setting.key} is {value!r}; settings are written with blanks between them, unquoted: {each}.")
    if value.strip(TYPOGRAPHIC) != value:
        raise ConfigError(f"{setting.argument} has quotes that a shell does not know; type ' or \" in their place.")
    chosen = [one.strip() for one in value.split(",")]
    if len(chosen) > 1 and "" in chosen:
        raise ConfigError(f"{setting.key} is {value!r}: a comma has nothing beside it; write as in {setting.key}=a,b.")
    for one in chosen:
        _require_option(setting.key, one, names)
    if len(chosen) > 1 and setting.name == "experiment":
        raise ConfigError(f"experiment is {value}; each is a sweep of its own, so run one after the other.")
    if len(chosen) > 1 and not sweeps:
        raise ConfigError(f"{setting.key} is {value}: several options are a sweep; add -m.")


def _require_option(key: str, name: str, names: Sequence[str]) -> None:
    if name in names:
        return
    plain = {_plain(one): one for one in names}
    found = nearest(_plain(name.rpartition("/")[2]), plain)
    near = "" if found is None else f" Did you mean {plain[found]}?"
    other = f"model=custom model.id={shlex.quote(name)}"
    if key == "model" and name and ("/" in name or name.endswith(".gguf") or expanded(name).exists()):
        raise ConfigError(f"model is {name!r}; a model of the hub, a folder or a file is written {other}.{near}")
    if key == "dataset" and (how := FILES.get(PurePath(name).suffix.lower())) is not None:
        raise ConfigError(f"dataset is {name!r}; a file is written {how.format(shlex.quote(name))}.")
    if key == "model" and name and not near:
        near = f" Any other is written {other}."
    raise ConfigError(f"{key} is {name!r}; it must be one of {', '.join(names)}.{near}")


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _as_it_is(value: str, *, sweeps: bool) -> bool:
    """Whether a path is written for Hydra already: null, quoted, with an interpolation, or as several values of a sweep."""
    several = sweeps and ("," in value or SWEEPS.match(value) is not None)
    return value in ("", "null") or QUOTED.fullmatch(value) is not None or "${" in value or several


def _parsed(argument: str) -> Any:
    """The override as Hydra reads it; None if its grammar cannot."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(argument)
    except HydraException:
        return None


def _quoted(value: str) -> str:
    """The value as a string of Hydra's grammar: quotes are escaped, and the backslashes before a quote."""
    escaped = re.sub(r"(?<!\\)(\\*)('|$)", lambda match: match[1] * 2 + ("\\'" if match[2] else ""), value)
    return f"'{escaped}'"
