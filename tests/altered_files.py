"""Models and adapters whose files are not as they should be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Tensors = dict[str, Any]


def altered(original: Path, folder: Path, change: Callable[[Tensors], Tensors]) -> Path:
    """A copy of a folder, with other weights."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(original, folder)
    (file,) = folder.glob("*.safetensors")
    save_file(change(load_file(file)), file, metadata={"format": "pt"})
    return folder


def without_a_layer(tensors: Tensors) -> Tensors:
    return {name: one for name, one in tensors.items() if ".layers.2." not in name}
