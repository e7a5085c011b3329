"""Checks a composed config node against the dataclass that its `_target_` names: settings must be known, typed and set."""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from types import NoneType, UnionType
from typing import Any, TypeGuard, Union, get_args, get_origin, get_type_hints
from unicodedata import combining, normalize

from omegaconf import BooleanNode, DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    ValidationError,
)

from har_llm.common.errors import ConfigError, first_line
from har_llm.common.paths import last_part
from har_llm.common.text import nearest

TYPE_NAMES: Mapping[object, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a string",
    list: "a list, as in [a, b]",
    dict: "a mapping, as in {a: b}",
}


MOST_MEANT = 2
"""Settings of one name that are asked about; with more, nothing is said of them."""


def _if(condition: Any, yes: Any, no: Any) -> Any:
    """${if:${..thinking},0.6,0.7} in a config: one of two values, by another setting, which may be the string "no" yet."""
    try:
        return yes if BooleanNode().validate_and_convert(condition) else no
    except ValidationError:
        return no  # the other setting itself is refused when its type is checked


def _split(text: str) -> list[str]:
    """${split:${oc.env:NAME,""}} in a config: what stands between the commas of a text."""
    return [part for one in str(text).split(",") if (part := one.strip())]


OmegaConf.register_new_resolver("if", _if, replace=True)
OmegaConf.register_new_resolver("split", _split, replace=True)


def _named_by(setting: str, *, _parent_: DictConfig) -> str:
    """${named_by:id} in a config: the last part of the id or path in another setting of the node, as a name."""
    value = "" if OmegaConf.is_missing(_parent_, setting) else str(_parent_.get(setting) or "")
    stem = re.sub(rf"\.({'|'.join(NO_PART_OF_A_NAME)})$", "", last_part(value), flags=re.IGNORECASE)
    stem = "".join(letter for letter in normalize("NFKD", stem) if not combining(letter))  # é is e, as names are in ASCII
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).lstrip("._-")[:LONGEST_NAME]
    return name or "custom"


NO_PART_OF_A_NAME = ("gguf", "csv", "tsv", "txt", "parquet", "db", "sqlite", "sqlite3")
LONGEST_NAME = 60
"""Characters of a name that is made of an id."""
OmegaConf.register_new_resolver("named_by", _named_by, replace=True)


def component_class(target: object, setting: str) -> type:
    """The dataclass that a `_target_` names. `setting` is the full name of that `_target_`, for errors."""
    if not isinstance(target, str) or "." not in target:
        raise ConfigError(f"{setting} is {target!r}; it must be the full name of a class, such as package.module.Class.")
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{setting} is {target!r}, which cannot be imported: {error}.") from None
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise ConfigError(f"{setting} is {target!r}, which is no dataclass; a dataclass's fields are the settings.")
    return found


def defaults_of(cls: type) -> dict[str, Any]:
    """The default settings of a dataclass as plain values; ??? for those without a default."""
    return {one.name: _default(one) for one in dataclasses.fields(cls)}


def names_inside(values: Mapping[str, object], inside: str = "") -> Iterator[str]:
    """The full names of the settings, at any depth of nested ones."""
    for key, value in values.items():
        yield (full := _join(inside, key))
        if isinstance(value, dict):
            yield from names_inside(value, full)


def named_inside(values: Mapping[str, object], name: str, inside: str = "") -> Iterator[str]:
    """Those whose last part (or parts, as in cut.at) is `name`."""
    return (full for full in names_inside(values, inside) if f".{full}".endswith(f".{name}"))


def meant(found: Sequence[str]) -> str:
    """A question, after a blank, whether one of these settings was meant; empty where there are none, or many."""
    return f" Did you mean {' or '.join(found)}?" if 1 <= len(found) <= MOST_MEANT else ""


def _default(one: dataclasses.Field[Any]) -> Any:
    if one.default_factory is not dataclasses.MISSING:
        value = one.default_factory()
        return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
    return "???" if one.default is dataclasses.MISSING else one.default


def component(node: object, where: str, kind: Any = object) -> Any:
    """The object that a node of a composed config describes, with every setting known, given and of its type.

    `kind`: its class or protocol. Nodes inside it that have a `_target_` of their own become objects too: lora.teacher is
    a model.
    """
    if not isinstance(node, dict) or not node:
        found = "has no option" if node == {} else f"is {node!r}"
        raise ConfigError(f"{where} {found}; choose an option of the group, as in {where}=NAME (--help lists them).")
    cls = component_class(node.get("_target_"), f"{where}._target_")
    inside = {key: value for key, value in node.items() if isinstance(value, dict) and "_target_" in value}
    made = checked(cls, {key: value for key, value in node.items() if key not in ("_target_", *inside)}, where)
    if not isinstance(made, kind):
        raise ConfigError(
            f"{where}._target_ is {node['_target_']!r}, which is not made for this group; choose an option of it, "
            f"as in {where}=NAME (--help lists them)."
        )
    for key, value in inside.items():
        if not hasattr(made, key):
            raise ConfigError(f"{where}.{key} is not a setting of {cls.__name__}.")
        setattr(made, key, component(value, f"{where}.{key}"))
    if hasattr(made, "check"):
        try:
            made.check()
        except ConfigError as error:  # a component names its settings as in its own group
            raise ConfigError(f"{where}: {error}" if "." in where else str(error)) from None
    return made


def checked(cls: type, values: dict[str, Any], where: str) -> Any:
    """An object of `cls` with these values, all converted to the declared types.

    It is converted once for all jobs of a sweep that have these values: OmegaConf takes long, and jobs differ in little.
    """
    key = cls, repr(values)
    if key not in _converted:
        _converted[key] = _convert(cls, values, where)
    return deepcopy(_converted[key])


_converted: dict[tuple[type, str], Any] = {}


def _convert(cls: type, values: dict[str, Any], where: str) -> Any:
    try:
        return OmegaConf.to_object(OmegaConf.unsafe_merge(OmegaConf.structured(cls), values))
    except ConfigKeyError as error:
        raise ConfigError(_unknown_key(cls, error.full_key or str(error.key), where)) from None
    except MissingMandatoryValue as error:
        key = _join(where, error.full_key)
        raise ConfigError(f"{key} is not set; set it with {key}=VALUE.") from None
    except OmegaConfBaseException as error:
        # OmegaConf does not say which node has a value where it should have settings.
        flat = (name for name, value in values.items() if not isinstance(value, dict) and _is_class(_declared(cls, name)))
        key = error.full_key or next(flat, "")
        value = OmegaConf.select(OmegaConf.create(values), key) if key else values
        rule = _type_rule(cls, key, where)
        found = f"is {value!r}{rule}" if rule else f"is wrong: {first_line(error)}"
        raise ConfigError(f"{_join(where, key)} {found}") from None


def _unknown_key(cls: type, key: str, where: str) -> str:
    parent, _, name = key.rpartition(".")
    declared = _declared(cls, parent) if parent else cls
    if (advice := getattr(declared, "ADVICE", None)) is not None:
        return f"{_join(where, key)} is not a setting here; {advice}"
    allowed = [one.name for one in dataclasses.fields(declared)] if _is_class(declared) else []
    rule = f" It has: {', '.join(allowed)}." if allowed else ""
    inside = meant([*named_inside(defaults_of(declared), name, _join(where, parent))]) if allowed else ""
    near = nearest(name, allowed)
    question = inside or ("" if near is None else meant([_join(_join(where, parent), near)]))
    return f"{_join(where, key)} is not a setting.{question}{rule}"


def _type_rule(cls: type, key: str, where: str) -> str | None:
    """What the dataclass declares for the setting, in words; None for one inside a plain dict or list."""
    declared = _declared(cls, key)
    if _is_class(declared):
        names = [one.name for one in dataclasses.fields(declared)]
        return (
            f", but it has settings of its own: {', '.join(names)}. Set them one by one, as in "
            f"{_join(where, key)}.{names[0]}=VALUE."
        )
    kinds = set(get_args(declared)) if get_origin(declared) in (Union, UnionType) else {declared}
    null = " or null" if NoneType in kinds else ""
    kind = next(iter(kinds - {NoneType}))
    name = TYPE_NAMES.get(get_origin(kind) or kind)
    return f"; it must be {name}{null}." if name else None


def _declared(cls: type, key: str) -> Any:
    """The declared type of a setting: a.b is b of the dataclass that is a's type. None inside a plain dict or list."""
    declared: Any = cls
    for name in key.split("."):
        declared = get_type_hints(declared).get(name) if _is_class(declared) else None
    return declared


def _is_class(declared: object) -> TypeGuard[type]:
    return isinstance(declared, type) and dataclasses.is_dataclass(declared)


def _join(where: str, key: str | None) -> str:
    return ".".join(part for part in (where, key) if part)


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The config as plain values, interpolations resolved."""
    try:
        plain = OmegaConf.to_container(cfg, resolve=True)
    except InterpolationResolutionError as error:
        reason = first_line(error).rpartition("while resolving interpolation: ")[2].strip('"')
        raise ConfigError(f"{error.full_key} cannot be resolved: {reason.rstrip('.')}.") from None
    return {str(key): value for key, value in dict(plain).items()}  # type: ignore[arg-type]
