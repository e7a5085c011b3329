"""Damages a file in one of many ways: its type, size, depth, encoding, absence, or a value in it."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

DEEP = 100_000
HOLE = 4096
RAW = {
    "deep": "[" * DEEP + "]" * DEEP,
    "rather deep": "[" * 700 + "]" * 700,
    "400 digits": "9" * 400,
    "5,000 digits": "9" * 5000,
    "infinity": "1e999",
    "not a number": "NaN",
    "1,000,000 characters": json.dumps("x" * 1_000_000),
    "half a character": '"\\ud800"',
}
VALUES: Sequence[Any] = (None, {}, [], "", "x", -1, 0, 1.5, True, [[]], {"x": 1}, 2**63, "\0", "../../x", *RAW)
"""What a value in a file is replaced with; the name of a RAW one stands for its text."""
WHOLE = ("", "\n", "null", "{}", "[]", "7", '"x"', "{", "a: &a [*a]", *RAW.values(), "{" * DEEP, '{"a":' * DEEP)
"""What a file is replaced with."""
Mutation = Callable[[Path, random.Random], None]


def damage(path: Path, draws: random.Random) -> str:
    """Damage a file in a random way; returns how."""
    mutation = draws.choice((_value, _value, _value, draws.choice(MUTATIONS)))
    mutation(path, draws)
    return mutation.__name__.strip("_")


def _value(path: Path, draws: random.Random) -> None:
    """Replace, remove or add a value somewhere in a JSON file or in a line of one; else flip a byte."""
    lines = path.read_bytes().splitlines(keepends=True)
    single = path.suffix == ".json"
    place = draws.randrange(len(lines) or 1)
    try:
        content = json.loads(b"".join(lines) if single else lines[place])
    except (ValueError, IndexError):
        _flip(path, draws)
        return
    holder, name = draws.choice(list(_places([content])))
    value = draws.choice(VALUES)
    act = draws.randrange(8)
    if act == 0 and isinstance(holder, dict):
        del holder[name]
    elif act == 1 and isinstance(holder, dict):
        holder["of a newer version"] = value
    else:
        holder[name] = value
    text = json.dumps(content, indent=1 if single else None)
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"', raw)
    changed = f"{text}\n".encode()
    path.write_bytes(changed if single else b"".join([*lines[:place], changed, *lines[place + 1 :]]))


def _places(value: Any) -> Any:
    """Every list or object of a JSON value with each of its places."""
    for name in range(len(value)) if isinstance(value, list) else list(value):
        yield value, name
        if isinstance(value[name], (list, dict)):
            yield from _places(value[name])


def _flip(path: Path, draws: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[draws.randrange(len(content))] ^= 1 << draws.randrange(8)
    path.write_bytes(content)


def _whole(path: Path, draws: random.Random) -> None:
    path.write_text(draws.choice(WHOLE))


def _absent(path: Path, draws: random.Random) -> None:
    path.unlink()


def _cut(path: Path, draws: random.Random) -> None:
    os.truncate(path, draws.randrange(path.stat().st_size + 1))


def _cut_at_a_line(path: Path, draws: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: draws.randrange(len(lines) + 1)]))


def _repeated(path: Path, draws: random.Random) -> None:
    path.write_bytes(path.read_bytes() * 2)


def _hole(path: Path, draws: random.Random) -> None:
    content = bytearray(path.read_bytes())
    start = draws.randrange(len(content) + 1)
    content[start : start + HOLE] = bytes(len(content[start : start + HOLE]))
    path.write_bytes(content)


def _nothing_but_zeros(path: Path, draws: random.Random) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _large_hole(path: Path, draws: random.Random) -> None:
    """No byte of it is stored, but reading it whole takes gigabytes."""
    os.truncate(path, 2**36)


def _no_utf8(path: Path, draws: random.Random) -> None:
    content = path.read_bytes()
    place = draws.randrange(len(content) + 1)
    path.write_bytes(content[:place] + b"\xff\xfe" + content[place:])


def _utf16(path: Path, draws: random.Random) -> None:
    path.write_bytes(path.read_bytes().decode("utf-8", "replace").encode("utf-16"))


def _byte_order_mark(path: Path, draws: random.Random) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def _folder(path: Path, draws: random.Random) -> None:
    path.unlink()
    path.mkdir()
    if draws.random() < 0.5:
        (path / "inside").touch()


def _dangling_link(path: Path, draws: random.Random) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _link_to_itself(path: Path, draws: random.Random) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _endless_device(path: Path, draws: random.Random) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _pipe(path: Path, draws: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def _no_folder(path: Path, draws: random.Random) -> None:
    """A file in place of the folder that holds it."""
    shutil.rmtree(path.parent)
    path.parent.write_text("x")


MUTATIONS: Sequence[Mutation] = (
    _flip,
    _whole,
    _whole,
    _absent,
    _cut,
    _cut_at_a_line,
    _repeated,
    _hole,
    _nothing_but_zeros,
    _large_hole,
    _no_utf8,
    _utf16,
    _byte_order_mark,
    _folder,
    _dangling_link,
    _link_to_itself,
    _endless_device,
    _pipe,
    _no_folder,
)
