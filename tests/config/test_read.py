"""The schema: every shipped config is valid, every wrong one is refused with the field, the value and the rule."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

from har_llm.common.errors import ConfigError
from har_llm.common.schema import component_class, defaults_of
from har_llm.config.experiment import GROUPS
from har_llm.config.read import read_experiment
from har_llm.distill.config import Distilled
from har_llm.models.config import Sampling
from tests.composing import composed, experiment
from tests.helpers import CONF

OPTIONS = sorted(f"{path.parent.name}={path.stem}" for group in GROUPS for path in (CONF / group).glob("*.yaml"))


NEEDED = {
    "decoding=self_consistency": ["model.sampling.temperature=0.6"],
    "decoding=stop_repetition": ["engine=vllm"],
    "decoding=structured": ["engine=vllm"],
    "decoding=thinking_budget": ["engine=vllm"],
    "engine=openai": ["engine.base_url=http://127.0.0.1:8000/v1"],
    "dataset=events": ["dataset.path=week.csv"],
    "dataset=home_assistant": ["dataset.path=history.csv"],
    "lora=adapter": ["lora.path=nowhere"],
    "lora=distilled": ["engine=transformers"],
    "lora=examples": ["engine=transformers", "lora.examples.path=rows.jsonl"],
    "lora=rationalization": ["engine=transformers"],
    "lora=rejection_sampling": ["engine=transformers"],
    "lora=gold_answers": ["engine=transformers", "model.thinking=false"],
    "lora=distilled_tiny": ["engine=transformers"],
    "model=custom": ["model.id=Qwen/Qwen3-0.6B"],
    "prompt=verbatim": ["prompt.path=prompt.txt"],
    "split=named": ["split.train=[simulated_flat-01]", "split.test=[simulated_flat-02]"],
}


QWEN3 = {
    "qwen3_0.6b": ("Qwen/Qwen3-0.6B", 596_049_920),
    "qwen3_1.7b": ("Qwen/Qwen3-1.7B", 1_720_574_976),
    "qwen3_4b": ("Qwen/Qwen3-4B", 4_022_468_096),
    "qwen3_8b": ("Qwen/Qwen3-8B", 8_190_735_360),
    "qwen3_14b": ("Qwen/Qwen3-14B", 14_768_307_200),
    "qwen3_32b": ("Qwen/Qwen3-32B", 32_762_123_264),
}


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS)
def test_every_shipped_option_is_valid(option: str) -> None:
    built = experiment(option, *NEEDED.get(option, []))
    assert dataclasses.is_dataclass(getattr(built, option.partition("=")[0]))


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS)
def test_every_setting_is_composed_with_its_default(option: str) -> None:
    """So --cfg job shows all there are, and a run keeps them."""
    group = option.partition("=")[0]
    node = composed(option)[group]
    settings = defaults_of(component_class(node["_target_"], option))
    assert set(node) == {"_target_", *settings}
    for key, values in settings.items():
        if isinstance(values, dict):
            assert set(values) <= set(node[key])


@pytest.mark.parametrize("option", OPTIONS)
def test_no_shipped_option_repeats_a_default(option: str) -> None:
    """A setting and its default stand once."""
    group, _, name = option.partition("=")
    written = plain(OmegaConf.load(CONF / group / f"{name}.yaml"))
    first = written.pop("defaults")[0]
    if first.startswith("/schema/"):
        beneath = defaults_of(component_class(first.removeprefix("/schema/").partition("@")[0], option))
    else:
        beneath = plain(composed(f"{group}={first}")[group])
    assert list(repeated(written, beneath)) == []


def repeated(written: dict[str, Any], beneath: dict[str, Any]) -> Iterator[str]:
    for name, value in written.items():
        under = beneath.get(name, ...)
        if isinstance(value, dict) and isinstance(under, dict):
            yield from (f"{name}.{inner}" for inner in repeated(value, under))
        elif value == under:
            yield name


def plain(config: Any) -> dict[str, Any]:
    values = OmegaConf.to_container(config)
    assert isinstance(values, dict)
    return {str(name): value for name, value in values.items()}


@pytest.mark.parametrize("name", QWEN3)
def test_qwen3_models_are_what_their_authors_recommend(name: str) -> None:
    model = experiment(f"model={name}").model
    assert (model.id, model.parameters) == QWEN3[name]
    assert (model.revision, model.dtype, model.thinking, model.context) == ("main", "bfloat16", True, 40960)
    assert model.sampling == Sampling(temperature=0.6, top_p=0.95, top_k=20, min_p=0.0, max_new_tokens=32768)
    silent = experiment(f"model={name}", "model.thinking=false")
    assert silent.model.sampling == Sampling(temperature=0.7, top_p=0.8, top_k=20, min_p=0.0, max_new_tokens=32768)
    assert silent.source["model"]["sampling"]["temperature"] == 0.7


def test_sampling_that_is_set_is_taken_whether_a_model_reasons_or_not() -> None:
    for on in ("true", "false"):
        chosen = experiment("model=qwen3_8b", f"model.thinking={on}", "model.sampling.temperature=0.1")
        assert chosen.model.sampling.temperature == 0.1


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (["model.id=Qwen/Qwen3-0.6B"], "Qwen3-0.6B"),
        (["model.id=/srv/models/smollm2-135m/"], "smollm2-135m"),
        (["model.id='~/SmolLM2 135M.gguf'"], "SmolLM2-135M"),
        (["model.id='数据/数据'"], "custom"),
        (["model.id='wéek.gguf'"], "week"),
        (["model.id=Qwen/Qwen3-0.6B", "model.name=mine"], "mine"),
    ],
)
def test_a_custom_model_is_called_by_its_id(given: list[str], name: str) -> None:
    """All of them were called custom, and their runs could not be told apart."""
    assert experiment("model=custom", *given).model.name == name


@pytest.mark.parametrize("off", ["no", "off", "0", "False"])
def test_however_reasoning_is_turned_off_its_sampling_is_too(off: str) -> None:
    model = experiment("model=qwen3_8b", f"model.thinking={off}").model
    assert not model.thinking and model.sampling.temperature == 0.7


def test_a_teacher_is_sampled_as_it_reasons_itself() -> None:
    silent = experiment("lora=distilled", "model=qwen3_0.6b", "model.thinking=false", "lora.teacher.thinking=false")
    assert isinstance(silent.lora, Distilled) and silent.lora.teacher.sampling.temperature == 0.7


WRONG = [
    ("window.events=abc", "window.events is 'abc'; it must be a whole number."),
    ("window.events=0", "window.events is 0; it must be at least 1"),
    ("window.min_events=11", "window.min_events is 11; it must be from 1 to window.events (10)"),
    ("lora.training.learning_rate=1e-4", "lora=none trains none; choose lora=distilled or lora=distilled_tiny"),
    ("window.evnts=3", "window.evnts is not a setting. Did you mean window.events?"),
    ("+tsk=run", "tsk is not a setting. Did you mean task?"),
    ("export.what=weights", "export.what is 'weights'; it must be one of model, examples"),
    ("hardware.gpus=2", "hardware.gpus is 2, hardware.gpu_memory_gb is None and task is run; set both of them"),
    ("limit=0", "limit is 0; it must be at least 1, or null"),
    ("limit=few", "limit is 'few'; it must be a whole number or null."),
    ("seed=-1", "seed is -1; it must be from 0"),
    ("report.xscale=logarithmic", "report.xscale is 'logarithmic'; it must be one of linear, log"),
    ("metrics.headline=f1", "metrics.headline is 'f1'; it must be one of f1_macro_gold"),
    ("metrics.parsing=loose", "metrics.parsing is 'loose'; it must be one of strict, lenient"),
    ("prompt.sections.rules=null", "prompt.sections is not a setting here; to change a prompt, choose it by name, as in"),
    ("model.prompt=nosuch", "model.prompt is 'nosuch'; it must be one of reasoning, step_by_step, direct, embedded"),
    ("prompt=direct prompt.examples=2", "prompt.examples is 2, and no section of prompt.sections uses $examples"),
    ("prompt=few_shot split.part=all", "prompt.examples is 3, but split.part is 'all', which leaves no session"),
    ("prompt=few_shot prompt.examples=0", "prompt.examples is 0, and examples of prompt.sections uses $examples"),
    ("prompt=direct prompt.event_ids=global", "prompt.event_ids is 'global'; it must be one of session, window"),
    ("prompt=direct prompt.events=nothing", "prompt.events has no $events"),
    ("prompt=direct prompt.answer_keys.id='a b'", "prompt.answer_keys.id is 'a b'; it must be 1 to 40 letters"),
    ("prompt=direct prompt.answer_keys.id=Activity", "are both 'Activity'; they must be different"),
    ("prompt=direct prompt.answer_keys.resident=who", "a line an event has no place for it; add prompt.answer_format=json"),
    ("prompt=embedded prompt.answer_keys.resident=who", "no section of the prompt says what it is, with $resident_key"),
    ("prompt=reasoning prompt.answer_keys.resident=ID", "answer_keys.id and prompt.answer_keys.resident are both 'id'"),
    ("prompt=direct prompt.answer_format=table", "prompt.answer_format is 'table'; it must be one of json, lines"),
    ("prompt=direct prompt.answer_mark=''", "prompt.answer_mark is ''; it must be one line of 1 to 40 characters"),
    (
        "decoding=structured engine=vllm prompt=step_by_step",
        "decoding.structured is true, which leaves no room for the reasoning that the prompt asks for in the text",
    ),
    (
        "prompt=direct prompt.answer_keys=event",
        "prompt.answer_keys is 'event', but it has settings of its own: id, activity, resident.",
    ),
    ("model.dtype=int4", "model.dtype is 'int4'; it must be one of float32, bfloat16, float16"),
    (
        "model.chat_template_kwargs.enable_thinking=false",
        "model.chat_template_kwargs.enable_thinking is an option that har_llm sets itself: set model.thinking.",
    ),
    ("model.chat_template_kwargs=low", "model.chat_template_kwargs is 'low'; it must be a mapping, as in {a: b}."),
    ("model.reasoning_marks=[a]", "model.reasoning_marks is ['a']; it must be null, or two different texts, as in"),
    ("model.reasoning_marks=[a,null]", "model.reasoning_marks"),
    ("model.reasoning_marks=[a,a]", "it must be null, or two different texts"),
    ("model.reasoning_marks=a", "model.reasoning_marks is 'a'; it must be a list, as in [a, b] or null."),
    ("model=qwen3_8b model.thinking=maybe", "model.thinking is 'maybe'; it must be true or false."),
    ("model.thinking=maybe", "model.thinking is 'maybe'; it must be true or false."),
    ("model.sampling.top_p=2", "model.sampling.top_p is 2.0; it must be from 0.0 to 1.0"),
    ("model.sampling.temperature=hot", "model.sampling.temperature is 'hot'; it must be a number."),
    ("model.sampling.max_new_tokens=0", "model.sampling.max_new_tokens is 0; it must be at least 1"),
    ("model.sampling=3", "model.sampling is 3, but it has settings of its own: temperature, top_p"),
    (
        "lora=distilled_tiny lora.examples=best",
        "lora.examples is 'best', but it has settings of its own: method, path",
    ),
    ("model.name=a/b", "model.name is 'a/b'; it names run directories"),
    ("engine=transformers engine.batch_size=0", "engine.batch_size is 0; it must be at least 1"),
    ("engine=transformers engine.device=tpu", "engine.device is 'tpu'; it must be one of auto, cpu, cuda"),
    ("engine=transformers engine.memory_share=1", "engine.memory_share is 1.0; it must be above 0 and at most 0.95"),
    (
        "engine=vllm engine.gpu_memory_utilization=1",
        "engine.gpu_memory_utilization is 1.0; it must be above 0 and at most 0.98",
    ),
    ("engine=vllm engine.tensor_parallel_size=0", "engine.tensor_parallel_size is 0; it must be at least 1"),
    ("decoding.samples=0", "decoding.samples is 0; it must be at least 1"),
    ("decoding.samples=3", "decoding.samples is 3, but model.sampling.temperature is 0"),
    ("decoding.repetition_min_count=1", "decoding.repetition_min_count is 1; it must be at least 2"),
    ("decoding.repetition_max_pattern_size=0", "decoding.repetition_max_pattern_size is 0; it must be at least 1"),
    ("decoding.thinking_token_budget=0", "decoding.thinking_token_budget is 0; it must be at least 1"),
    (
        "decoding.thinking_token_budget=9 model.thinking=false",
        "decoding.thinking_token_budget is 9, but model.thinking is false",
    ),
    (
        "decoding=structured",
        "decoding.structured is true, which the engine Transformers cannot follow; use engine=vllm, openai or llama_cpp, or",
    ),
    (
        "decoding=stop_repetition engine=scripted",
        "decoding.repetition_min_count is 8, which the engine Scripted cannot follow",
    ),
    (
        "lora=distilled_tiny lora.teacher.thinking=false",
        "lora.teacher.thinking is false and model.thinking is true, but a student that is trained",
    ),
    (
        "lora=distilled_tiny model.thinking=false",
        "lora.teacher.thinking is true and model.thinking is false, but a student that is trained",
    ),
    (
        "lora=distilled_tiny model.reasoning_marks=[a,b]",
        "lora.teacher.reasoning_marks is None and model.reasoning_marks is ['a', 'b'], but a student",
    ),
    ("lora=adapter", "lora.path is not set; set it with lora.path=VALUE."),
    ("lora=adapter lora.path=' '", "lora.path is empty"),
    ("lora=adapter lora.path=a lora.name=a/b", "lora.name is 'a/b'; it names run directories"),
    ("split.part=tests", "split.part is 'tests'; it must be one of train, validation, test"),
    ("dataset.null_class=hidden", "dataset.null_class is 'hidden'; it must be one of label, unscored, dropped"),
    ("dataset.residents=3", "dataset.residents is 3; it must be a list, as in [a, b]."),
    ("dataset.home.rooms=3", "dataset.home.rooms is 3; it must be a mapping, as in {a: b}."),
    ("+dataset.paper_split={4:x}", "dataset.paper_split.4 is wrong: Value 'x'"),
    ("dataset.seed=x", "dataset.seed is 'x'; it must be a whole number."),
    ("model=custom", "model.id is not set; set it with model.id=VALUE."),
    ("prompt=verbatim", "prompt.path is not set"),
    ("window._target_=os.system", "window._target_ is 'os.system', which is no dataclass"),
    (
        "tracker=none tracker._target_=har_llm.models.adapters.LoraConfig",
        "tracker._target_ is 'har_llm.models.adapters.LoraConfig', which is not made for this group",
    ),
    ("lora=distilled +window@lora.source=fixed", "lora.source is FixedWindows; it must be null"),
    (
        "lora=distilled +dataset@lora.window=simulated_flat",
        "or an option of the group window, chosen as in +window@lora.window=NAME.",
    ),
    ("lora=distilled +dataset@lora.engine=marble", "an option of the group engine, chosen as in +engine@lora.engine=NAME."),
    (
        "model=tiny_student lora=distilled_tiny engine=openai engine.base_url=http://h/v1",
        "lora=distilled trains an adapter here, but the engine runs the model elsewhere; use engine=auto, with "
        "+engine@lora.engine=openai for a teacher behind a server",
    ),
    (
        "lora=distilled_tiny +engine@lora.engine=openai lora.engine.base_url=x",
        "lora.engine: engine.base_url is 'x'; it must be an address",
    ),
    ("lora=distilled_tiny lora.teacher.sampling.top_k=-1", "lora.teacher: model.sampling.top_k is -1; it must be 0"),
    ("lora=distilled_tiny +engine@lora.engine=openai", "lora.engine.base_url is not set; set it with"),
    ("lora=gold_answers", "model.thinking is true, but gold answers hold no reasoning"),
    (
        "lora=gold_answers model.thinking=false prompt=direct prompt.answer_mark='Answer:'",
        "prompt.answer_mark is 'Answer:', so the prompt",
    ),
    ("lora=gold_answers lora.examples.min_correct=1", "lora.examples.min_correct is 1.0, which is about a teacher's"),
    ("lora=gold_answers +model@lora.teacher=tiny_teacher", "lora.teacher is ModelConfig, but lora.examples.method is gold"),
    ("lora=distilled lora.examples.method=file", "lora.examples.path is None and lora.examples.method is file"),
    ("lora=distilled lora.examples.path=rows.jsonl", "lora=examples lora.examples.path=FILE.jsonl."),
    ("lora=distilled lora.examples.method=best", "lora.examples.method is 'best'; it must be one of generations"),
    ("lora=examples lora.examples.path=r lora.train_sessions=2", "lora.train_sessions is 2, but the examples are the rows"),
    ("lora=distilled lora.teacher=null", "lora.teacher is None; choose a model for it"),
    ("window._target_=nowhere.Class", "window._target_ is 'nowhere.Class', which cannot be imported"),
]


@pytest.mark.parametrize(("override", "message"), WRONG, ids=[override for override, _ in WRONG])
def test_a_wrong_setting_is_refused_with_field_value_and_rule(override: str, message: str) -> None:
    with pytest.raises((ConfigError, ConfigCompositionException)) as caught:
        read_experiment(composed(*shlex.split(override)))
    assert message in str(caught.value)


@pytest.mark.parametrize("override", ["window=fixd", "modle=qwen3_8b"])
def test_hydra_refuses_what_does_not_exist(override: str) -> None:
    with pytest.raises(ConfigCompositionException, match=override.partition("=")[0].split(".")[0]):
        composed(override)


OWN = """
from dataclasses import dataclass
from har_llm.data.windows import FixedWindows

@dataclass(kw_only=True)
class OwnWindows(FixedWindows):
    gap: int = 3
"""


@pytest.fixture
def own_conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder for --config-dir, with a class of the user's own."""
    (tmp_path / "own_windows.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "window").mkdir()
    (tmp_path / "window/bare.yaml").write_text("_target_: own_windows.OwnWindows\nevents: 4\n")
    (tmp_path / "window/full.yaml").write_text("defaults:\n  - /schema/own_windows.OwnWindows@_here_\nevents: 4\n")
    (tmp_path / "window/more.yaml").write_text("defaults:\n  - fixed\nevents: 4\n")
    (tmp_path / "window/lost.yaml").write_text("defaults:\n  - /schema/own_windows.Lost@_here_\n")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bare", "full", "more"])
def test_a_users_own_option_is_checked_like_ours(name: str, own_conf: Path) -> None:
    window = read_experiment(composed(f"window={name}", "window.min_events=2", conf=own_conf)).window
    assert (window.events, window.min_events) == (4, 2)
    assert getattr(window, "gap", 3) == 3
    with pytest.raises(ConfigError, match=r"window\.events is 2\.5; it must be a whole number"):
        read_experiment(composed(f"window={name}", "window.events=2.5", conf=own_conf))
    with pytest.raises(ConfigError, match=r"window\.gapp is not a setting\."):
        read_experiment(composed(f"window={name}", "window.gapp=1", conf=own_conf))


def test_a_users_own_class_has_settings_of_its_own(own_conf: Path) -> None:
    assert composed("window=full", conf=own_conf).window.gap == 3
    for name in ("bare", "full"):
        window = read_experiment(composed(f"window={name}", "window.gap=5", conf=own_conf)).window
        assert getattr(window, "gap", None) == 5
    with pytest.raises(ConfigCompositionException, match=r"'own_windows.Lost', which cannot be imported"):
        composed("window=lost", conf=own_conf)


HEAVY = ("torch", "transformers", "vllm", "wandb", "matplotlib", "sklearn", "scipy", "pandas", "huggingface_hub")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["--help"], ["--cfg", "job"], ["window.events=0"], ["window=fixd"], ["task=describe"]]
)
def test_help_config_and_errors_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    code = f"""
import sys, atexit
sys.argv = ["har_llm", *{arguments!r}]
atexit.register(lambda: print("HEAVY:", sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.__stderr__))
from har_llm.cli.main import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert "HEAVY: []" in done.stderr
    assert "Traceback" not in done.stderr


def settings_of(*overrides: str) -> Any:
    return experiment(*overrides).settings


def test_the_data_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAR_LLM_DATA", "/somewhere")
    assert settings_of().paths.data == "/somewhere"
    monkeypatch.delenv("HAR_LLM_DATA")
    assert settings_of().paths.data == "data"
