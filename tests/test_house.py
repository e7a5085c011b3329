"""The order of the house that imports alone do not show: heavy libraries come with few modules, and those come late.

Who imports whom is held by import-linter; its contracts are in pyproject.toml.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.helpers import ROOT

IMPORT_ALL = """
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
print(sorted(set({heavy!r}) & set(sys.modules)))
"""


@pytest.mark.slow
def test_only_the_modules_named_for_it_bring_a_heavy_library_along() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = [one for one in settings["contracts"] if one["type"] == "forbidden"]
    late = {entry.removesuffix(" -> *") for entry in contract["ignore_imports"]}
    files = [path.relative_to(ROOT) for path in (ROOT / "har_llm").rglob("*.py")]
    names = {_module(path) for path in files} - {"har_llm.__main__"}
    assert late <= names
    code = IMPORT_ALL.format(names=sorted(names - late), heavy=contract["forbidden_modules"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout == "[]\n", done.stdout + done.stderr


HELP = """
import sys
sys.path.insert(0, {root!r})
from har_llm.cli.main import main
sys.argv = ["har-llm", "--help"]
main()
print({slow!r} & set(sys.modules), file=sys.stderr)
"""


def test_help_imports_nothing_that_takes_a_tenth_of_its_time() -> None:
    """Without site-packages (-S), whose .pth files may import anything."""
    code = HELP.format(root=str(ROOT), slow={"dataclasses", "difflib", "hydra", "pathlib", "typing", "urllib.parse"})
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("har_llm") and done.stderr == "set()\n"


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def test_a_number_of_things_is_written_by_counted() -> None:
    """ "1 texts" and "1 generations to make" were said in many places; common/numbers.py knows one from several."""
    things = "answer|event|example|field|fault|file|generation|job|model|prompt|request|row|run|session|step|text|window"
    loose = re.compile(rf"\{{(?!counted|rough|[A-Z_]+\b)[^{{}}]+\}} (?:more |other |further |W&B )?(?:{things})s\b")
    found = {
        f"{path.relative_to(ROOT)}: {slip[0]}"
        for path in [*(ROOT / "har_llm").rglob("*.py"), *(ROOT / "hydra_plugins").rglob("*.py")]
        for slip in loose.finditer(path.read_text(encoding="utf-8"))
    }
    assert not found
