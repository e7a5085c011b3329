"""How a page names a run: short, and no two of a dataset by the same name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from har_llm.runs.directory import RunResult
from har_llm.runs.result import Metrics


def run_labels(runs: Sequence[RunResult]) -> list[str]:
    """Model and adapter; where that does not tell the runs of a dataset apart, also what differs among them."""
    labels = [_model(run.metrics) for run in runs]
    for difference in _DIFFERENCES:
        groups: dict[tuple[str, str], list[int]] = {}
        for number, run in enumerate(runs):
            groups.setdefault((run.metrics.dataset, labels[number]), []).append(number)
        for group in groups.values():
            texts = [difference(runs[number]) for number in group]
            if len(set(texts)) > 1:
                for number, text in zip(group, texts, strict=True):
                    labels[number] += text and f", {text}"
    return labels


def _model(metrics: Metrics) -> str:
    return metrics.model if metrics.adapter is None else f"{metrics.model} {metrics.adapter.label}"


_DIFFERENCES: tuple[Callable[[RunResult], str], ...] = (
    lambda run: f"{run.metrics.part} part",
    lambda run: "" if run.metrics.decoding == "plain" else run.metrics.decoding,
    lambda run: f"first {run.metrics.limit} windows" if run.metrics.partial else "",
    lambda run: f"seed {run.metrics.seed}",
    lambda run: run.digest,
    lambda run: run.folder.parent.as_posix(),
)
