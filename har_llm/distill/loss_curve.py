"""Draws a training's loss by step, as a picture. Imports matplotlib, without a window system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

SMOOTHED = 20
"""Steps averaged for a point of the smooth line; a shorter training gets no such line."""


def draw_losses(losses: Sequence[Sequence[float]], title: str, label: str | None, path: Path) -> None:
    """`losses`: pairs of step and loss. `label`: what is synthetic about them; None for nothing."""
    steps, values = [step for step, _ in losses], [loss for _, loss in losses]
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    if len(values) >= 5 * SMOOTHED:
        axes.plot(steps, values, color="tab:blue", linewidth=0.7, alpha=0.5, label="each step")
        smooth = [sum(values[end - SMOOTHED : end]) / SMOOTHED for end in range(SMOOTHED, len(values) + 1)]
        axes.plot(steps[SMOOTHED - 1 :], smooth, color="tab:blue", label=f"mean of {SMOOTHED} steps")
        axes.legend(frameon=False)
    else:
        axes.plot(steps, values, color="tab:blue", marker="." if len(values) == 1 else "")
    axes.set(xlabel="step", ylabel="loss")
    axes.set_ylim(bottom=0)
    axes.set_title(title if label is None else f"{title}\n({label})", fontsize=9)
    figure.savefig(path, dpi=120, metadata={"Software": None})
