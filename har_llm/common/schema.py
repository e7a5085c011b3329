"""A composed config node against the dataclass that its `_target_` names: every setting known, typed and given."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Collection
from types import NoneType
from typing import Any, get_args, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, InterpolationResolutionError, MissingMandatoryValue, OmegaConfBaseException

from har_llm.common.errors import ConfigError


def require(name: str, value: str, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.{suggestion(value, allowed)}")


def component_class(target: object, setting: str) -> type:
    """The dataclass that `setting`, a `_target_`, names."""
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
    """The settings of a dataclass as plain values; ??? for those that have no default."""
    return {one.name: _default(one) for one in dataclasses.fields(cls)}


def _default(one: dataclasses.Field[Any]) -> Any:
    if one.default_factory is not dataclasses.MISSING:
        value = one.default_factory()
        return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
    return "???" if one.default is dataclasses.MISSING else one.default


def component(cfg: DictConfig, group: str) -> Any:
    """The object that a group's chosen option describes, with every setting known, given and of its type."""
    node = cfg.get(group)
    if not isinstance(node, DictConfig):
        raise ConfigError(f"{group} is {node!r}; choose an option of the group, as in {group}=NAME (--help lists them).")
    return _build(node, group)


def _build(node: DictConfig, where: str) -> Any:
    """The component that a node describes, with the components inside it (lora.teacher is a model)."""
    cls = component_class(node.get("_target_"), f"{where}._target_")
    keys = [key for key in _keys(node, where) if key != "_target_"]
    inside = {key for key in keys if isinstance(node[key], DictConfig) and "_target_" in node[key]}
    component = checked(cls, {key: node[key] for key in keys if key not in inside}, where)
    for key in sorted(inside & {one.name for one in dataclasses.fields(cls)}):
        setattr(component, key, _build(node[key], f"{where}.{key}"))
    if unknown := sorted(inside - {one.name for one in dataclasses.fields(cls)}):
        raise ConfigError(f"{where}.{unknown[0]} is not a setting of {cls.__name__}.")
    if hasattr(component, "check"):
        component.check()
    return component


def _keys(node: DictConfig, where: str) -> list[str]:
    keys = [str(key) for key in node]
    for key in keys:
        if OmegaConf.is_missing(node, key):
            raise ConfigError(f"{where}.{key} is not set; set it with {where}.{key}=VALUE.")
    return keys


def checked(cls: type, values: dict[str, Any], where: str) -> Any:
    """An object of `cls` with these values, all converted to the declared types."""
    schema = OmegaConf.structured(cls)
    for name, value in values.items():
        _check_settings(schema.get(name) if name in schema else None, value, _join(where, name))
    try:
        return OmegaConf.to_object(OmegaConf.merge(schema, OmegaConf.create(values)))
    except ConfigKeyError as error:
        raise ConfigError(_unknown_key(error, schema, where)) from None
    except MissingMandatoryValue as error:
        raise ConfigError(
            f"{_join(where, error.full_key)} is not set; set it with {_join(where, error.full_key)}=VALUE."
        ) from None
    except OmegaConfBaseException as error:
        key = _join(where, error.full_key)
        value = OmegaConf.select(OmegaConf.create(values), error.full_key) if error.full_key else values
        rule = str(error).splitlines()[0]
        raise ConfigError(f"{key} is {value!r}; {_type_rule(cls, error.full_key) or rule}") from None


def _check_settings(schema: object, value: object, where: str) -> None:
    """Refuse a value where there are settings of their own."""
    if isinstance(schema, DictConfig) and OmegaConf.get_type(schema) is not dict and not isinstance(value, DictConfig):
        names = [str(name) for name in schema]
        raise ConfigError(
            f"{where} is {value!r}, but it has settings of its own: {', '.join(names)}. Set them one by one, as in "
            f"{where}.{names[0]}=VALUE."
        )


def _type_rule(cls: type, key: str | None) -> str | None:
    """What the dataclass declares for the setting, in words; None for one inside a plain dict or list."""
    name, _, rest = (key or "").partition(".")
    declared = get_type_hints(cls).get(name)
    if rest:
        return _type_rule(declared, rest) if isinstance(declared, type) and dataclasses.is_dataclass(declared) else None
    kinds = set(get_args(declared) or [declared])
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    kind = next((word for one, word in names.items() if kinds in ({one}, {one, NoneType})), None)
    return f"it must be {kind}{' or null' if NoneType in kinds else ''}." if kind else None


def _unknown_key(error: ConfigKeyError, schema: DictConfig, where: str) -> str:
    full = error.full_key or str(error.key)
    parent, _, name = full.rpartition(".")
    node = OmegaConf.select(schema, parent) if parent else schema
    allowed = [str(key) for key in node] if isinstance(node, DictConfig) else []
    rule = f" It has: {', '.join(allowed)}." if allowed else ""
    return f"{_join(where, full)} is not a setting.{suggestion(name, allowed)}{rule}"


def _join(where: str, key: str | None) -> str:
    return ".".join(part for part in (where, key) if part)


def suggestion(name: str, allowed: Any) -> str:
    close = difflib.get_close_matches(str(name), [str(option) for option in allowed], n=1)
    return f" Did you mean {close[0]}?" if close else ""


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The config as plain values, interpolations resolved."""
    try:
        plain = OmegaConf.to_container(cfg, resolve=True)
    except InterpolationResolutionError as error:
        raise ConfigError(f"{error.full_key} cannot be resolved: {str(error).splitlines()[0]}") from None
    return {str(key): value for key, value in dict(plain).items()}  # type: ignore[arg-type]
