"""The paper's whole programme and the miniature, made once for all figures."""

from __future__ import annotations

import pytest

from har_llm.report.figures.chart import Chart
from har_llm.runs.directory import RunResult
from tests.report.fabricated import fabricated, miniature, the_papers_programme
from tests.report.figures.drawn import charts


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[RunResult]:
    folder = tmp_path_factory.mktemp("runs")
    return [*the_papers_programme(folder), *miniature(folder), fabricated(folder, part="validation"),
            fabricated(folder, 0.3, part="validation", model="qwen3_4b")]  # fmt: skip


@pytest.fixture(scope="module")
def shown(runs: list[RunResult]) -> dict[str, Chart]:
    return charts(runs)
