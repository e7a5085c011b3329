"""The typed config: every node of conf/ is checked against the dataclass that its `_target_` names, then by its own rules.

Adding a dataset, a prompt, an engine is one class in its room and one YAML; nothing here changes.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field, replace
from typing import Any, get_type_hints

from omegaconf import DictConfig

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError
from har_llm.common.schema import checked, component, component_class, plain
from har_llm.common.text import suggestion
from har_llm.data.auto_prompt import AutoPrompt
from har_llm.data.datasets.base import Dataset
from har_llm.data.prompts import PromptConfig, SectionedPrompt
from har_llm.data.splits import Split
from har_llm.data.windows import FixedWindows
from har_llm.distill.config import Distilled, distillation_of
from har_llm.engines.config import SingleWorker
from har_llm.engines.decoding import DecodingConfig
from har_llm.engines.in_process import InProcess
from har_llm.models.adapters import NO_ADAPTER, LoraConfig
from har_llm.models.baselines.base import BaselineConfig
from har_llm.models.config import ModelConfig

MODES = ("auto", "online", "offline")
OFFLINE_MODES = ("offline", "dryrun")
"""Values of the environment variable WANDB_MODE."""
LONGEST_TAG = 64
"""Most characters of a tag in W&B."""
MOST_SAMPLES = 1000

EXPORTS = ("model", "examples")
PARSINGS = ("strict", "lenient")
BESIDE = ("all", "none")
NO_RESULT = ("task", "runs", "baselines", "paths", "export", "report", "compare", "hardware", "tracker")
"""Settings that change no result, only what is done with it or where files are on this machine."""
GROUPS = ("window", "split", "lora", "decoding", "engine", "tracker", "model", "prompt", "dataset")
"""The order of the checks: quick ones first, so that a typo is reported at once."""


@dataclass(kw_only=True)
class PathsConfig:
    data: str = "data"
    """The folder that contains the datasets' folders."""
    outputs: str = "outputs"
    """The folder for the store (generations, adapters) and the run directories."""

    def check(self) -> None:
        for name, folder in vars(self).items():
            if not folder.strip():
                raise ConfigError(
                    f"paths.{name} is empty; name a folder, such as paths.{name}={getattr(PathsConfig, name)}."
                )


@dataclass(kw_only=True)
class MetricsConfig:
    headline: str = "f1_weighted"
    """The score that is shown first: f1_{macro_gold,macro_union,macro_plain,macro_catalogue,weighted,micro_gold,
    micro_catalogue}, accuracy or missed. All are computed and kept."""
    parsing: str = "strict"
    """strict: valid JSON only; lenient: with salvage and repair."""


@dataclass(kw_only=True)
class ExportConfig:
    what: str = "model"
    """model: the adapter merged into its model; examples: the rows that a student is trained on, as JSONL."""
    path: str | None = None
    """The folder or file that task=export writes."""


@dataclass(kw_only=True)
class ReportConfig:
    path: str | None = None
    """The folder for a report (null = report, in paths.outputs) or for a comparison (null = paths.outputs)."""
    after_sweep: bool = True
    """Whether a sweep ends with a report of its runs, in paths.outputs/reports."""


@dataclass(kw_only=True)
class CompareConfig:
    event: str | None = None
    """SESSION/ID of an event: task=compare then shows what each of the runs, however many, says of it."""


@dataclass(kw_only=True)
class HardwareConfig:
    """The machine that task=plan plans for, where it is not this one."""

    gpus: int | None = None
    """Number of its GPUs; null = this machine's."""
    gpu_memory_gb: float | None = None
    """Memory of each, in GB as they are sold: 24, 80."""

    def check(self, task: str) -> None:
        if self.gpus is None and self.gpu_memory_gb is None:
            return
        if self.gpus is None or self.gpu_memory_gb is None or task != "plan":
            raise ConfigError(
                f"hardware.gpus is {self.gpus}, hardware.gpu_memory_gb is {self.gpu_memory_gb} and task is {task}; set both "
                f"of them, for task=plan only."
            )
        if self.gpus < 1 or not 0 < self.gpu_memory_gb < float("inf"):
            raise ConfigError(
                f"hardware.gpus is {self.gpus} and hardware.gpu_memory_gb is {self.gpu_memory_gb}; they must be above 0."
            )


@dataclass(kw_only=True)
class Settings:
    """The settings outside all groups."""

    task: str = "run"
    """A name in tasks.TASKS; it is checked there."""
    seed: int = 0
    """Seed of the sampling of every window."""
    limit: int | None = None
    """Only the first N windows, for a first look; the run is marked partial."""
    baselines: str = "all"
    """all: the baselines of the same home, split and windows are computed beside every run; none: only those asked for."""
    runs: list[str] | None = None
    """Run directories, folders that hold some, or names or patterns of those in paths.outputs, for the tasks runs, report,
    compare and sync; last = the newest run of a model; null = all of paths.outputs."""
    paths: PathsConfig = field(default_factory=PathsConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    compare: CompareConfig = field(default_factory=CompareConfig)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)

    def check(self) -> None:
        from har_llm.scoring.names import METRICS

        self.paths.check()
        self.hardware.check(self.task)
        require("baselines", self.baselines, BESIDE)
        require("export.what", self.export.what, EXPORTS)
        require("metrics.parsing", self.metrics.parsing, PARSINGS)
        require("metrics.headline", self.metrics.headline, METRICS)
        event = self.compare.event
        if event is not None and not re.fullmatch(r".+/[0-9]{1,18}", event, re.DOTALL):
            raise ConfigError(
                f"compare.event is {event!r}; it must be SESSION/ID, as predictions.jsonl names an event: "
                f"compare.event={event.rpartition('/')[0] or 'SESSION'}/21."
            )
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"limit is {self.limit}; it must be at least 1, or null for all windows.")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"seed is {self.seed}; it must be from 0 to 2**63 - 1.")


@dataclass(kw_only=True)
class Experiment:
    """A composed config, checked: everything that defines one run."""

    settings: Settings
    dataset: Dataset
    window: FixedWindows
    prompt: PromptConfig
    split: Split
    model: ModelConfig
    """The language model; of a baseline, what stands for it."""
    lora: LoraConfig
    decoding: DecodingConfig
    engine: SingleWorker
    tracker: TrackerConfig
    source: dict[str, Any]
    """The composed config as plain values, kept with the run."""
    baseline: BaselineConfig | None = None
    """What answers in place of a language model."""


def read_experiment(cfg: DictConfig) -> Experiment:
    """Check a composed config and build its components. Raises ConfigError naming the field, its value and the rule."""
    source = plain(cfg)
    for name in source:
        check_known(name)
    settings = checked(Settings, {name: value for name, value in source.items() if name not in GROUPS}, "")
    settings.check()
    _check_trained(source.get("lora"))
    kinds = get_type_hints(Experiment) | {"prompt": PromptConfig | AutoPrompt, "model": ModelConfig | BaselineConfig}
    components = {group: component(source.get(group), group, kinds[group]) for group in GROUPS}
    model = components["model"]
    if isinstance(model, BaselineConfig):
        experiment = Experiment(settings=settings, source=source, **{**components, "model": model.as_model()})
        _check_baseline(experiment)
        return with_baseline(experiment, model)
    if isinstance(auto := components["prompt"], AutoPrompt):
        chosen = auto.chosen(model.prompt, thinking=model.thinking)
        components["prompt"], source["prompt"] = getattr(auto, chosen), source["prompt"][chosen]
    experiment = Experiment(settings=settings, source=source, **components)
    _check_together(experiment)
    return experiment


def with_baseline(experiment: Experiment, baseline: BaselineConfig) -> Experiment:
    """The same home, split and windows, with a baseline in place of the language model and all that belongs to it.

    What a baseline does not use is recorded as nothing, so that it is one run beside several models and prompts.
    """
    settings = experiment.settings if baseline.seeded else replace(experiment.settings, seed=0)
    chosen: dict[str, Any] = {
        "prompt": SectionedPrompt(system=""),
        "lora": LoraConfig(),
        "decoding": DecodingConfig(),
        "engine": InProcess(),
    }
    recorded = {group: _node(one) for group, one in {**chosen, "model": baseline}.items()}
    source = {**experiment.source, **recorded, "seed": settings.seed}
    return replace(experiment, **chosen, settings=settings, model=baseline.as_model(), baseline=baseline, source=source)


def _node(chosen: Any) -> dict[str, Any]:
    """The node of a composed config that describes a component."""
    return {"_target_": f"{type(chosen).__module__}.{type(chosen).__qualname__}", **dataclasses.asdict(chosen)}


def _check_baseline(experiment: Experiment) -> None:
    """Refuse what is about language models only, but for the prompt and the engine, which a sweep may choose for others."""
    lora, decoding, name = experiment.lora.name, experiment.decoding, experiment.model.name
    if lora != NO_ADAPTER:
        raise ConfigError(f"lora is {lora!r}, but model={name} is a baseline, which has no adapter; set lora=none.")
    if decoding.samples > 1 or decoding.needed():
        raise ConfigError(
            f"decoding is {decoding.name!r}, but model={name} is a baseline, which generates no text and answers each "
            f"window once; set decoding=plain."
        )


def check_known(name: str) -> None:
    """Refuse what is neither a group nor one of the settings beside them."""
    known = {*GROUPS, *(f.name for f in dataclasses.fields(Settings))}
    if name not in known:
        raise ConfigError(f"{name} is not a setting.{suggestion(name, known)}")


def _check_trained(lora: object) -> None:
    """Refuse settings of a training where no adapter is trained, and name the choices that train one."""
    if not isinstance(lora, dict):
        return
    chosen = component_class(lora.get("_target_"), "lora._target_")
    of_trainings, own = ({f.name for f in dataclasses.fields(cls)} for cls in (Distilled, chosen))
    for name in sorted((of_trainings - own) & lora.keys()):
        raise ConfigError(
            f"lora.{name} is a setting of adapters that are trained, but lora={lora.get('name')} trains none; choose "
            f"lora=distilled or lora=distilled_tiny."
        )


def _check_together(experiment: Experiment) -> None:
    """Check the rules that involve more than one group."""
    decoding, model = experiment.decoding, experiment.model
    if distillation_of(experiment.lora) is not None and not experiment.engine.chosen()[0].needs_model():
        raise ConfigError(
            f"lora={experiment.lora.name} trains an adapter here, but the engine runs the model elsewhere; use engine=auto, "
            f"with +engine@lora.engine=openai for a teacher behind a server, or train first and serve the adapter "
            f"(lora=adapter)."
        )
    if decoding.samples > 1 and model.sampling.greedy:
        raise ConfigError(
            f"decoding.samples is {decoding.samples}, but model.sampling.temperature is 0, which gives the same generation "
            f"each time; set model.sampling.temperature above 0, or decoding.samples=1."
        )
    if (lora := distillation_of(experiment.lora)) is not None:
        _check_training(lora, model, experiment.prompt.form.mark)
    if decoding.thinking_token_budget is not None and not model.thinking:
        raise ConfigError(
            f"decoding.thinking_token_budget is {decoding.thinking_token_budget}, but model.thinking is false: "
            f"there is no reasoning to limit; change one of them."
        )
    if decoding.structured and experiment.prompt.form.mark is not None:
        raise ConfigError(
            f"decoding.structured is true, which leaves no room for the reasoning that the prompt asks for in the text "
            f"(prompt.answer_mark is {experiment.prompt.form.mark!r}); choose decoding=plain, or a prompt without reasoning."
        )
    needed = decoding.needed()
    if needed:
        engine, _ = experiment.engine.chosen()
        for name in needed:
            if name not in engine.follows():
                off = "false" if name == "structured" else "null"
                raise ConfigError(
                    f"decoding.{name} is {getattr(decoding, name)}, which the engine "
                    f"{engine.engine_name} cannot follow; use engine=vllm or openai, or decoding.{name}={off}."
                )


def _check_training(lora: Distilled, student: ModelConfig, mark: str | None) -> None:
    """Check that the student is asked to reason as its examples do. `mark`: the prompt's answer_mark."""
    if lora.examples.method == "gold_answers" and student.thinking:
        raise ConfigError(
            "model.thinking is true, but gold answers hold no reasoning that a student could be trained on; set "
            "model.thinking=false."
        )
    if lora.examples.method == "gold_answers" and mark is not None:
        raise ConfigError(
            f"prompt.answer_mark is {mark!r}, so the prompt asks for reasoning before it, but gold answers hold none; "
            f"choose a prompt that asks for the answer alone."
        )
    if lora.teacher is not None and lora.teacher.thinking != student.thinking:
        raise ConfigError(
            f"lora.teacher.thinking is {str(lora.teacher.thinking).lower()} and model.thinking is "
            f"{str(student.thinking).lower()}, but a student that is trained on its teacher's generations reasons if they "
            f"do; set both to true if the teacher reasons, and both to false if not."
        )
    if lora.teacher is not None and lora.teacher.reasoning_marks != student.reasoning_marks:
        raise ConfigError(
            f"lora.teacher.reasoning_marks is {lora.teacher.reasoning_marks} and model.reasoning_marks is "
            f"{student.reasoning_marks}, but a student that is trained on its teacher's generations writes the same marks; "
            f"set both alike."
        )


@dataclass(kw_only=True)
class TrackerConfig:
    """What all choices of conf/tracker share. This one is `tracker=none`: results stay on this machine."""

    name: str = "none"

    @property
    def publishes(self) -> bool:
        return False


@dataclass(kw_only=True)
class WandbTracker(TrackerConfig):
    """`tracker=wandb`: every finished run directory becomes a W&B run."""

    name: str = "wandb"
    project: str = "har_llm"
    entity: str | None = None
    """A W&B user or team; null = the one that is logged in."""
    mode: str = "auto"
    """online, offline, or auto: online where this machine is logged in to W&B."""
    group: str | None = None
    """The W&B group; null = the experiment's name, or a digest of the sweep, or for a single run its dataset and model."""
    tags: list[str] = field(default_factory=list)
    """Further tags; every run has its dataset, model, adapter and part, and whether it is synthetic or partial."""
    run_id: str | None = None
    """The W&B id of a single run, as the agents of W&B's sweeps give it; null = a digest of its results."""
    samples: int = 200
    """Most rows of the table of reasoning samples, errors first; 0 = no table."""
    artifacts: bool = True
    """Whether predictions, generations and adapters are uploaded as artifacts."""
    init_timeout: float = 20.0
    """Seconds to wait for W&B's first answer; after that, the run ends normally and can be published later."""
    finish_timeout: float = 300.0
    """Seconds to wait until a run is uploaded."""

    @property
    def publishes(self) -> bool:
        return True

    def check(self) -> None:
        require("tracker.mode", self.mode, MODES)
        for name, value in (("project", self.project), ("entity", self.entity)):
            if value is not None and not re.fullmatch(r"[\w.-]{1,128}", value, re.ASCII):
                raise ConfigError(
                    f"tracker.{name} is {value!r}; it must be 1 to 128 letters, digits, dots, dashes or underscores."
                )
        if self.group is not None and not 1 <= len(self.group) <= 128:
            raise ConfigError(f"tracker.group is {self.group!r}; it must have 1 to 128 characters, or be null.")
        for tag in self.tags:
            if not 1 <= len(tag) <= LONGEST_TAG:
                raise ConfigError(f"tracker.tags has {tag!r}; a tag must have 1 to {LONGEST_TAG} characters.")
        if self.run_id is not None and not re.fullmatch(r"[\w-]{1,64}", self.run_id, re.ASCII):
            raise ConfigError(
                f"tracker.run_id is {self.run_id!r}; it must be 1 to 64 letters, digits, dashes or underscores, or null."
            )
        if not 0 <= self.samples <= MOST_SAMPLES:
            raise ConfigError(
                f"tracker.samples is {self.samples}; it must be from 0 to {MOST_SAMPLES}: W&B shows few rows well, and the "
                f"artifact of the generations has all of them."
            )
        for name in ("init_timeout", "finish_timeout"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"tracker.{name} is {getattr(self, name)}; it must be above 0.")
