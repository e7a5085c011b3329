"""Charts of runs, and what is seen of them when they are drawn."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.text import Text

from har_llm.report.figures.chart import Chart
from har_llm.report.figures.charts import make_charts
from har_llm.report.figures.draw import SETTINGS, picture
from har_llm.report.grouping import make_report
from har_llm.runs.directory import RunResult


def charts(runs: Sequence[RunResult], headline: str = "f1_weighted") -> dict[str, Chart]:
    return {chart.name: chart for chart in make_charts(make_report(runs, headline, "strict"))}


def drawn(chart: Chart) -> Any:
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure = picture(chart)
        figure.draw_without_rendering()
        return figure


def words(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


KINDS = ("figure3", "figure4", "figure_tokens", "figure_seconds")
