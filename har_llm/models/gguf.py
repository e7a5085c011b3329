"""What the header of a GGUF file says of its model. No weight is read, and no library is needed."""

from __future__ import annotations

import math
import mmap
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from har_llm.common.errors import MissingError

ENDING = ".gguf"
MAGIC = b"GGUF"
QUANTIZATIONS = ("f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0")
"""The number formats in which har_llm writes the weights, as llama.cpp names them; the largest first."""
PROVENANCE = "har_llm.provenance"
"""The value of a header that says what is synthetic about the model."""
PART = re.compile(r"(.+)-\d{5}-of-(\d{5})")
"""How llama.cpp names the parts of a file, and finds them."""
PART_ENDING = "-{:05}-of-{:05}"
FILE_TYPES = {
    **{0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M"},
    **{13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS"},
    **{21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S"},
    **{29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE"},
}
"""The number formats of most weights of a file, by general.file_type, as llama.cpp names them."""
SHOWN = 3
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""The kinds of numbers in a header, as struct names them."""
STRING, ARRAY = 8, 9
ROPE_TABLES = "rope_f"
"""How the names of tensors begin that stretch positions: rope_freqs, rope_factors_long, rope_factors_short."""


@dataclass(frozen=True)
class Header:
    values: dict[str, Any]
    """By name; lists are left out."""
    weights: dict[str, int]
    """The number of weights of each tensor, by its name."""
    files: Sequence[Path] = ()
    """The file, or all parts of it, in order."""

    @property
    def parameters(self) -> int:
        """Number of weights, without the tables that stretch positions."""
        return sum(count for name, count in self.weights.items() if not name.startswith(ROPE_TABLES))

    @property
    def quantisation(self) -> str | None:
        """The number format of most weights; None if the header does not say it."""
        return FILE_TYPES.get(self.values.get("general.file_type", -1))

    @property
    def stretches_positions(self) -> bool:
        """Whether positions beyond those of its first training are computed in a way of their own (rope scaling)."""
        scaling = self.values.get(f"{self.architecture}.rope.scaling.type") or "none"
        factor = self.values.get(f"{self.architecture}.rope.scale_linear", 1.0)
        return scaling != "none" or factor != 1.0 or any(name.startswith(ROPE_TABLES) for name in self.weights)

    @property
    def architecture(self) -> str:
        return str(self.values.get("general.architecture", ""))

    @property
    def chat_template(self) -> str | None:
        return self.values.get("tokenizer.chat_template")


def read_header(file: Path) -> Header:
    """What a GGUF file says; of one in parts, whichever of them is named, what all say together.

    Raises MissingError for a file that is no GGUF file or is cut short, and where parts are missing.
    """
    header = _read(file)
    count = header.values.get("split.count")
    if not isinstance(count, int) or count <= 1:
        return replace(header, files=(file,))
    files = _parts(file, count)
    headers = [header if one == file else _read(one) for one in files]
    for number, (one, found) in enumerate(zip(files, headers, strict=True)):
        if (found.values.get("split.no"), found.values.get("split.count")) != (number, count):
            raise MissingError(f"{one} is not part {number + 1} of {count}, whatever its name says; download it again.")
    return Header(headers[0].values, {name: size for one in headers for name, size in one.weights.items()}, files)


def whole_name(file: Path) -> str:
    """The name of the file whose part this is; its own if it is none."""
    found = PART.fullmatch(file.stem)
    return file.stem if found is None else found[1]


def _parts(file: Path, count: int) -> Sequence[Path]:
    """Where the parts of a file are, of which there should be so many. Raises MissingError unless all are there."""
    found = PART.fullmatch(file.stem)
    if found is None or int(found[2]) != count:
        rule = f"NAME{PART_ENDING.format(1, count)}{ENDING} and so on; give it the name back that it had"
        raise MissingError(f"{file} is one of {count} parts of a model, which are found by their names, {rule}.")
    files = [file.with_name(f"{found[1]}{PART_ENDING.format(number, count)}{ENDING}") for number in range(1, count + 1)]
    if absent := [one.name for one in files if not one.is_file()]:
        some = ", ".join(absent[:SHOWN]) + (", ..." if len(absent) > SHOWN else "")
        are, them = ("is", "it") if len(absent) == 1 else ("are", "them")
        raise MissingError(f"{file} is one of {count} parts of a model, and {some} {are} not beside it; put {them} there.")
    return files


def _read(file: Path) -> Header:
    try:
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content[: len(MAGIC)] != MAGIC:
                raise MissingError(f"{file} is no GGUF file, whatever its name says: it does not begin with GGUF.")
            return _Reader(content).header()
    except (ValueError, struct.error, MemoryError, RecursionError) as error:  # lists may nest
        raise MissingError(f"{file} is cut short or damaged ({error}); download it again.") from None


class _Reader:
    def __init__(self, content: mmap.mmap):
        self._content, self._place = content, len(MAGIC)

    def header(self) -> Header:
        version = self._number("I")
        if version not in (2, 3):
            raise ValueError(f"its version is {version}, not 2 or 3")
        tensors, count = self._number("Q"), self._number("Q")
        found = {}
        for _ in range(count):
            name, kind = self._string(), self._number("I")
            if kind == ARRAY:
                self._skip_array()
            else:
                found[name] = self._value(kind)
        return Header(found, dict(self._tensor() for _ in range(tensors)))

    def _tensor(self) -> tuple[str, int]:
        """The next tensor's name and its number of weights."""
        name = self._string()
        shape = [self._number("Q") for _ in range(self._number("I"))]
        self._number("I"), self._number("Q")  # its number format, and its place
        return name, math.prod(shape)

    def _skip_array(self) -> None:
        kind, count = self._number("I"), self._number("Q")
        if kind in NUMBERS:
            self._place += count * struct.calcsize(f"<{NUMBERS[kind]}")
            return
        for _ in range(count):
            if kind == STRING:
                length = self._number("Q")
                self._place += length
            else:
                self._skip_array()

    def _value(self, kind: int) -> Any:
        if kind != STRING and kind not in NUMBERS:
            raise ValueError(f"a value has the unknown kind {kind}")
        return self._string() if kind == STRING else self._number(NUMBERS[kind])

    def _number(self, kind: str) -> Any:
        (value,) = struct.unpack_from(f"<{kind}", self._content, self._place)
        self._place += struct.calcsize(f"<{kind}")
        return value

    def _string(self) -> str:
        length = self._number("Q")
        if self._place + length > len(self._content):
            raise ValueError("a text goes on beyond its end")
        self._place += length
        return self._content[self._place - length : self._place].decode("utf-8")
