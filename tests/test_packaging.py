"""The wheel as a user gets it, and the main job done with it alone; the pinned versions."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.helpers import CONF, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh environment that has the wheel, and of the running one only what it depends on."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    _run(sys.executable, "-m", "venv", environment, cwd=environment.parent)
    programs = environment / "bin"
    _run(programs / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=environment.parent)
    # Folders named in a .pth come after the environment's own, and the .pth files in them, such as an editable
    # har_llm's, are not read.
    (site_packages,) = environment.glob("lib/python*/site-packages")
    dependencies = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    (site_packages / "dependencies.pth").write_text("\n".join(dependencies), encoding="utf-8")
    return programs


PYTHONS = ("3.11", "3.12", "3.13")


def test_every_python_that_is_allowed_has_a_lock_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed = SpecifierSet(project["requires-python"])
    assert tuple(f"3.{minor}" for minor in range(8, 20) if f"3.{minor}.1" in allowed) == PYTHONS
    assert {path.name for path in (ROOT / "locks").iterdir()} == {f"gpu-{version}.txt" for version in PYTHONS}


def test_a_lock_has_no_two_packages_that_hold_the_same_files() -> None:
    """cuda-python 12 brings the files of cuda-bindings 12, over which those of cuda-bindings 13 are installed."""
    for path in (ROOT / "locks").iterdir():
        pins = dict(line.split("==") for line in path.read_text(encoding="utf-8").splitlines() if "==" in line)
        assert pins["cuda-python"].split(".")[0] == pins["cuda-bindings"].split(".")[0], path


@pytest.mark.parametrize(
    ("file", "extras"),
    [
        *((f"locks/gpu-{version}.txt", ["vllm", "unsloth"]) for version in PYTHONS),
        (".ci/constraints.txt", ["dev", "unsloth"]),
    ],
)
def test_the_pinned_versions_are_allowed_public_ones(file: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(name for extra in extras for name in project["optional-dependencies"][extra])]
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines())
    pinned = {_name(pin): str(pin.specifier) for pin in map(Requirement, filter(None, lines))}
    for wanted in map(Requirement, asked):
        version = pinned[_name(wanted)].removeprefix("==").replace(".*", ".0")
        assert Version(version).local is None  # a local version, such as +cpu, is on no public index
        assert wanted.specifier.contains(version), f"{file} has {wanted.name} {version}, pyproject.toml asks for {wanted}"


@pytest.mark.slow
def test_the_wheel_holds_what_a_run_needs_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    conf = {f"har_llm/conf/{path.relative_to(CONF).as_posix()}" for path in CONF.rglob("*.yaml")}
    files = (path for path in (ROOT / "har_llm").rglob("*") if path.is_file() and path.suffix != ".pyc")
    package = {path.relative_to(ROOT).as_posix() for path in files}
    assert "har_llm/conf/config.yaml" in conf
    for model in ("tiny_student", "tiny_teacher"):
        assert f"har_llm/models/embedded/{model}/model.safetensors" in package
    assert "hydra_plugins/har_llm_launcher/launcher.py" in names
    assert "hydra_plugins/__init__.py" not in names  # Hydra's namespace is everybody's
    assert conf | package <= names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"har_llm", "hydra_plugins"}
    assert not [name for name in names if "__pycache__" in name]
    (licence,) = (name for name in names if name.endswith("/LICENSE"))
    assert licence.split("/")[0].endswith(".dist-info")


@pytest.mark.slow
def test_the_installed_package_uses_its_own_files(installed: Path, tmp_path: Path) -> None:
    code = "import har_llm, har_llm.common.shipped, hydra_plugins.har_llm_launcher as plugin; "
    code += "print(har_llm.__file__, har_llm.common.shipped.conf_folder(), plugin.__file__, sep='\\n')"
    shown = _run(installed / "python", "-c", code, cwd=tmp_path).stdout.split("\n")[:3]
    assert [path for path in shown if not Path(path).is_relative_to(installed.parent)] == []
    assert Path(shown[1]).name == "conf"


@pytest.mark.slow
def test_the_installed_command_does_the_main_job_elsewhere(installed: Path, tmp_path: Path) -> None:
    shown = _run(installed / "har-llm", "limit=2", cwd=tmp_path).stdout
    assert "synthetic home, synthetic model" in shown
    assert "partial" in shown
    (run,) = (tmp_path / "outputs" / "runs").glob("*-tiny_teacher-*")
    assert (run / "metrics.json").is_file()
    assert str(run.relative_to(tmp_path)) in shown
    assert {path.name for path in tmp_path.iterdir()} <= {"outputs", "hf"}  # hf: HF_HOME, as conftest sets it


def _name(requirement: Requirement) -> str:
    return requirement.name.lower().replace("_", "-")


def _run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "HAR_LLM_DATA")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done
