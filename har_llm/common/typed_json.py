"""Dataclasses to JSON values and back, checked field by field. Imports pydantic, only when it is called."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from har_llm.common.files import read_bounded

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import CoreSchema


class _AnyText:
    @staticmethod
    def __get_pydantic_core_schema__(*_: object) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(str)


AnyText = Annotated[str, _AnyText]
"""A text from a model or a user's files: for pydantic, any string. Its own `str` refuses lone surrogates, which UTF-8 cannot
encode."""
T = TypeVar("T")
DEEPEST = 50
"""Lists and objects within each other in a file of ours; Python can neither write nor compare a thousand of them."""
LARGEST = sys.float_info.max


class UnlikeError(ValueError):
    """JSON values do not have the form of a dataclass; the message names the first field that is wrong."""


def read_json(path: Path) -> Any:
    """The JSON value in a file. Raises OSError for one that cannot be read, UnlikeError for another content."""
    return parse_json(read_bounded(path))


def parse_json(text: bytes) -> Any:
    """The JSON value of a text in UTF-8. Raises UnlikeError, also for nesting and numbers that no file of ours has."""
    try:
        value = json.loads(text.decode("utf-8"))
    except RecursionError:
        raise UnlikeError(f"it is nested more than {DEEPEST} deep") from None
    except ValueError as error:
        raise UnlikeError(f"it is no JSON: {error}") from None
    _check_plain(value)
    return value


def _check_plain(value: Any) -> None:
    """Raise UnlikeError for a value that is nested too deep, or holds a number that is not finite."""
    level = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += one.values()
            elif isinstance(one, list):
                below += one
            elif isinstance(one, int | float) and not -LARGEST <= one <= LARGEST:
                raise UnlikeError("it has a number that is larger than any of ours, or none at all (NaN)")
        if not below:
            return
        level = below
    raise UnlikeError(f"it is nested more than {DEEPEST} deep")


def typed(kind: type[T], content: object) -> T:
    """The dataclass that these JSON values stand for. Raises UnlikeError."""
    from pydantic import ValidationError

    try:
        value: T = _adapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise UnlikeError(f"{'.'.join(map(str, first['loc'])) or 'all of it'}: {first['msg']}") from None
    return value


def plain(value: object, *, brief: bool = False) -> Any:
    """A dataclass as JSON values. `brief`: without the fields that have their default."""
    return _adapter(type(value)).dump_python(value, mode="json", exclude_defaults=brief)


def tagged(value: object) -> dict[str, Any]:
    """A dataclass as JSON values, with its name: for messages of several kinds."""
    return {"kind": type(value).__name__, "content": plain(value)}


def untagged(kinds: Sequence[type[T]], values: Mapping[str, Any]) -> T:
    """The dataclass, one of these, that `tagged` made the values of."""
    (kind,) = (kind for kind in kinds if kind.__name__ == values["kind"])
    return typed(kind, values["content"])


def _adapter(kind: type) -> TypeAdapter[Any]:
    """The type's adapter. Cached, because making one takes longer than reading a small file."""
    if kind not in _ADAPTERS:
        from pydantic import TypeAdapter

        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}
