"""The folders in Hugging Face's layout that are made of GGUF files, each once; they lie beside the hub's cache."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from har_llm.common.errors import MissingError
from har_llm.common.extras import installed_by
from har_llm.common.files import put_in_place, staging_folder
from har_llm.common.process import JsonProcess
from har_llm.models.config import DTYPES
from har_llm.models.room import check_room

FORMAT = 4
"""To be raised when another model would be made of the same file; part of its version."""


def folder_of(file: Path, version: str, dtype: str) -> Path:
    """The folder of a GGUF file, whether it is made yet or not. `version`: a digest of the file."""
    from huggingface_hub.constants import HF_HOME

    return Path(HF_HOME) / "har_llm" / f"{file.stem[:60]}-{version}-{dtype}"


def dequantised(file: Path, version: str, dtype: str, parameters: int) -> Path:
    """Make the folder. Raises MissingError without the package or the room, EngineError if the file cannot be read."""
    if importlib.util.find_spec("gguf") is None:
        raise MissingError(
            f"{file} is read with the package gguf, which is not installed here; install it with {installed_by('gguf')}."
        )
    check_room(f"{file} in {dtype} takes", parameters * DTYPES[dtype])
    folder = folder_of(file, version, dtype)
    with staging_folder(folder) as staging:
        if folder.is_dir():  # another process has made it meanwhile
            return folder
        process = JsonProcess("har_llm.models.dequantise:serve", f"The process that reads {file}")
        try:
            process.send({"gguf": str(file), "folder": str(staging), "dtype": dtype})
            process.receive()
        finally:
            process.close()
        put_in_place(staging, folder)
    return folder
