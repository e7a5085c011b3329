"""Which class an option of conf/ has its settings from, and so what can be set."""

from __future__ import annotations

import re
from collections.abc import Mapping

from har_llm.common.shipped import conf_folder
from har_llm.common.text import nearest

SCHEMA = re.compile(r"^ *- /schema/([\w.]+)@_here_", re.MULTILINE)
"""The line of an option that names the class of its settings."""
BASE = re.compile(r"^defaults:\n  - (\w[\w.]*)$", re.MULTILINE)
"""The line of an option that names the one which it begins with."""


def meant_by(name: str, typed: Mapping[str, str]) -> list[str]:
    """The settings that may be meant by the end of a name, as dataset.cut.day_begins by day_begins or cut.day_begins.

    Of several, those of the options or of the task in `typed`; of these the ones that are nested least.
    """
    found = settings_named(name)
    own, of_task = set(settings_chosen(typed)), f"{typed.get('task')}."
    found = [one for one in found if one in own or one.startswith(of_task)] or found
    return [one for one in found if _depth(one) == min(map(_depth, found))]


def nearly_meant(name: str, typed: Mapping[str, str]) -> list[str]:
    """The setting of an option in `typed` whose end is nearly called so."""
    own = {full.partition(".")[2]: full for full in settings_chosen(typed)}
    near = nearest(name, own)
    return [] if near is None else [own[near]]


def _depth(name: str) -> int:
    return name.count(".")


def settings_chosen(options: Mapping[str, str]) -> list[str]:
    """All settings of these options, by group."""
    from har_llm.common.schema import defaults_of, names_inside

    kinds = ((group, class_of(group, option)) for group, option in options.items())
    return [name for group, kind in kinds if kind is not None for name in names_inside(defaults_of(kind), group)]


def settings_named(name: str) -> list[str]:
    """The settings that groups have under a name, whichever option has them."""
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


def chosen_by_default() -> Mapping[str, str]:
    """The option of each group that is chosen unless another one is; null where none is."""
    text = (conf_folder() / "config.yaml").read_text(encoding="utf-8")
    return dict(re.findall(r"^  - ([\w/]+): (\S+)", text, re.MULTILINE))
