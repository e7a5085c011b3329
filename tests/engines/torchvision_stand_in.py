"""Stands in for torchvision, whose wheels need another PyTorch than vLLM's CPU build has.

vLLM and Transformers import it for models that also read images; with text alone nothing of it is called.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

MODULES = ("", "io", "transforms", "transforms/functional", "transforms/v2", "transforms/v2/functional")
ANY_CLASS = """
class AnyClass(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return AnyClass(name, (), {})


def __getattr__(name):
    return getattr(AnyClass("module", (), {}), name)
"""
ABOUT = "Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n"


def make_importable(folder: str) -> None:
    """Write it into a folder from which this process and those that it starts import; not where there is a real one."""
    if importlib.util.find_spec("torchvision") is not None:
        return
    for name in MODULES:
        module = Path(folder, "torchvision", name)
        module.mkdir(parents=True)
        (module / "__init__.py").write_text(ANY_CLASS)
    about = Path(folder, "torchvision-0.28.0.dist-info")
    about.mkdir()
    (about / "METADATA").write_text(ABOUT)
    (about / "RECORD").write_text("torchvision/__init__.py,,\n")
    sys.path.insert(0, folder)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
