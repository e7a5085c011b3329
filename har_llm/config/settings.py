"""The settings outside all groups of conf/."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError
from har_llm.models.gguf import QUANTIZATIONS
from har_llm.scoring.names import METRICS

EXPORTS, EXPORT_FORMATS = ("model", "examples"), ("safetensors", "gguf")
XSCALES = ("linear", "log")
PARSINGS = ("strict", "lenient")
BESIDE = ("all", "none")


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
    format: str = "safetensors"
    """How a model is written. safetensors: a folder; gguf: a file for llama.cpp, also of a model without an adapter."""
    quantization: str = "q4_k_m"
    """The weights' number format in a GGUF file: f32, f16, bf16, q8_0, q6_k, q5_k_m, q4_k_m or q4_0."""
    llama_cpp: str | None = None
    """The folder with llama.cpp's source, whose converter writes GGUF files."""

    def check(self) -> None:
        require("export.what", self.what, EXPORTS)
        require("export.format", self.format, EXPORT_FORMATS)
        require("export.quantization", self.quantization, QUANTIZATIONS)


@dataclass(kw_only=True)
class ReportConfig:
    path: str | None = None
    """The folder for a report (null = report, in paths.outputs) or for a comparison (null = paths.outputs)."""
    after_sweep: bool = True
    """Whether a sweep ends with a report of its runs, in paths.outputs/reports."""
    xscale: str = "linear"
    """The axis of figure 3, as matplotlib names it: linear, as in the paper, or log."""


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
    compare and sync; last = the newest, or where that is a baseline the newest of a language model on its home and part;
    null = all of paths.outputs."""
    paths: PathsConfig = field(default_factory=PathsConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    compare: CompareConfig = field(default_factory=CompareConfig)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)

    def check(self) -> None:
        self.paths.check()
        self.hardware.check(self.task)
        require("baselines", self.baselines, BESIDE)
        self.export.check()
        require("report.xscale", self.report.xscale, XSCALES)
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
