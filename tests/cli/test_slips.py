"""What people mistype, and the first line of the answer: slips.txt, a transcript. Each says what to type instead.

`...` in an answer stands for any text, such as the names of all models.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from har_llm.cli.main import main

pytestmark = pytest.mark.slow

TRANSCRIPT = Path(__file__).with_name("slips.txt")
SLIPS = re.findall(r"^\$ har-llm (.*)\n(.*)$", TRANSCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
NOT_OURS = re.compile(
    r"Traceback|Hydra|hydra\.(?!launcher\.\w+ is )|lexer|mismatched|token|no viable|Ambiguous|Override|multirun: "
)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("HAR_LLM_DATA", raising=False)
    GlobalHydra.instance().clear()
    yield
    GlobalHydra.instance().clear()
    assert not any(tmp_path.rglob("*.jsonl"))


def answer(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> str:
    """What the command prints before it ends with an error."""
    monkeypatch.setattr("sys.argv", ["har-llm", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capfd.readouterr().err
    if isinstance(ended.value.code, str):
        return said + ended.value.code
    assert ended.value.code
    return said


@pytest.mark.parametrize("typed, said", SLIPS, ids=[typed for typed, _ in SLIPS])
def test_a_slip_is_answered_with_what_to_type(
    typed: str, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    answered = answer(shlex.split(typed), monkeypatch, capfd)
    assert re.fullmatch(".*".join(map(re.escape, said.split("..."))), answered.splitlines()[0])
    assert not NOT_OURS.search(answered) and ("++" in typed or "++" not in answered)


def test_there_are_enough_of_them() -> None:
    assert len(SLIPS) >= 60
