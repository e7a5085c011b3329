"""YAML that is read back. Imported only when there is some, as it imports yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from har_llm.common.files import read_bounded

MOST_BYTES = 2**20
"""No config of a run is nearly as large, and yaml takes seconds for each MB."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Without aliases, by which a few lines stand for more than fits into memory; har_llm writes none."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(
                f"line {self.peek_event().start_mark.line + 1} has an alias, and none is written by har_llm"
            )
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> Any:
    """The plain value in a file. Raises OSError, ValueError or YAMLError."""
    return yaml.load(read_bounded(path, MOST_BYTES).decode(), _Loader)  # noqa: S506 (a SafeLoader)
