"""What can be chosen: the options of each group of conf/, and of a user's own folders of options.

--help lists them, so this is done without pathlib, whose import and search take half of its time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from har_llm.common.conf import CONF


def options(arguments: Sequence[str]) -> Mapping[str, list[str]]:
    """The options of each group, as in bundle/paper. `arguments` may name further folders of them with --config-dir.

    A folder whose name begins with "_" is no group: it holds what several options share.
    """
    found: dict[str, set[str]] = {}
    for root in (CONF, *_own_folders(arguments)):
        for group, names in _groups(root):
            found.setdefault(group, set()).update(names)
    shown = sorted(group for group in found if not group.startswith("hydra/") and "/_" not in f"/{group}")
    return {group: sorted(found[group], key=_natural) for group in shown}


def _groups(root: str) -> Iterator[tuple[str, list[str]]]:
    """Each folder below this one that has options, as in bundle/paper, with their names."""
    _, groups, _ = next(os.walk(root), (root, [], []))
    for group in groups:
        for folder, _, files in os.walk(f"{root}/{group}"):
            if names := [file.removesuffix(".yaml") for file in files if file.endswith(".yaml")]:
                yield folder[len(root) + 1 :].replace(os.sep, "/"), names


def _own_folders(arguments: Sequence[str]) -> list[str]:
    folders = []
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in ("--config-dir", "-cd"):
            from har_llm.common.paths import expanded

            given = value if equals else arguments[place + 1] if place + 1 < len(arguments) else "."
            folders.append(str(expanded(given)))
    return folders


def _natural(name: str) -> tuple[str, float]:
    """A sort key that puts qwen3_4b before qwen3_14b."""
    head, _, tail = name.rpartition("_")
    size = tail.removesuffix("b")
    return (head, float(size)) if size.replace(".", "", 1).isdigit() else (name, 0.0)
