"""Which class an option of conf/ has its settings from, and so what can be set."""

from __future__ import annotations

import re

from har_llm.common.shipped import conf_folder

SCHEMA = re.compile(r"^ *- /schema/([\w.]+)@_here_", re.MULTILINE)
"""The line of an option that names the class of its settings."""
BASE = re.compile(r"^defaults:\n  - (\w[\w.]*)$", re.MULTILINE)
"""The line of an option that names the one which it begins with."""


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
