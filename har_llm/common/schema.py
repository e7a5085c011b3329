"""A composed config node against the dataclass that its `_target_` names: every setting known, typed and given."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Collection
from typing import Any

from omegaconf import DictConfig, Node, OmegaConf
from omegaconf.errors import ConfigKeyError, InterpolationResolutionError, MissingMandatoryValue, OmegaConfBaseException

from har_llm.common.errors import ConfigError


def require(name: str, value: str, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.{_suggestion(value, allowed)}")


def component_class(target: object, where: str) -> type:
    """The dataclass that a `_target_` names."""
    if not isinstance(target, str) or "." not in target:
        raise ConfigError(
            f"{where}._target_ is {target!r}; it must be the full name of a class, such as package.module.Class."
        )
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{where}._target_ is {target!r}, which cannot be imported: {error}.") from None
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise ConfigError(f"{where}._target_ is {target!r}, which is no dataclass; its fields are what {where} may set.")
    return found


def _component(cfg: DictConfig, group: str) -> Any:
    node = cfg.get(group)
    if not isinstance(node, DictConfig):
        raise ConfigError(f"{group} is {node!r}; choose an option of the group, as in {group}=NAME (--help lists them).")
    return _build(node, group)


def _build(node: DictConfig, where: str) -> Any:
    """The component that a node describes, with the components inside it (lora.teacher is a model)."""
    cls = component_class(node.get("_target_"), where)
    keys = [key for key in _keys(node, where) if key != "_target_"]
    inside = {key for key in keys if isinstance(node[key], DictConfig) and "_target_" in node[key]}
    component = _checked(cls, {key: node[key] for key in keys if key not in inside}, where)
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


def _checked(cls: type, values: dict[str, Any], where: str) -> Any:
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
        raise ConfigError(f"{key} is {value!r}; {_type_rule(schema, error.full_key) or rule}") from None


def _check_settings(schema: object, value: object, where: str) -> None:
    """Refuse a value where there are settings of their own."""
    if isinstance(schema, DictConfig) and OmegaConf.get_type(schema) is not dict and not isinstance(value, DictConfig):
        names = [str(name) for name in schema]
        raise ConfigError(
            f"{where} is {value!r}, but it has settings of its own: {', '.join(names)}. Set them one by one, as in "
            f"{where}.{names[0]}=VALUE."
        )


def _type_rule(schema: DictConfig, key: str | None) -> str | None:
    parent, _, name = (key or "").rpartition(".")
    node = OmegaConf.select(schema, parent) if parent else schema
    declared = node._get_node(name) if isinstance(node, DictConfig) and name in node else None
    if not isinstance(declared, Node):  # inside a plain dict or list, which declares no type
        return None
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    kind = names.get(declared._metadata.ref_type)
    return f"it must be {kind}{' or null' if declared._is_optional() else ''}." if kind else None


def _unknown_key(error: ConfigKeyError, schema: DictConfig, where: str) -> str:
    full = error.full_key or str(error.key)
    parent, _, name = full.rpartition(".")
    node = OmegaConf.select(schema, parent) if parent else schema
    allowed = [str(key) for key in node] if isinstance(node, DictConfig) else []
    rule = f" It has: {', '.join(allowed)}." if allowed else ""
    return f"{_join(where, full)} is not a setting.{_suggestion(name, allowed)}{rule}"


def _join(where: str, key: str | None) -> str:
    return ".".join(part for part in (where, key) if part)


def _suggestion(name: str, allowed: Any) -> str:
    close = difflib.get_close_matches(str(name), [str(option) for option in allowed], n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _plain(cfg: DictConfig) -> dict[str, Any]:
    try:
        plain = OmegaConf.to_container(cfg, resolve=True)
    except InterpolationResolutionError as error:
        raise ConfigError(f"{error.full_key} cannot be resolved: {str(error).splitlines()[0]}") from None
    return {str(key): value for key, value in dict(plain).items()}  # type: ignore[arg-type]
