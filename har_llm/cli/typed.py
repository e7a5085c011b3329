"""What was typed, taken apart into flags and settings; what is neither is answered with what to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from itertools import pairwise, takewhile
from pathlib import Path, PurePath
from typing import NamedTuple

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError
from har_llm.common.paths import expanded
from har_llm.common.shipped import CONFIG, conf_folder
from har_llm.common.text import suggestion

MULTIRUN = ("-m", "--multirun")
COMPLETION = ("-sc", "--shell-completion")
CONFIG_DIR, CONFIG_PATH, CONFIG_NAME = ("-cd", "--config-dir"), ("-cp", "--config-path"), ("-cn", "--config-name")
OWN_CONF = (*CONFIG_PATH, *CONFIG_NAME)
"""The flags by which a user's own conf takes the place of ours."""
PACKAGE = "pkg://"
"""What a --config-path begins with that is no folder but a Python package."""
FLAGS = {
    **dict.fromkeys((*MULTIRUN, "-r", "--run", "-h", "--help", "--hydra-help", "--version", "--resolve"), False),
    **dict.fromkeys(COMPLETION, False),
    **dict.fromkeys(("-c", "--cfg", "-p", "--package", "-i", "--info", "--experimental-rerun"), True),
    **dict.fromkeys((*OWN_CONF, *CONFIG_DIR), True),
}
"""The flags, most of them Hydra's, and whether a value follows."""
SETTING = re.compile(r"(?P<added>\+{0,2})(?P<name>[\w./-]+)(?P<package>@[\w.@:]*)?=(?P<value>.*)", re.DOTALL)
PATH = re.compile(r"paths\..*|.*\.(\w+_)?(path|folder)")
"""Settings whose value is the name of a file or folder, which may have any character."""
EVENTS = "dataset=events dataset.path={0} for a table of events, or dataset=home_assistant dataset.path={0}"
FILES = {
    **dict.fromkeys((".csv", ".tsv", ".parquet"), f"{EVENTS} for a history of Home Assistant"),
    ".db": "dataset=home_assistant dataset.path={0}",
    ".gguf": "model=custom model.id={0}",
}
"""What to write for a file, by the end of its name."""


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

    @property
    def has_own_conf(self) -> bool:
        """Whether a user's own conf, which may have any groups and settings, takes the place of ours or adds to it."""
        return any(flag in OWN_CONF for flag in self.flags) or any(
            one.lstrip("+").startswith("hydra.searchpath") for one in self.others
        )


def taken_apart(arguments: Sequence[str], names: Mapping[str, Sequence[str]]) -> Typed:
    """`names`: the options of each group. Raises ConfigError for what is no flag and no setting."""
    flags, settings, others = list[str](), list[Setting](), list[str]()
    rest = iter(enumerate(arguments))
    for place, argument in rest:
        if argument.startswith("-"):
            flags += _flag(argument, (one for _, one in rest), arguments[place + 1 :], names)
        elif argument.startswith(("~", "hydra.", "hydra/", "+hydra", "++hydra")):
            others.append(argument)
        elif (match := SETTING.fullmatch(argument)) is None:
            raise ConfigError(_no_setting(argument, arguments[:place], arguments[place + 1 :], names))
        elif not match["added"] and match["name"].isupper():
            rule = f"is a variable of the environment; set it before: export {shlex.quote(argument)}"
            raise ConfigError(f"{match['name']} {rule}")
        else:
            settings.append(Setting(argument, match["added"], match["name"], match["package"] or "", match["value"]))
    _check_together(flags)
    return Typed(flags, settings, others)


def _check_together(flags: Sequence[str]) -> None:
    """Raise ConfigError for flags that Hydra has no sentence for."""
    values = dict(pairwise(flags))
    if "--resolve" in flags and not {"-c", "--cfg", "-i", "--info", "--hydra-help"} & {*flags}:
        raise ConfigError("--resolve shows nothing by itself; write --cfg job --resolve.")
    named = [CONFIG, *(value for flag, value in pairwise(flags) if flag in CONFIG_NAME)][-1].removesuffix(".yaml")
    folders = [values[one] for one in (*CONFIG_PATH, *CONFIG_DIR) if one in values]
    if not {*CONFIG_PATH} & {*values}:
        folders.append(str(conf_folder()))
    places = [Path(folder) / f"{named}.yaml" for folder in folders if not folder.startswith(PACKAGE)]
    if len(places) == len(folders) and not any(place.is_file() for place in places):
        rule = "it names a config of your own, in the folder of --config-path"
        more = "to add options of your own to ours, --config-dir is enough"
        raise ConfigError(f"--config-name is {named!r}, and there is no {' or '.join(map(str, places))}; {rule}; {more}.")


def _flag(argument: str, rest: Iterator[str], after: Sequence[str], names: Mapping[str, Sequence[str]]) -> list[str]:
    """The flag, and its value if it takes one. `rest`: the arguments after it, of which the value is taken."""
    name, equals, value = argument.partition("=")
    if name not in FLAGS:
        raise ConfigError(_no_flag(argument, after, names))
    if not FLAGS[name]:
        if equals:
            rule = (
                f"is written with a blank: {name} {value or 'install=bash'}"
                if name in COMPLETION
                else "takes no value; write it alone"
            )
            raise ConfigError(f"{name} {rule}; --help says more.")
        return [name]
    value = value if equals else next(rest, "")
    if not value:
        raise ConfigError(f"{name} has no value; --help says what it takes.")
    if name in ("-c", "--cfg"):
        require("--cfg", value, ("job", "hydra", "all"))
    if name in CONFIG_DIR or (name in CONFIG_PATH and not value.startswith(PACKAGE)):
        if not expanded(value).is_dir():
            what = "options" if name in CONFIG_DIR else "a whole config"
            raise ConfigError(f"{name} is {value!r}, and there is no such folder; it is one with {what} of your own.")
        value = str(expanded(value).absolute())
    return [name, value]


def _no_flag(argument: str, after: Sequence[str], names: Mapping[str, Sequence[str]]) -> str:
    name, equals, _ = argument.partition("=")
    bare = argument.lstrip("-")
    if not _is_setting(bare.partition("=")[0], names):
        meant = {"-v": "--version"}.get(name.lower(), name.lower())
        return f"{name} is no flag.{suggestion(meant, FLAGS)} --help lists what there is."
    if equals:
        return f"{name} is no flag; settings are written without dashes: {shlex.quote(bare)}."
    following = [one for one in after[:1] if not one.startswith("-") and "=" not in one]
    written = shlex.quote(f"{bare}={following[0] if following else 'VALUE'}")
    return f"{name} is no flag; settings are written without dashes, and with '=': {written}."


def _no_setting(argument: str, before: Sequence[str], after: Sequence[str], names: Mapping[str, Sequence[str]]) -> str:
    from har_llm.tasks import TASKS

    if "=" in (argument, *after[:1]):
        return _blank_before_equals(argument, before, after)
    if argument.startswith(("\N{EN DASH}", "\N{EM DASH}", "\N{MINUS SIGN}")):
        bare = argument.lstrip("–—−")
        hyphens = "-" if len(bare) == 1 or f"-{bare}" in FLAGS else "--"
        return f"{argument!r} begins with a dash that is no hyphen; type it anew: {hyphens}{bare}."
    if before and (said := _cut_at_a_blank(before, argument, after, names)) is not None:
        return said
    if (how := FILES.get(PurePath(argument).suffix.lower())) is not None:
        return f"{argument!r} has no setting; write {how.format(shlex.quote(argument))}."
    if argument in TASKS:
        return f"{argument!r} is a task; write task={argument}."
    if f"--{argument}" in FLAGS:
        return f"{argument!r} is a flag; write --{argument}."
    for group, options in names.items():
        if argument in options:
            return f"{argument!r} is an option of {group}; write {group}={argument}."
    valueless = f"{argument} has no value; write {argument}=VALUE."
    if _is_setting(argument, names):
        return valueless
    if _is_folder(argument):
        path = shlex.quote(argument)
        return f"{argument!r} has no setting; write runs={path} for a run, model=custom model.id={path} for a model."
    if re.fullmatch(r"\w+(\.\w+)+", argument):
        return valueless
    meant = suggestion(argument, TASKS).replace("mean ", "mean task=")
    return f"{argument!r} is no setting; settings are written NAME=VALUE.{meant} --help lists them."


def _blank_before_equals(argument: str, before: Sequence[str], after: Sequence[str]) -> str:
    """About NAME = VALUE: the argument is the name or the sign."""
    parts = [*before[-1:], "=", *after[:1]] if argument == "=" else [argument, "=", *after[1:2]]
    return f"'=' stands with blanks around it; write it without: {shlex.quote(''.join(parts))}."


def _cut_at_a_blank(
    before: Sequence[str], argument: str, after: Sequence[str], names: Mapping[str, Sequence[str]]
) -> str | None:
    """About an argument that is the rest of the one before: of a list, of several values or of a path; None for another."""
    match = SETTING.fullmatch(before[-1])
    if match is None:
        return None
    rest = [argument, *takewhile(lambda one: not one.startswith("-") and SETTING.fullmatch(one) is None, after)]
    parts = [before[-1], argument]
    if is_open(match["value"]):
        end = next((at for at, one in enumerate(rest) if "]" in one), None)
        if end is None:
            values = shlex.quote(f"{','.join(one.strip(',') for one in (before[-1], *rest))}]")
            return f"{argument!r} has no setting; a list ends with a bracket and has commas between its values: {values}."
        parts = [before[-1], *rest[: end + 1]]
    elif before[-1].endswith(",") and (match["name"] in names or {*MULTIRUN} & {*before, *after}):
        more = [*takewhile(lambda one: one.endswith(","), rest)]
        values = shlex.quote("".join([before[-1], *rest[: len(more) + 1]]).rstrip(","))
        return f"{argument!r} has no setting; several values are written without blanks: {values}."
    elif PATH.fullmatch(match["name"]) is None:
        return None
    return f"{argument!r} has no setting; a value with blanks is written in quotes, as in {shlex.quote(' '.join(parts))}."


def is_open(value: str) -> bool:
    """Whether it is a list without its end."""
    return value.startswith("[") and value.count("[") > value.count("]")


def _is_folder(argument: str) -> bool:
    with suppress(ConfigError, OSError, ValueError):  # too long, or with a character that no name can have
        return bool(argument) and expanded(argument).is_dir()
    return False


def _is_setting(name: str, names: Mapping[str, Sequence[str]]) -> bool:
    """Whether there is a group or a setting of this name, as far as its first part says."""
    first = name.partition(".")[0]
    return first in names or is_field(first)


def is_field(name: str) -> bool:
    """Whether it is a setting that belongs to no group."""
    from har_llm.config.settings import Settings

    return any(one.name == name for one in fields(Settings))
