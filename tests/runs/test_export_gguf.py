"""A model as a GGUF file: written, loaded again and asked. llama.cpp's own converter is tried where its source is here."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError, EngineError, MissingError
from har_llm.models.gguf import read_header
from har_llm.models.resolve import provenance, resolve
from har_llm.runs.export import export
from tests.composing import experiment
from tests.gguf_files import student
from tests.lora_adapters import random_adapter

ROOT = Path(__file__).parent.parent.parent
SOURCE = os.environ.get("HAR_LLM_LLAMA_CPP")
"""The folder with llama.cpp's source."""
CONVERTER = """
import sys
from pathlib import Path

sys.path.insert(0, {root!r})
import tests.gguf_files
from tests.gguf_files import write_gguf

tests.gguf_files.student = lambda: Path(sys.argv[1])  # of the model that is converted
write_gguf(Path(sys.argv[sys.argv.index("--outfile") + 1]))
"""
"""In place of llama.cpp's, which knows no tokenizer of an embedded model."""
quantiser = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed; .ci/run builds it"
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "llama.cpp"
    folder.mkdir()
    (folder / "convert_hf_to_gguf.py").write_text(CONVERTER.format(root=str(ROOT)))
    return folder


@quantiser
@pytest.mark.slow
@pytest.mark.parametrize(("quantization", "differing"), [("f32", "0"), ("q8_0", r"\d+")])
def test_a_file_has_the_merged_weights_and_says_what_is_synthetic(
    tmp_path: Path, source: Path, quantization: str, differing: str
) -> None:
    adapter = random_adapter(tmp_path / "adapter", model="tiny_student")
    # As the file divides texts, so that without rounding the answers are the same.
    model = shutil.copytree(student(), tmp_path / "model")
    tokenizer = model / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace("N}{1,2}", "N}"))
    target = tmp_path / "student.gguf"
    path, what = export(
        experiment(
            "model=tiny_student",
            f"model.id={model}",
            "lora=adapter",
            f"lora.path={adapter}",
            "export.format=gguf",
            f"export.path={target}",
            f"export.llama_cpp={source}",
            f"export.quantization={quantization}",
            "model.sampling.max_new_tokens=200",
            f"paths.outputs={tmp_path / 'outputs'}",
        )
    )
    assert path == target
    assert re.search(rf"of the 30 events in 3 windows, {differing} are answered otherwise than by the model before", what)
    assert f" in {quantization} (synthetic model); " in what
    written = experiment("model=custom", "prompt=embedded", f"model.id={target}", "engine=llama_cpp").model
    assert provenance(resolve(written)).label == "synthetic model"
    assert {one.name for one in tmp_path.iterdir() if "student" in one.name} <= {".student.gguf.lock", "student.gguf"}


@quantiser
@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("BPE pre-tokenizer was not recognized - update get_vocab_base_pre()", "does not know this model's tokenizer, so"),
        ("Architecture not supported", "does not take this model: NotImplementedError: Architecture not supported"),
    ],
)
def test_a_model_that_the_converter_does_not_take_leaves_nothing(
    tmp_path: Path, source: Path, fault: str, told: str
) -> None:
    (source / "convert_hf_to_gguf.py").write_text(f"raise NotImplementedError({fault!r})")
    asked = ("export.format=gguf", f"export.path={tmp_path / 'x.gguf'}", f"export.llama_cpp={source}")
    with pytest.raises(EngineError, match=told):
        export(experiment("model=tiny_student", *asked))
    assert not (tmp_path / "x.gguf").exists()


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (("export.path=OUT/x",), r"the name of a GGUF file ends with \.gguf"),
        (
            ("export.path=OUT/x.gguf",),
            r"export\.llama_cpp is not set; .* the folder with llama\.cpp's source \(git",
        ),
        (("export.path=OUT/x.gguf", "export.llama_cpp=OUT"), r"which has no convert_hf_to_gguf\.py"),
    ],
)
def test_what_is_lacking_is_said(tmp_path: Path, overrides: tuple[str, ...], told: str) -> None:
    addressed = [one.replace("OUT", str(tmp_path)) for one in overrides]
    with pytest.raises(ConfigError, match=told):
        export(experiment("model=tiny_student", "export.format=gguf", *addressed))


def test_the_quantiser_is_asked_for_before_anything_is_made(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    asked = ("export.format=gguf", f"export.path={tmp_path / 'x.gguf'}", f"export.llama_cpp={source}")
    with pytest.raises(MissingError, match=r"needs the package llama-cpp-python, .*pip install -e '\.\[gateway\]'"):
        export(experiment("model=tiny_student", *asked))


@quantiser
@pytest.mark.slow
@pytest.mark.skipif(
    SOURCE is None or "HAR_LLM_REAL_MODELS" not in os.environ,
    reason="HAR_LLM_LLAMA_CPP names no folder with llama.cpp's source, or HAR_LLM_REAL_MODELS none with a real model",
)
def test_llama_cpps_converter_takes_a_real_model(tmp_path: Path) -> None:
    model = Path(os.environ["HAR_LLM_REAL_MODELS"]) / "smollm2-135m"
    target = tmp_path / "real.gguf"
    asked = ("model=smollm2_135m", f"model.id={model}", "model.dtype=float32", "model.sampling.temperature=0")
    gguf = ("export.format=gguf", f"export.path={target}", f"export.llama_cpp={SOURCE}", "export.quantization=f16")
    _, what = export(experiment(*asked, *gguf, "model.sampling.max_new_tokens=80", f"paths.outputs={tmp_path}"))
    assert "synthetic" not in what and "of the 30 events in 3 windows, " in what
    assert read_header(target).chat_template is not None
