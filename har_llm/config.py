"""The schema of conf/: every node is checked against the dataclass that its `_target_` names, then by its own rules.

Adding a dataset, a prompt, an engine is one class in its room and one YAML; nothing here changes.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, Node, OmegaConf
from omegaconf.errors import ConfigKeyError, InterpolationResolutionError, MissingMandatoryValue, OmegaConfBaseException

from har_llm.common.errors import ConfigError

if TYPE_CHECKING:
    from har_llm.data.datasets.base import Dataset
    from har_llm.data.prompts import SectionedPrompt, VerbatimPrompt
    from har_llm.data.splits import FractionSplit, NamedSplit, PaperSplit
    from har_llm.data.windows import FixedWindows
    from har_llm.distill import LoraConfig
    from har_llm.engines.base import EngineConfig
    from har_llm.engines.decoding import DecodingConfig
    from har_llm.models.config import ModelConfig
    from har_llm.tracking.config import TrackerConfig

TASKS = ("run", "plan", "prefetch", "report", "compare", "sync", "dashboard", "export", "prompt", "describe", "validate")
EXPORTS = ("model", "examples")
READINGS = ("strict", "lenient")
GROUPS = ("window", "split", "lora", "decoding", "engine", "tracker", "model", "prompt", "dataset")
"""Checked in this order: the short ones first, so that a slip is answered at once."""


@dataclass(kw_only=True)
class PathsConfig:
    data: str = "data"
    """The folder that holds the datasets' folders."""
    outputs: str = "outputs"
    """Where the store and the run directories go."""


@dataclass(kw_only=True)
class MetricsConfig:
    headline: str = "f1_weighted"
    """The score that is shown first; all are computed and kept."""
    reading: str = "strict"
    """strict: valid JSON only; lenient: with salvage and repair."""


@dataclass(kw_only=True)
class ExportConfig:
    what: str = "model"
    """model: the adapter merged into its model; examples: the rows that a student learns from, as JSONL."""
    path: str | None = None
    """Where task=export writes it."""


@dataclass(kw_only=True)
class ReportConfig:
    path: str | None = None
    """The folder that a report goes to; null = report, in paths.outputs. Comparisons go into it, or into paths.outputs."""
    after_sweep: bool = True
    """Whether a sweep ends with a report of its runs, in paths.outputs/reports."""


@dataclass(kw_only=True)
class Settings:
    """The settings that belong to no group."""

    task: str = "run"
    seed: int = 0
    limit: int | None = None
    """Only the first N windows, for a first look; the run is marked partial."""
    runs: list[str] | None = None
    """Run directories, or folders that hold some, for the tasks report, compare and sync; null = all of paths.outputs."""
    paths: PathsConfig = field(default_factory=PathsConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    report: ReportConfig = field(default_factory=ReportConfig)

    def check(self) -> None:
        from har_llm.scoring.metrics import METRICS

        require("task", self.task, TASKS)
        require("export.what", self.export.what, EXPORTS)
        require("metrics.reading", self.metrics.reading, READINGS)
        require("metrics.headline", self.metrics.headline, METRICS)
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
    prompt: SectionedPrompt | VerbatimPrompt
    split: PaperSplit | FractionSplit | NamedSplit
    model: ModelConfig
    lora: LoraConfig
    decoding: DecodingConfig
    engine: EngineConfig
    tracker: TrackerConfig
    source: dict[str, Any]
    """The composed config as plain values, kept with the run."""


def require(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.{_suggestion(value, allowed)}")


def read_experiment(cfg: DictConfig) -> Experiment:
    """Check a composed config and build its components. Raises ConfigError naming the field, its value and the rule."""
    known = {*GROUPS, *(f.name for f in dataclasses.fields(Settings))}
    for name in map(str, cfg):
        if name not in known:
            raise ConfigError(f"{name} is not a setting.{_suggestion(name, known)}")
    settings = _checked(Settings, {name: cfg[name] for name in map(str, cfg) if name not in GROUPS}, "")
    settings.check()
    components = {group: _component(cfg, group) for group in GROUPS}
    experiment = Experiment(settings=settings, source=_plain(cfg), **components)
    _check_together(experiment)
    return experiment


def _check_together(experiment: Experiment) -> None:
    """The rules that more than one group has a part in."""
    decoding, model = experiment.decoding, experiment.model
    if experiment.lora.taught is not None and not experiment.engine.chosen()[0].needs_model():
        raise ConfigError(
            "lora is to be trained here, but the engine runs the model elsewhere; use engine=auto, or train first and serve "
            "the adapter (lora=adapter)."
        )
    if decoding.samples > 1 and model.sampling.greedy:
        raise ConfigError(
            f"decoding.samples is {decoding.samples}, but model.sampling.temperature is 0, which gives the same text each "
            f"time; set model.sampling.temperature above 0, or decoding.samples=1."
        )
    if decoding.thinking_budget is not None and not model.thinking:
        raise ConfigError(
            f"decoding.thinking_budget is {decoding.thinking_budget}, but model.thinking is false: there is no reasoning to "
            f"limit; set one of them otherwise."
        )
    needed = decoding.needed()
    if needed:
        engine, _ = experiment.engine.chosen()
        for name in needed:
            if name not in engine.follows():
                off = "false" if name == "structured" else "null"
                raise ConfigError(
                    f"decoding.{name} is {getattr(decoding, name)}, which {type(engine).__name__.removesuffix('Config')} "
                    f"cannot follow; use engine=vllm or openai, or decoding.{name}={off}."
                )


def component_class(target: object, where: str) -> type:
    """The dataclass that a `_target_` names."""
    if not isinstance(target, str) or "." not in target:
        raise ConfigError(
            f"{where}._target_ is {target!r}; it must be the full name of a class, such as package.module.Class."
        )
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{where}._target_ is {target!r}, which cannot be imported: {error}.") from None
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise ConfigError(f"{where}._target_ is {target!r}, which is no dataclass; its fields are what {where} may set.")
    return found


def _component(cfg: DictConfig, group: str) -> Any:
    node = cfg.get(group)
    if not isinstance(node, DictConfig):
        raise ConfigError(f"{group} is {node!r}; choose an option of the group, as in {group}=NAME (--help lists them).")
    return _build(node, group)


def _build(node: DictConfig, where: str) -> Any:
    """The component that a node describes, with the components inside it (lora.teacher is a model)."""
    cls = component_class(node.get("_target_"), where)
    keys = [key for key in _keys(node, where) if key != "_target_"]
    inside = {key for key in keys if isinstance(node[key], DictConfig) and "_target_" in node[key]}
    component = _checked(cls, {key: node[key] for key in keys if key not in inside}, where)
    for key in sorted(inside & {one.name for one in dataclasses.fields(cls)}):
        setattr(component, key, _build(node[key], f"{where}.{key}"))
    if unknown := sorted(inside - {one.name for one in dataclasses.fields(cls)}):
        raise ConfigError(f"{where}.{unknown[0]} is not a setting of {cls.__name__}.")
    if hasattr(component, "check"):
        component.check()
    return component


def _keys(node: DictConfig, where: str) -> list[str]:
    keys = [str(key) for key in node]
    for key in keys:
        if OmegaConf.is_missing(node, key):
            raise ConfigError(f"{where}.{key} is not set; set it with {where}.{key}=VALUE.")
    return keys


def _checked(cls: type, values: dict[str, Any], where: str) -> Any:
    """An object of `cls` with these values, all converted to the declared types."""
    schema = OmegaConf.structured(cls)
    for name, value in values.items():
        _check_settings(schema.get(name) if name in schema else None, value, _join(where, name))
    try:
        return OmegaConf.to_object(OmegaConf.merge(schema, OmegaConf.create(values)))
    except ConfigKeyError as error:
        raise ConfigError(_unknown_key(error, schema, where)) from None
    except MissingMandatoryValue as error:
        raise ConfigError(
            f"{_join(where, error.full_key)} is not set; set it with {_join(where, error.full_key)}=VALUE."
        ) from None
    except OmegaConfBaseException as error:
        key = _join(where, error.full_key)
        value = OmegaConf.select(OmegaConf.create(values), error.full_key) if error.full_key else values
        rule = str(error).splitlines()[0]
        raise ConfigError(f"{key} is {value!r}; {_type_rule(schema, error.full_key) or rule}") from None


def _check_settings(schema: object, value: object, where: str) -> None:
    """Refuse a value where there are settings of their own."""
    if isinstance(schema, DictConfig) and OmegaConf.get_type(schema) is not dict and not isinstance(value, DictConfig):
        names = [str(name) for name in schema]
        raise ConfigError(
            f"{where} is {value!r}, but it has settings of its own: {', '.join(names)}. Set them one by one, as in "
            f"{where}.{names[0]}=VALUE."
        )


def _type_rule(schema: DictConfig, key: str | None) -> str | None:
    parent, _, name = (key or "").rpartition(".")
    node = OmegaConf.select(schema, parent) if parent else schema
    declared = node._get_node(name) if isinstance(node, DictConfig) and name in node else None
    if not isinstance(declared, Node):  # inside a plain dict or list, which declares no type
        return None
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    kind = names.get(declared._metadata.ref_type)
    return f"it must be {kind}{' or null' if declared._is_optional() else ''}." if kind else None


def _unknown_key(error: ConfigKeyError, schema: DictConfig, where: str) -> str:
    full = error.full_key or str(error.key)
    parent, _, name = full.rpartition(".")
    node = OmegaConf.select(schema, parent) if parent else schema
    allowed = [str(key) for key in node] if isinstance(node, DictConfig) else []
    rule = f" It has: {', '.join(allowed)}." if allowed else ""
    return f"{_join(where, full)} is not a setting.{_suggestion(name, allowed)}{rule}"


def _join(where: str, key: str | None) -> str:
    return ".".join(part for part in (where, key) if part)


def _suggestion(name: str, allowed: Any) -> str:
    close = difflib.get_close_matches(str(name), [str(option) for option in allowed], n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _plain(cfg: DictConfig) -> dict[str, Any]:
    try:
        plain = OmegaConf.to_container(cfg, resolve=True)
    except InterpolationResolutionError as error:
        raise ConfigError(f"{error.full_key} cannot be resolved: {str(error).splitlines()[0]}") from None
    return {str(key): value for key, value in dict(plain).items()}  # type: ignore[arg-type]
