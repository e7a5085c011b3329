"""What can be chosen: the options of each group of conf/, and of a user's own folders of options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from har_llm.common.paths import expanded
from har_llm.common.shipped import conf_folder

SCHEMA = re.compile(r"^ *- /schema/([\w.]+)@_here_", re.MULTILINE)
"""The line of an option that names the class of its settings."""


BASE = re.compile(r"^defaults:\n  - (\w[\w.]*)$", re.MULTILINE)
"""The line of an option that names the one which it begins with."""


def options(arguments: Sequence[str]) -> Mapping[str, list[str]]:
    """The options of each group, as in bundle/paper. `arguments` may name further folders of them with --config-dir.

    A folder whose name begins with "_" is no group: it holds what several options share.
    """
    found: dict[str, set[str]] = {}
    for root in (conf_folder(), *_own_folders(arguments)):
        for file in root.glob("*/**/*.yaml"):
            found.setdefault(file.parent.relative_to(root).as_posix(), set()).add(file.stem)
    shown = sorted(group for group in found if not group.startswith("hydra/") and "/_" not in f"/{group}")
    return {group: sorted(found[group], key=_natural) for group in shown}


def settings_named(name: str) -> list[str]:
    """The settings that groups have under a name, whichever option has them: dataset.cut.day_begins for day_begins."""
    from har_llm.common.schema import component_class, defaults_of, named_inside
    from har_llm.config.settings import Settings

    found = dict.fromkeys(named_inside(defaults_of(Settings), name))
    for file in sorted(conf_folder().glob("*/*.yaml")):
        for schema in SCHEMA.findall(file.read_text(encoding="utf-8")):
            found |= dict.fromkeys(named_inside(defaults_of(component_class(schema, "/schema/")), name, file.parent.name))
    return list(found)


def class_of(group: str, option: str) -> type | None:
    """The class of an option's settings, which the option names, or the one that it begins with; None for a user's own."""
    from har_llm.common.schema import component_class

    file = conf_folder() / group / f"{option}.yaml"
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8")
    if schema := SCHEMA.search(text):
        return component_class(schema[1], "/schema/")
    base = BASE.search(text)
    return class_of(group, base[1]) if base else None


def chosen_by_default(group: str) -> str | None:
    """The option of a group that is chosen unless another one is."""
    text = (conf_folder() / "config.yaml").read_text(encoding="utf-8")
    found = re.search(rf"^  - {re.escape(group)}: (\S+)$", text, re.MULTILINE)
    return found[1] if found else None


def _own_folders(arguments: Sequence[str]) -> list[Path]:
    folders = []
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in ("--config-dir", "-cd"):
            folders.append(expanded(value if equals else arguments[place + 1] if place + 1 < len(arguments) else "."))
    return folders


def _natural(name: str) -> tuple[str, float]:
    """A sort key that puts qwen3_4b before qwen3_14b."""
    head, _, tail = name.rpartition("_")
    size = tail.removesuffix("b")
    return (head, float(size)) if size.replace(".", "", 1).isdigit() else (name, 0.0)
