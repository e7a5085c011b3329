"""llama.cpp itself, on a GGUF file of the embedded student."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from har_llm.common.errors import EngineError
from har_llm.data.answer_form import AnswerForm
from har_llm.engines.base import Decoding, Generation, LoadedModel, Request
from har_llm.engines.llama_cpp_config import LlamaCppEngineConfig
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.worker import open_engine
from har_llm.models.config import Sampling
from har_llm.runs.prepare import read_recordings, render
from har_llm.scoring.answer_format import answer_grammar
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import parse
from tests.commands import har_llm
from tests.composing import experiment
from tests.gguf_files import student, write_gguf

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed; .ci/run builds it"
    ),
]

GREEDY = Sampling(temperature=0.0, max_new_tokens=300)
HOT = Sampling(temperature=1.0, top_p=1.0, top_k=0, max_new_tokens=60)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def requests() -> list[Request]:
    made = []
    for size in (3, 10, 6):
        composed = experiment(f"window.events={size}", "limit=2", "model=tiny_student")
        recordings = read_recordings(composed)
        made += render(composed, recordings, recordings.sessions, ())
    decoding = Decoding(GREEDY, {"enable_thinking": True})
    return [Request(f"key{number}", one.messages, number, decoding) for number, one in enumerate(made)]


def generated(file: Path, requests: list[Request], **settings: object) -> dict[str, Generation]:
    engine = open_engine(
        LlamaCppEngineConfig(n_threads=1, **settings), LoadedModel(str(file), "tiny", "float32", None, False)
    )  # type: ignore[arg-type]
    try:
        return {one.key: one for one in engine.generate(requests)}
    finally:
        engine.close()


@pytest.fixture(scope="module")
def greedy(file: Path, requests: list[Request]) -> dict[str, Generation]:
    return generated(file, requests)


def texts(made: dict[str, Generation]) -> dict[str, str]:
    return {key: one.text for key, one in made.items()}


def with_sampling(request: Request, sampling: Sampling, **changes: object) -> Request:
    return request._replace(decoding=request.decoding._replace(sampling=sampling), **changes)


def test_greedy_texts_are_those_of_transformers_on_the_same_weights(
    greedy: dict[str, Generation], requests: list[Request], tmp_path: Path
) -> None:
    """With tokens of single digits, as the file says it: llama.cpp knows no tokenizer with pairs, like the student's own."""
    folder = shutil.copytree(student(), tmp_path / "student")
    tokenizer = (folder / "tokenizer.json").read_text()
    assert "N}{1,2}" in tokenizer
    (folder / "tokenizer.json").write_text(tokenizer.replace("N}{1,2}", "N}"))
    model = LoadedModel(str(folder), "tiny", "float32", None, False)
    its = {one.key: one for one in open_engine(TransformersEngineConfig(device="cpu"), model).generate(requests)}
    assert texts(greedy) == texts(its)
    for key, one in greedy.items():
        own = (one.finish_reason, one.prompt_tokens, one.completion_tokens)
        assert own == (its[key].finish_reason, its[key].prompt_tokens, its[key].completion_tokens)


def test_what_prompts_have_in_common_is_computed_once(greedy: dict[str, Generation]) -> None:
    first, *others = greedy.values()
    assert first.cached_tokens == 0
    assert all(0.4 * one.prompt_tokens < one.cached_tokens < one.prompt_tokens for one in others)


def test_each_prompt_is_computed_whole_if_it_is_asked_for(
    file: Path, requests: list[Request], greedy: dict[str, Generation]
) -> None:
    made = generated(file, requests, cache_prompt=False)
    assert texts(made) == texts(greedy) and not any(one.cached_tokens for one in made.values())


def test_guessing_ahead_changes_no_text(file: Path, requests: list[Request], greedy: dict[str, Generation]) -> None:
    assert texts(generated(file, requests, num_pred_tokens=6)) == texts(greedy)


def test_a_sample_depends_on_its_seed_alone(file: Path, requests: list[Request]) -> None:
    hot = [with_sampling(requests[0], HOT, key=f"seed{seed}", seed=seed) for seed in (1, 2, 2**62)]
    one, other = generated(file, hot), generated(file, [*reversed(hot)])
    assert texts(one) == texts(other) and len(set(texts(one).values())) == 3


def test_a_structured_answer_has_every_event_after_the_reasoning(file: Path) -> None:
    composed = experiment("limit=1", "model=tiny_student")
    recordings = read_recordings(composed)
    (prompt,) = render(composed, recordings, recordings.sessions, ())
    activities = recordings.home.activities
    boiling = Sampling(temperature=2.0, top_p=1.0, top_k=0, max_new_tokens=600)
    for form, thinking in ((AnswerForm(), True), (AnswerForm("lines"), False), (AnswerForm(), False)):
        decoding = Decoding(GREEDY if thinking else boiling, {"enable_thinking": thinking})
        request = Request("key", prompt.messages, 3, decoding, grammar=answer_grammar(prompt.ids, activities, form))
        made = generated(file, [request])["key"]
        parsed = parse(made.text, made.finish_reason, Asked(prompt.ids, Labels(activities), form), thinking=thinking)
        assert made.finish_reason == "stop" and not any(one.missed for one in parsed.strict)
        assert parsed.reasoning or not thinking


def test_texts_end_where_they_should(file: Path, requests: list[Request], greedy: dict[str, Generation]) -> None:
    cut = generated(file, [with_sampling(requests[0], Sampling(temperature=0.0, max_new_tokens=7))])["key0"]
    assert (cut.finish_reason, cut.completion_tokens) == ("length", 7)
    stop = greedy["key0"].text[20:24]
    made = generated(file, [requests[0]._replace(stop=(stop,))])["key0"]
    assert made.finish_reason == "ran_on" and made.text == greedy["key0"].text.partition(stop)[0]


def test_a_file_in_parts_says_the_same(tmp_path: Path, requests: list[Request], greedy: dict[str, Generation]) -> None:
    first = write_gguf(tmp_path / "tiny.gguf", in_parts=True)
    assert texts(generated(first, requests)) == texts(greedy)


def test_what_is_too_long_fails_alone(file: Path, requests: list[Request]) -> None:
    model = LoadedModel(str(file), "tiny", "float32", 300, False)
    engine = open_engine(LlamaCppEngineConfig(n_threads=1), model)
    made = []
    with pytest.raises(EngineError, match=r"A prompt has \d+ tokens, but the model's context is 300; use smaller windows"):
        for one in engine.generate(requests):
            made.append(one.key)
    engine.close()
    assert 0 < len(made) < len(requests)


def test_a_damaged_file_and_an_unknown_argument_are_one_sentence(file: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"flash_atn is not an argument of llama_cpp\.Llama.*flash_attn"):
        generated(file, [], extra_args={"flash_atn": True})
    (tmp_path / "cut.gguf").write_bytes(file.read_bytes()[:-100_000])
    with pytest.raises(EngineError, match=r"cut\.gguf cannot be loaded by llama\.cpp"):
        generated(tmp_path / "cut.gguf", [])


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ 'x' * 2**28 }}", "The chat template of .* cannot be read: MemoryError: it takes more than 512 MiB of memory"),
        ("{{ messages[0].content * 10**12 }}", "The chat template of .* does not take this prompt: it takes more than 512"),
        ("{% for m in messages %}", "The chat template of .* cannot be read: TemplateSyntaxError: Unexpected end"),
    ],
)
def test_a_template_that_fails_or_writes_without_end_is_one_sentence(
    tmp_path: Path, requests: list[Request], template: str, message: str
) -> None:
    hostile = write_gguf(tmp_path / "hostile.gguf", template=template)
    with pytest.raises(EngineError, match=message):
        generated(hostile, requests[:1])


def test_a_command_runs_a_file(file: Path, tmp_path: Path) -> None:
    asked = (f"model.id={file}", "model=custom", "prompt=embedded", "engine=llama_cpp", "limit=2", "baselines=none")
    done = har_llm(tmp_path, *asked)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "outputs" / "runs").iterdir()
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["generated_by"][0]["engine"] == "llama.cpp"
    assert "llama-cpp-python" in environment["generated_by"][0]["versions"]
