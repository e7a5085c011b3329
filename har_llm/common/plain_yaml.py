"""YAML of files that anybody may have written. Imported only when there is some, as it imports yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from har_llm.common.files import read_bounded
from har_llm.common.text import composed

MOST_BYTES = 2**20
"""No config of a run is nearly as large, and yaml takes seconds for each MB."""
DEEPEST = 100
"""Levels of lists and mappings; a config of a run has eight."""
NO_ALIAS = "an alias is not read; write out what it stands for"
_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Where PyYAML was built with libyaml, as its wheels are, files are read six times as fast."""
Texts: TypeAlias = "str | list[Placed] | dict[str, Placed]"


class Placed(NamedTuple):
    """A value of a file whose scalars are all texts, and its line."""

    value: Texts
    line: int
    """1-based."""


class YamlFault(Exception):
    """A file is no YAML, or not such as we read. str() says why."""

    def __init__(self, reason: str, line: int | None):
        super().__init__(reason)
        self.line = line


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Without aliases, by which a few lines stand for more than fits into memory."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem=NO_ALIAS, problem_mark=self.peek_event().start_mark)
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> Any:
    """The plain value in a file. Raises OSError, ValueError or YAMLError."""
    content = read_bounded(path, MOST_BYTES).decode()
    try:
        return _loaded(content, _FAST)
    except yaml.scanner.ScannerError:
        # libyaml reads no half of a character, which PyYAML writes of a name that is not UTF-8.
        return _loaded(content, yaml.SafeLoader)


def _loaded(content: str, loader: Any) -> Any:
    _require_plain(content, loader)
    return yaml.load(content, loader)  # noqa: S506 (a SafeLoader)


def _require_plain(content: str, loader: Any) -> None:
    """Raise MarkedYAMLError for an alias, and for what is nested so deeply that a loader overflows the stack."""
    depth = 0
    for event in yaml.parse(content, loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem=NO_ALIAS, problem_mark=event.start_mark)
        if depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem="it is nested too deeply", problem_mark=event.start_mark)


def read_texts(path: Path) -> Placed:
    """What a file says, all of its scalars as they are written: what YAML takes for a number, a date or a truth value
    (on, no, 12:30) is a text, and null an empty one. Raises OSError or YamlFault."""
    raw = read_bounded(path, MOST_BYTES)
    try:
        return texts_of(composed(raw.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise YamlFault("it is not UTF-8; save it as UTF-8", raw.count(b"\n", 0, error.start) + 1) from None


def texts_of(content: str) -> Placed:
    """The same of a file's content. Raises YamlFault."""
    try:
        return _placed(yaml.compose(content, _Loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise YamlFault(f"it is no YAML: {error.problem or error.context}", line) from None
    except yaml.YAMLError as error:
        raise YamlFault(f"it is no YAML that is read here: {error}", None) from None
    except RecursionError:
        raise YamlFault("it is nested too deeply", None) from None


def _placed(node: Any) -> Placed:
    if node is None:
        return Placed("", 1)
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return Placed([_placed(one) for one in node.value], line)
    if isinstance(node, yaml.ScalarNode):
        return Placed("" if node.tag == "tag:yaml.org,2002:null" else node.value, line)
    held: dict[str, Placed] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise YamlFault("a key is a list or a mapping; it must be a text", key.start_mark.line + 1)
        if key.value in held:
            raise YamlFault(f"the key {key.value!r} is there twice; leave one out", key.start_mark.line + 1)
        held[key.value] = _placed(value)
    return Placed(held, line)
