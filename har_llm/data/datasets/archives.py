"""Reads releases that may come as a zip file: tables with quoted fields, and JSON lists. Collects every fault in them."""

from __future__ import annotations

import csv
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from har_llm.common.files import MOST_BYTES, check_bounded
from har_llm.common.numbers import counted
from har_llm.data.datasets.files import FileReader, shown

MOST_JSON = 8 * 1024**2
"""JSON of a release may have fewer, because it takes many times as much memory as it has bytes."""
SHORT = 10_000
"""Characters of a row of which no field is too long for the csv module."""
SIMPLE = re.compile(r'((?:[^", \r\n][^",\r\n]*,|,)*)"([^"]*)"((?:,(?:[^", \r\n][^",\r\n]*)?)*)')
"""A row of which one field is in quotes, and none begins with a blank."""


class ArchiveReader(FileReader):
    """Reads a folder, or a zip file as if it were one: members are read in memory, nothing is ever extracted."""

    def __init__(self) -> None:
        super().__init__()
        self._root = Path()
        self._archive: zipfile.ZipFile | None = None
        self._members: dict[str, zipfile.ZipInfo] = {}

    @contextmanager
    def opened(self, root: Path) -> Iterator[bool]:
        """Whether the folder or zip file can be read; its files are read inside the `with`, as paths below the root."""
        if root.is_dir():
            yield True
            return
        try:
            check_bounded(root, MOST_BYTES)
            archive = zipfile.ZipFile(root)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
            self.fault(root, None, "bad zip file", f"is no readable zip file ({error}); download it again")
            yield False
            return
        with archive:
            self._root, self._archive = root, archive
            for member in archive.infolist():
                name = member.filename.replace("\\", "/")  # which some Windows tools write
                if name in self._members:
                    rule = "which of them is meant is not known; keep one of them, or download the zip file again"
                    self.fault(root / name, None, "member twice", f"the zip file has two files of this name; {rule}")
                self._members[name] = member
            yield True
        self._archive = None

    def folders(self, parent: Path) -> list[Path]:
        if self._archive is None:
            return super().folders(parent)
        above = parent.relative_to(self._root).parts
        depth = len(above)
        members = [tuple(member.split("/")) for member in self._members]
        names = {parts[depth] for parts in members if len(parts) > depth + 1 and parts[:depth] == above}
        return sorted(parent / name for name in names if name not in ("", ".", ".."))

    def content(self, path: Path, most: int) -> bytes | None:
        if self._archive is None:
            return super().content(path, most)
        member = self._members.get(path.relative_to(self._root).as_posix())
        if member is None:
            self.missing(path)
            return None
        if member.file_size > most:
            rule = f"at most {most:,} are read; that is no text file of the release, download it again"
            self.fault(path, None, "too large", f"unpacks to {member.file_size:,} bytes; {rule}")
            return None
        try:
            with self._archive.open(member) as stream:
                return stream.read(most)  # bounded whatever the size in the zip's own header
        except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, EOFError, zlib.error, lzma.LZMAError) as error:
            self.fault(path, None, "bad zip file", f"cannot be unpacked ({error}); download the zip file again")
            return None

    def table(self, path: Path, columns: tuple[str, ...], row_start: re.Pattern[str]) -> Iterator[tuple[int, list[str]]]:
        """Line number and fields of every row of a comma-separated file whose quoted fields may hold commas and line ends.

        `row_start` matches the beginning of a row and of no line inside a quoted field: a lost quote then costs one row.
        """
        lines = self.lines(path)
        if not lines or lines[0] is None:
            return
        if tuple(_fields(lines[0])[0]) != columns:
            self.fault(path, 1, "wrong header", f"the first line is {shown(lines[0])}; it must be {','.join(columns)}")
            return
        self.check_rows(path, lines)
        for number, text in _joined(lines[1:], row_start):
            fields, quoted_well = _fields(text)
            if not text.strip():
                self.empty_line(path, number)
            elif len(fields) == len(columns):
                if not quoted_well:
                    self.repair(
                        path, number, "quotes in a text", f"{shown(text)} has quotes inside a text; read as they stand"
                    )
                yield number, fields
            elif quoted_well:
                rule = f"a row must have {len(columns)}: {','.join(columns)}; a text with a comma must be in quotes"
                self.fault(
                    path, number, "wrong number of fields", f"{shown(text)} has {counted(len(fields), 'field')}; {rule}"
                )
            else:
                rule = f"it must have {counted(len(columns), 'field')}, and every quote its second one before the next row"
                self.fault(path, number, "wrong quotes", f"{shown(text)} cannot be split into fields; {rule}")

    def items(self, path: Path, keys: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The objects of a JSON list that have the keys, counted from 1."""
        lines = self.lines(path, MOST_JSON)
        if not lines or None in lines:
            return
        try:
            items = json.loads("\n".join(map(str, lines)))
        except json.JSONDecodeError as error:
            rule = "mend it or get the file again"
            self.fault(path, error.lineno, "not JSON", f"is not JSON at column {error.colno} ({error.msg}); {rule}")
            return
        except (RecursionError, ValueError) as error:  # nested too deeply; a number of thousands of digits
            self.fault(path, None, "not JSON", f"is not JSON that can be read ({error}); get the file again")
            return
        rule = f"it must be a list of objects with {', '.join(keys)}"
        if not isinstance(items, list) or not items:
            self.fault(path, None, "wrong JSON", f"holds {shown(str(items))}; {rule}")
            return
        for number, item in enumerate(items, start=1):
            if not isinstance(item, dict) or not all(key in item for key in keys):
                self.fault(path, None, "wrong item", f"item {number} is {shown(str(item))}; {rule}")
            elif not _is_unicode(item):
                broken = "it has an escape from \\ud800 to \\udfff without the other half of its character; mend its text"
                self.fault(path, None, "half a character", f"item {number} is {shown(str(item))}; {broken}")
            else:
                yield number, item


def _is_unicode(item: Mapping[str, Any]) -> bool:
    """JSON may hold an escape for half of a surrogate pair, which cannot be written to a file or given to a tokenizer."""
    try:
        json.dumps(item, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _joined(lines: Sequence[str | None], row_start: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Every row with the number of its first line; the first of `lines` is line 2. Lines of a quoted field are joined."""
    held: list[str] = []
    opened = False
    first = 2
    for number, line in enumerate(lines, start=2):
        if held and (line is None or row_start.match(line)):
            yield first, "\n".join(held)
            held, opened = [], False
        if line is None:
            continue
        if not held:
            first = number
        held.append(line)
        opened ^= line.count('"') % 2 == 1
        if not opened:
            yield first, "\n".join(held)
            held = []
    if held:
        yield first, "\n".join(held)


def _fields(row: str) -> tuple[list[str], bool]:
    """A row's fields (none if it cannot be split), and whether its quotes follow the format."""
    if '"' not in row:
        return row.split(","), True
    if len(row) <= SHORT and (simple := SIMPLE.fullmatch(row)) is not None:  # as most are: several times as fast
        before, quoted, behind = simple.groups()
        return [*before.split(",")[:-1], quoted, *behind.split(",")[1:]], True
    for strict in (True, False):
        with suppress(csv.Error):
            return next(csv.reader([row], strict=strict, skipinitialspace=True), []), strict
    return [], False
