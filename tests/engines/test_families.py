"""Models of other families than the embedded ones: their templates, and the same generations in both engines."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from har_llm.common.errors import EngineError
from har_llm.data.records import Message
from har_llm.engines.base import Adapter, Decoding, Generation, LoadedModel, Request
from har_llm.engines.chat import ChatTokenizer
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.vllm_config import VllmEngineConfig, installed
from har_llm.engines.worker import open_engine
from har_llm.models.chat_template import chat_template
from har_llm.models.config import ModelConfig, Sampling
from har_llm.models.reasoning import PUBLISHED
from tests.engines.families import FAMILIES, make
from tests.engines.torchvision_stand_in import make_importable
from tests.lora_adapters import LINEAR, random_adapter_of

pytestmark = pytest.mark.slow  # importing PyTorch

GREEDY = Sampling(temperature=0.0, max_new_tokens=24)
SAID = ("kitchen stove turned ON", "hall motion sensor turned ON, then kitchen fridge door OPENED, then CLOSED", "bedroom")
OPTIONS = ModelConfig(name="m", id="m", thinking=False).template_options()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("families")
    return {name: make(name, root / name) for name in FAMILIES}


def messages(name: str, said: str) -> tuple[Message, ...]:
    user: Message = {"role": "user", "content": said}
    return ({"role": "system", "content": "Answer with a list."}, user) if FAMILIES[name].system else (user,)


def requests(name: str, adapter: Adapter | None = None) -> list[Request]:
    """Also with the adapter, if there is one."""
    decoding = Decoding(GREEDY, OPTIONS)
    plain = [Request(said, messages(name, said), place, decoding) for place, said in enumerate(SAID)]
    return [*plain, *(one._replace(key=f"adapted: {one.key}", adapter=adapter) for one in plain if adapter is not None)]


def loaded(folder: Path) -> LoadedModel:
    return LoadedModel(str(folder), "tiny", "float32", None, False)


def by_transformers(name: str, folder: Path, adapter: Adapter | None = None, **settings: int) -> dict[str, Generation]:
    engine = open_engine(TransformersEngineConfig(device="cpu", **settings), loaded(folder))
    return {one.key: one for one in engine.generate(requests(name, adapter))}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_prompt_is_what_the_family_has_been_trained_on(folders: dict[str, Path], name: str) -> None:
    family, chat = FAMILIES[name], ChatTokenizer(folders[name], trust_remote_code=False)
    prompt = chat.render(messages(name, SAID[0]), OPTIONS)
    assert SAID[0] in prompt and ("Answer with a list." in prompt) == family.system
    ids = chat.tokens(prompt)
    if family.bos is not None:
        wanted = "bos_token" in (chat_template(folders[name]) or "")
        assert ids.count(chat.tokenizer.convert_tokens_to_ids(family.bos)) == wanted
    assert prompt.rstrip().endswith("<think>") == family.opens
    assert chat.ends == chat.tokenizer.convert_tokens_to_ids(list(family.ends))
    if not family.system:
        system: Message = {"role": "system", "content": "x"}
        with pytest.raises(EngineError, match=r"does not take this prompt: .* set prompt\.system=''"):
            chat.render((system, *messages(name, SAID[0])), OPTIONS)


def test_the_marks_of_a_family_are_those_of_its_template(folders: dict[str, Path]) -> None:
    found = {name: PUBLISHED.in_template(chat_template(folder) or "")[0] for name, folder in folders.items()}
    assert found.pop("gpt_oss") == "<|channel|>analysis<|message|>"
    assert set(found.values()) == {"<think>"}


@pytest.mark.parametrize("name", FAMILIES)
def test_generations_do_not_depend_on_the_batch(folders: dict[str, Path], name: str) -> None:
    """Whether prompts are padded, with a token of the family or not, and whatever a layer sees of them."""
    together, alone = (by_transformers(name, folders[name], batch_size=size) for size in (3, 1))
    assert {key: one.text for key, one in together.items()} == {key: one.text for key, one in alone.items()}
    assert len({one.text for one in together.values()}) > 1


IN_BOTH = ("llama3.2", "mistral", "gemma2", "gemma3", "phi4_mini", "smollm3", "gpt_oss")
READS_IMAGES = "gemma3"
"""Its layers lie deeper than those of a model of text alone, and so do the names of an adapter's weights."""


@pytest.fixture
def adapter(folders: dict[str, Path], tmp_path: Path) -> Adapter:
    """For the text part of a model that also reads images."""
    from transformers import AutoModelForImageTextToText

    base = AutoModelForImageTextToText.from_pretrained(folders[READS_IMAGES])
    layers = rf".*\.language_model\..*\.({'|'.join(LINEAR)})"
    return Adapter("text", str(random_adapter_of(base, tmp_path / "adapter", scale=40, target_modules=layers)))


def by_vllm(folders: dict[str, Path], adapter: Adapter) -> dict[str, dict[str, Generation]]:
    from tests.engines import warm_vllm  # noqa: F401

    config = VllmEngineConfig(cpu_kvcache_space=1, max_num_seqs=4)
    return {
        name: {one.key: one for one in open_engine(config, loaded(folder)).generate(asked)}
        for name, folder in folders.items()
        for asked in [requests(name, adapter if name == READS_IMAGES else None)]
    }


@pytest.mark.skipif(not installed(), reason="vLLM is not installed; .ci/run installs its CPU build")
def test_both_engines_write_the_same(
    folders: dict[str, Path], adapter: Adapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an adapter for a model that also reads images, too."""
    monkeypatch.setenv("GOMP_SPINCOUNT", "10000")  # as in every engine's process: beside other tests, spinning takes minutes
    own = ProcessPoolExecutor(1, get_context("spawn"), make_importable, (str(tmp_path / "torchvision"),))
    with own as executor:  # one process, as importing vLLM takes long
        theirs = executor.submit(by_vllm, {name: folders[name] for name in IN_BOTH}, adapter).result()
    ours = {name: by_transformers(name, folders[name], adapter if name == READS_IMAGES else None) for name in IN_BOTH}
    assert _compared(theirs) == _compared(ours)
    texts = {key: one.text for key, one in ours[READS_IMAGES].items()}
    assert all(texts[f"adapted: {said}"] != texts[said] for said in SAID)


def _compared(found: dict[str, dict[str, Generation]]) -> dict[tuple[str, str], Generation]:
    return {
        (name, key): one._replace(
            seconds=0, cached_tokens=0, text=one.text.rstrip("\ufffd")
        )  # vLLM writes no half character
        for name, generations in found.items()
        for key, one in generations.items()
    }
