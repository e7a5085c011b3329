"""Shows a run's score beside those of the baselines on the same events, and names the strongest one that is ahead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from har_llm.common.console import plain, show_table
from har_llm.common.numbers import percent
from har_llm.common.tables import Table
from har_llm.runs.directory import RunResult
from har_llm.runs.result import Metrics
from har_llm.scoring.names import LOWER_IS_BETTER

if TYPE_CHECKING:
    from rich.console import Console


def show_beside(out: Console, result: RunResult, beside: Sequence[RunResult], *, headline: str, parsing: str) -> None:
    """`beside`: baselines; those on other events are not shown."""
    found = [run.metrics for run in beside if run.metrics.scored_on == result.metrics.scored_on]
    rows = []
    for metrics in [result.metrics, *found]:
        score, missed = (metrics.headline(name, parsing) for name in (headline, "missed"))
        rows.append([metrics.model_name, percent(score.mean), percent(score.std), percent(missed.mean)])
    title = f"Beside baselines on the same events, {parsing} parsing: mean and standard deviation over sessions, in %"
    show_table(out, Table("beside", title, ["", headline, "std", "missed"], rows))
    ahead = strongest_ahead(result.metrics, found, headline=headline, parsing=parsing)
    if ahead is not None:
        out.print(plain(f"The baseline {ahead.model_name} is ahead of {result.metrics.model_name}."), style="bold yellow")


def strongest_ahead(metrics: Metrics, baselines: Sequence[Metrics], *, headline: str, parsing: str) -> Metrics | None:
    """Of these baselines, the one with the best mean, if that is better than the model's; None if there is none."""
    sign = -1 if headline == LOWER_IS_BETTER else 1

    def score(one: Metrics) -> float:
        mean = one.headline(headline, parsing).mean
        return float("-inf") if mean is None else sign * mean

    best = max((one for one in baselines if one.scored_on == metrics.scored_on), key=score, default=None)
    return best if best is not None and score(best) > score(metrics) else None
