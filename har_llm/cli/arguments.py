"""What was typed, made ready for Hydra: slips are answered in our words, and text that its grammar cannot read is quoted."""

from __future__ import annotations

import re
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import PurePath
from typing import Any, NamedTuple

from har_llm.cli.option_classes import chosen_by_default, class_of, meant_by, nearly_meant
from har_llm.cli.options import options
from har_llm.common.checks import require
from har_llm.common.errors import ConfigError
from har_llm.common.paths import expanded
from har_llm.common.text import nearest, suggestion

MULTIRUN = ("-m", "--multirun")
COMPLETION = ("-sc", "--shell-completion")
FLAGS = {
    **dict.fromkeys((*MULTIRUN, "-r", "--run", "-h", "--help", "--hydra-help", "--version", "--resolve"), False),
    **dict.fromkeys(COMPLETION, False),
    **dict.fromkeys(("-c", "--cfg", "-p", "--package", "-i", "--info", "--experimental-rerun"), True),
    **dict.fromkeys(("-cp", "--config-path", "-cn", "--config-name", "-cd", "--config-dir"), True),
}
"""The flags, most of them Hydra's, and whether a value may follow."""
SETTING = re.compile(r"(?P<added>\+{0,2})(?P<name>[\w./-]+)(?P<package>@[\w.@:]*)?=(?P<value>.*)", re.DOTALL)
PATH = re.compile(r"paths\..*|.*\.(\w+_)?(path|folder)")
"""Settings whose value is the name of a file or folder, which may have any character."""
QUOTED = re.compile(r"'.*'|\".*\"", re.DOTALL)
SWEEPS = re.compile(r"(choice|range|interval|glob|sort|shuffle|tag)\(")
"""The functions by which Hydra makes a sweep."""
EVENTS = "dataset=events dataset.path={0} for a table of events, or dataset=home_assistant dataset.path={0}"
FILES = {
    **dict.fromkeys((".csv", ".tsv", ".parquet"), f"{EVENTS} for a history of Home Assistant"),
    ".db": "dataset=home_assistant dataset.path={0}",
    ".gguf": "model=custom model.id={0}",
}
"""What to write for a file, by the end of its name."""
TYPOGRAPHIC = "“”„‘’«»"
"""Quotes that word processors make."""
SEVERAL = re.compile(r"(?P<first>[^ ;,]*)(?: *; *| *, *| +)(?P<rest>[\w./]+=.*)", re.DOTALL)
"""The name of an option, with a further setting behind it."""
MOST_OTHERS = 6
"""Options that are named as those which have a setting."""


class Setting(NamedTuple):
    argument: str
    added: str
    """+ or ++, if typed."""
    name: str
    package: str
    """As in @lora.source; else empty."""
    value: str

    @property
    def key(self) -> str:
        return self.name + self.package


class Typed(NamedTuple):
    flags: Sequence[str]
    """With the values that follow them."""
    settings: Sequence[Setting]
    others: Sequence[str]
    """What only Hydra knows: ~name, hydra.name=value."""


def read_arguments(arguments: Sequence[str]) -> list[str]:
    """The arguments for Hydra: flags first, then the settings with their values quoted where its grammar needs it.

    It accepts -m only before or after all settings.

    Raises ConfigError for what is no flag, setting or option, and for several values without -m.
    """
    typed = _typed(arguments)
    names = options(arguments)
    own = any(flag.startswith(("--config-path", "-cp", "--config-name", "-cn")) for flag in typed.flags)
    if own or any(one.startswith("hydra.searchpath") for one in typed.others):
        names = {}  # a user's own conf may have any groups
    sweeps = _sweeps(typed, names)
    for key, count in Counter(one.key for one in typed.settings).items():
        if count > 1:
            last = next(one.argument for one in reversed(typed.settings) if one.key == key)
            print(f"note: {key} is given {count} times; the last one counts, {last}.", file=sys.stderr)
    # Hydra takes no null for a group, though conf/config.yaml writes it where none of its options is chosen.
    chosen = [one for one in typed.settings if (one.key, one.value) != ("experiment", "null")]
    values = {one.key: one.value for one in typed.settings}
    settings = [_read(one, names, values, sweeps=sweeps) for one in chosen]
    _check_chosen(typed.settings, names)
    return [*typed.flags, *settings, *typed.others]


def _typed(arguments: Sequence[str]) -> Typed:
    flags, settings, others = list[str](), list[Setting](), list[str]()
    rest = iter(arguments)
    for argument in rest:
        if argument.startswith("-"):
            flags += _flag(argument, rest, arguments)
        elif argument.startswith(("~", "hydra.", "hydra/", "+hydra", "++hydra")):
            others.append(argument)
        else:
            match = SETTING.fullmatch(argument)
            if match is None or not match["name"]:
                raise ConfigError(_no_setting(argument, arguments))
            if not match["added"] and match["name"].isupper():
                raise ConfigError(
                    f"{match['name']} is a variable of the environment; set it before: export {shlex.quote(argument)}"
                )
            settings.append(Setting(argument, match["added"], match["name"], match["package"] or "", match["value"]))
    return Typed(flags, settings, others)


def _flag(argument: str, rest: Iterator[str], arguments: Sequence[str]) -> Iterator[str]:
    """The flag, and the value that follows it."""
    name, equals, _ = argument.partition("=")
    if name not in FLAGS:
        bare = argument.lstrip("-")
        if not _is_setting(bare.partition("=")[0], arguments):
            raise ConfigError(f"{name} is no flag.{suggestion(_long(name), FLAGS)} --help lists what there is.")
        if equals:
            raise ConfigError(f"{name} is no flag; settings are written without dashes: {shlex.quote(bare)}.")
        place = arguments.index(argument)
        following = [one for one in arguments[place + 1 : place + 2] if not one.startswith("-") and "=" not in one]
        written = shlex.quote(f"{bare}={following[0] if following else 'VALUE'}")
        raise ConfigError(f"{name} is no flag; settings are written without dashes, and with '=': {written}.")
    value = None if equals or not FLAGS[name] else next(rest, None)
    if FLAGS[name] and value is None and not argument.partition("=")[2]:
        raise ConfigError(f"{name} has no value; --help says what it takes.")
    given = argument.partition("=")[2] if equals else value
    if name in ("-c", "--cfg"):
        require("--cfg", given, ("job", "hydra", "all"))
    if name in ("-cd", "--config-dir") and given and not expanded(given).is_dir():
        raise ConfigError(f"{name} is {given!r}, and there is no such folder; it is one with options of your own.")
    yield argument
    if value is not None:
        yield value


def _long(flag: str) -> str:
    """The long flag that a short one may stand for, as --version for -V; else as it is."""
    letter = flag.lower()[1:]
    return next((one for one in FLAGS if len(letter) == 1 and one.startswith(f"--{letter}")), flag)


def _no_setting(argument: str, arguments: Sequence[str]) -> str:
    from har_llm.tasks import TASKS

    if "=" in (argument, *arguments[arguments.index(argument) + 1 : arguments.index(argument) + 2]):
        joined = re.sub(r" *= *", "=", " ".join(arguments))
        return f"'=' stands with blanks around it; write it without: {joined}."
    if argument.startswith(("\N{EN DASH}", "\N{EM DASH}", "\N{MINUS SIGN}")):
        bare = argument.lstrip("–—−")
        hyphens = "-" if len(bare) == 1 or f"-{bare}" in FLAGS else "--"
        return f"{argument!r} begins with a dash that is no hyphen; type it anew: {hyphens}{bare}."
    if (cut := _cut_at_a_blank(argument, arguments)) is not None:
        return f"{argument!r} has no setting; a value with blanks is written in quotes, as in {shlex.quote(cut)}."
    if (how := FILES.get(PurePath(argument).suffix)) is not None:
        return f"{argument!r} has no setting; write {how.format(shlex.quote(argument))}."
    before = arguments[max(arguments.index(argument) - 1, 0)]
    if before.endswith(",") and SETTING.fullmatch(before):
        return f"{argument!r} has no setting; several values are written without blanks: {shlex.quote(before + argument)}."
    if argument in TASKS:
        return f"{argument!r} is a task; write task={argument}."
    if f"--{argument}" in FLAGS:
        return f"{argument!r} is a flag; write --{argument}."
    if expanded(argument).is_dir():
        path = shlex.quote(argument)
        return f"{argument!r} has no setting; write runs={path} for a run, model=custom model.id={path} for a model."
    for group, names in options(arguments).items():
        if argument in names:
            return f"{argument!r} is an option of {group}; write {group}={argument}."
    if re.fullmatch(r"\w+(\.\w+)+", argument) or _is_setting(argument, arguments):
        return f"{argument} has no value; write {argument}=VALUE."
    meant = suggestion(argument, TASKS).replace("mean ", "mean task=")
    return f"{argument!r} is no setting; settings are written NAME=VALUE.{meant} --help lists them."


def _cut_at_a_blank(argument: str, arguments: Sequence[str]) -> str | None:
    """A path or a list with what follows it, if the argument may be the rest of one; None if it is behind neither."""
    place = arguments.index(argument)
    before = arguments[place - 1] if place else ""
    match = SETTING.fullmatch(before)
    if match is not None and _is_open(match["value"]):
        end = next((at for at, one in enumerate(arguments) if at >= place and "]" in one), place)
        return " ".join([before, *arguments[place : end + 1]])
    return f"{before} {argument}" if match is not None and PATH.fullmatch(match["name"]) else None


def _is_open(value: str) -> bool:
    """Whether it is a list without its end."""
    return value.startswith("[") and value.count("[") > value.count("]")


def _is_setting(name: str, arguments: Sequence[str]) -> bool:
    """Whether there is a group or a setting of this name, as far as its first part says."""
    from har_llm.config.settings import Settings

    first = name.partition(".")[0]
    return first in options(arguments) or any(one.name == first for one in fields(Settings))


def _sweeps(typed: Typed, names: Mapping[str, Sequence[str]]) -> bool:
    """Whether several values make several jobs."""
    if any(flag in MULTIRUN for flag in typed.flags) or any(one.startswith("hydra.mode=") for one in typed.others):
        return True
    # An experiment may be a sweep by itself; what it says is only read when it is composed.
    return not names or any(one.name == "experiment" and one.value != "null" for one in typed.settings)


def _read(setting: Setting, names: Mapping[str, Sequence[str]], typed: Mapping[str, str], *, sweeps: bool) -> str:
    """The argument for Hydra. `typed`: all values. Raises ConfigError."""
    if names and setting.name not in names:
        _check_no_option(setting.name, names)
        _check_known(setting, names, typed)
    if setting.name in names:
        _check_option(setting, names[setting.name], sweeps=sweeps)
        return setting.argument
    value = setting.value.strip()
    if setting.name == "runs" and value and not value.startswith("[") and not sweeps:
        return f"runs=[{_quoted(value)}]"
    if PATH.fullmatch(setting.name) and not _as_it_is(value, sweeps=sweeps):
        return f"{setting.added}{setting.key}={_quoted(value)}"
    parsed = _parsed(setting.argument)
    if parsed is None and _is_open(value):
        raise ConfigError(f"{setting.key} is {value!r}, a list without its end; it is written as in {setting.key}=[a,b].")
    if parsed is None:
        return f"{setting.added}{setting.key}={_quoted(value)}"
    if parsed.is_sweep_override() and not sweeps:
        raise ConfigError(
            f"{setting.key} is {value}: several values are a sweep; add -m. A value that has a comma is written in two "
            f"pairs of quotes: {setting.key}=\"'{value}'\"."
        )
    return setting.argument


def _check_no_option(name: str, names: Mapping[str, Sequence[str]]) -> None:
    for group, its in names.items():
        if name in its and "/" not in group:
            raise ConfigError(f"{name} is an option of {group}; write {group}={name}.")


def _check_known(setting: Setting, names: Mapping[str, Sequence[str]], typed: Mapping[str, str]) -> None:
    from har_llm.common.schema import meant
    from har_llm.config.read import check_known

    if "/" in setting.name:
        near = suggestion(setting.name, names)
        raise ConfigError(f"{setting.name} is no group of options; it must be one of {', '.join(names)}.{near}")
    first = setting.name.partition(".")[0]
    if setting.added or first in ("experiment", "bundle"):
        return
    try:
        check_known(first)
    except ConfigError as error:
        asks = "?" in str(error)
        near = meant(meant_by(setting.name, typed)) or ("" if asks else meant(nearly_meant(setting.name, typed)))
        if not near:
            raise
        raise ConfigError(f"{setting.name} is not a setting.{near}") from None


def _check_chosen(settings: Sequence[Setting], names: Mapping[str, Sequence[str]]) -> None:
    """Refuse a setting that the chosen option lacks where others of its group have it: they were forgotten, or mixed up."""
    typed = {one.key: one.value for one in settings}
    if (id := typed.get("model.id")) is not None and not {"model", "experiment"} & {*typed}:
        raise ConfigError(f"model.id is {id!r}, but no model is chosen that it is of; add model=custom.")
    if any(name == "experiment" or name.startswith("bundle") for name in typed):
        return  # they choose options too
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
    if setting.added and not setting.package and "/" not in setting.name:
        raise ConfigError(f"{setting.argument} adds a second option of {setting.name}; write it without '+'.")
    if SWEEPS.match(value) or value.startswith("["):
        return
    if (several := SEVERAL.fullmatch(value)) is not None:
        each = f"{setting.key}={several['first']} {several['rest']}"
        raise ConfigError(f"{setting.key} is {value!r}; settings are written with blanks between them, unquoted: {each}.")
    if value.strip(TYPOGRAPHIC) != value:
        raise ConfigError(f"{setting.argument} has quotes that a shell does not know; type ' or \" in their place.")
    chosen = value.split(",")
    if len(chosen) > 1 and "" in chosen:
        raise ConfigError(f"{setting.key} is {value!r}: a comma has nothing beside it; write as in {setting.key}=a,b.")
    for one in chosen:
        _require_option(setting.key, one.strip(), names)
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
    if key == "dataset" and (how := FILES.get(PurePath(name).suffix)) is not None:
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
    escaped = re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + ("\\'" if match[2] else ""), value)
    return f"'{escaped}'"
