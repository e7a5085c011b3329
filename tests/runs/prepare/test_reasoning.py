"""A model that does not reason, as its chat template says, is not asked to; before anything is loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError
from har_llm.models import resolve
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import StudentRun
from tests.composing import experiment
from tests.scripted_runs import SMALL

TINY = Path(resolve.__file__).parent / "embedded" / "tiny_student"


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A model whose template knows nothing of reasoning."""
    folder = shutil.copytree(TINY, tmp_path / "plain")
    (folder / "chat_template.jinja").write_text("{% for message in messages %}{{ message.content }}{% endfor %}")
    return folder


def of(model: Path, *overrides: str) -> tuple[str, ...]:
    return (*SMALL[:2], "model=custom", f"model.id={model}", "engine=transformers", "limit=1", *overrides)


def test_a_model_that_does_not_reason_is_refused_with_thinking(plain: Path) -> None:
    with pytest.raises(ConfigError, match="thinking is true for plain, but its chat template has neither"):
        prepare(experiment(*of(plain)))
    prepare(experiment(*of(plain, "model.thinking=false")))


def test_a_student_reasons_if_its_teacher_does_and_so_may_any_adapter(plain: Path, tmp_path: Path) -> None:
    student = prepare(experiment(*of(plain, "lora=distilled_tiny")))
    assert isinstance(student, StudentRun)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 8}')
    (adapter / "adapter_model.safetensors").write_bytes(b"")
    assert prepare(experiment(*of(plain, "lora=adapter", f"lora.path={adapter}"))).adapter is not None


def test_a_teacher_that_does_not_reason_is_refused_before_it_writes(plain: Path) -> None:
    teacher = ("model=tiny_student", "lora=distilled_tiny", f"lora.teacher.id={plain}", "lora.teacher.name=plain")
    with pytest.raises(ConfigError, match=r"true for plain.*\(of a teacher: lora\.teacher\.thinking=false\)"):
        prepare(experiment(*SMALL[:2], *teacher, "engine=transformers", "limit=1"))


def test_a_model_of_the_hub_is_refused_before_it_is_downloaded(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "resolve", lambda model, **_: ResolvedModel(model, "c" * 40, None, small_files=plain))
    with pytest.raises(ConfigError, match=r"thinking is true for qwen3_0\.6b"):
        prepare(experiment("model=qwen3_0.6b", "engine=transformers", "limit=1"))
