"""The content of the figures of task=bench: a score against the seconds, the memory and the energy of a window."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from har_llm.common.provenance import Provenance
from har_llm.report.figures.chart import Chart, Panel, Point, Series
from har_llm.scoring.metrics import SessionMean
from har_llm.sweep.bench import Measured


class Cost(NamedTuple):
    """What the windows of a finished run cost."""

    title: str
    """Of its job, or its model."""
    home: str
    provenance: Provenance
    score: SessionMean
    measured: Measured

    @property
    def name(self) -> str:
        """The title without the groups of settings and without folders."""
        settings = (part.rpartition("=") for part in self.title.split(" "))
        return " ".join(f"{key.rpartition('.')[2]}{sign}{value.rpartition('/')[2]}" for key, sign, value in settings)

    @property
    def seconds(self) -> float | None:
        return statistics.median(self.measured.seconds)

    @property
    def memory(self) -> float | None:
        """In MB."""
        return None if self.measured.peak_bytes is None else self.measured.peak_bytes / 1e6

    @property
    def energy(self) -> float | None:
        """In joules."""
        return None if self.measured.joules is None else self.measured.joules / len(self.measured.seconds)


AXES = {"seconds": "seconds a window", "memory": "memory (MB)", "energy": "energy of a window (J)"}
"""Names of Cost's quantities and of their axes."""


def bench_charts(costs: Sequence[Cost], score: str, told: str) -> list[Chart]:
    """A chart for each quantity that two or more have. Synthetic and real results are never in one. `score`: its name in
    words. `told`: what the caption adds."""
    made = []
    for number, kind in enumerate(dict.fromkeys(one.provenance for one in costs)):
        for quantity, axis in AXES.items():
            alike = [(getattr(one, quantity), one) for one in costs if one.provenance == kind]
            known = [(x, one) for x, one in alike if x is not None and one.score.mean is not None]
            if len(known) > 1:
                made.append(_chart(known, f"bench_{quantity}{f'_{number + 1}' if number else ''}", axis, score, told, kind))
    return made


def _chart(costs: Sequence[tuple[float, Cost]], name: str, axis: str, score: str, told: str, kind: Provenance) -> Chart:
    homes = dict.fromkeys(one.home for _, one in costs)
    series = [
        Series(f"{one.home}, {one.name}" if len(homes) > 1 else one.name, [_point(x, one)], number, joined=False)
        for number, (x, one) in enumerate(costs)
    ]
    caption = (
        f"{score} in {' and '.join(homes)} against {axis} on this machine. Bars: 95 % interval of the mean over sessions."
    )
    caption = f"{caption} {told}".strip()
    title = f"{score} by {axis}{kind.suffix}"
    return Chart(
        name, title, caption, axis, f"{score} (%)", [Panel("", series)], mark=kind.label or "", logarithmic=_wide(costs)
    )


def _wide(costs: Sequence[tuple[float, Cost]]) -> bool:
    """Whether the smallest would be lost beside the largest."""
    values = [x for x, _ in costs]
    return min(values) > 0 and max(values) > 5 * min(values)


def _point(x: float, cost: Cost) -> Point:
    score = cost.score
    assert score.mean is not None
    low, high = score.ci95 or (None, None)
    return Point(x, 100 * score.mean, None if low is None else 100 * low, None if high is None else 100 * high)
