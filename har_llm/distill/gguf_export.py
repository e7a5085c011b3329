"""A model's folder becomes a GGUF file: llama.cpp's own converter writes it, and its own quantiser its quantised weights."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from har_llm.common.errors import ConfigError, EngineError, MissingError
from har_llm.common.extras import installed_by
from har_llm.common.paths import expanded
from har_llm.common.process import JsonProcess
from har_llm.common.provenance import Provenance
from har_llm.common.text import visible
from har_llm.models.gguf import PROVENANCE

CONVERTER = "convert_hf_to_gguf.py"
UNKNOWN_TOKENIZER = "BPE pre-tokenizer was not recognized"
"""What the converter says of a tokenizer that is not among those whose digests it has."""
SOURCE = "git clone --depth 1 https://github.com/ggml-org/llama.cpp"


def converter_in(folder: str | None) -> Path:
    """llama.cpp's converter, in the folder of its source. Raises ConfigError, or MissingError without the quantiser."""
    if folder is None or not (found := expanded(folder) / CONVERTER).is_file():
        said = "is not set" if folder is None else f"is {folder!r}, which has no {CONVERTER}"
        raise ConfigError(
            f"export.llama_cpp {said}; export.format=gguf uses llama.cpp's own converter, so set it to the folder with "
            f"llama.cpp's source ({SOURCE})."
        )
    if importlib.util.find_spec("llama_cpp") is None:
        raise MissingError(
            "export.format=gguf needs the package llama-cpp-python, whose quantiser it uses; install it with "
            f"{installed_by('gateway')}."
        )
    return found


def write_gguf(
    folder: Path, target: Path, *, converter: Path, quantization: str, name: str, provenance: Provenance, whole: bool
) -> None:
    """Write the model in `folder` as one GGUF file with its tokenizer and chat template.

    `name`: the model's, for its metadata. `provenance`: what is synthetic about it, kept in the file. `whole`: whether its
    weights have 32 bits. Raises EngineError if llama.cpp does not take the model.
    """
    converted = target.with_name("converted.gguf")
    # auto: the weights' own 16 bits, so that nothing is rounded before it is quantised.
    bits = "f32" if whole else "auto"
    _run([sys.executable, str(converter), str(folder), "--outfile", str(converted), "--outtype", bits, "--model-name", name])
    process = JsonProcess("har_llm.distill.gguf_quantise:serve", "The quantising process")
    try:
        values = {PROVENANCE: provenance.label} if provenance.label else {}
        message = {"source": str(converted), "target": str(target), "quantization": quantization, "values": values}
        process.send(message)
        process.receive()
    finally:
        process.close()
    converted.unlink()


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        if UNKNOWN_TOKENIZER in done.stderr:
            raise EngineError(
                "llama.cpp's converter does not know this model's tokenizer, so it cannot become a GGUF file; choose "
                "another model, or take a newer version of llama.cpp's source (export.llama_cpp)."
            )
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it says nothing"]
        raise EngineError(f"llama.cpp's converter does not take this model: {visible(lines[-1])[:300]}")
