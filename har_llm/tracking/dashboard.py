"""The W&B report that dashboard.yaml describes: the task that asks for it, and how the tracker's process makes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import closing, redirect_stdout
from importlib.resources import files
from typing import Any

from omegaconf import OmegaConf

from har_llm.common.errors import ServiceError
from har_llm.common.extras import installed_by
from har_llm.common.text import visible
from har_llm.config.experiment import Experiment
from har_llm.config.tracker import WandbTracker
from har_llm.tracking.outcomes import Failed, Online, Published
from har_llm.tracking.publisher import Publisher
from har_llm.tracking.wandb_client import NotPublished, reason

DASHBOARD = "dashboard"
"""In the notes of what was published."""
OF_CONFIG = "config."
WIDE, HIGH = 24, 10
"""Width and height of a table's panel, in W&B's units: the whole width."""


def dashboard(experiment: Experiment) -> None:
    """Make the report, or update it. Raises ServiceError if W&B refuses it."""
    tracker = experiment.tracker if isinstance(experiment.tracker, WandbTracker) else WandbTracker()
    asked = Published(DASHBOARD, DASHBOARD)
    with closing(Publisher(tracker, experiment.settings.paths.outputs)) as publisher:
        known = publisher.notes.online(DASHBOARD)
        publisher.ask(asked, DASHBOARD, id=None if known is None else known.report)
        publisher.wait()
    if isinstance(asked.outcome, Failed):
        raise ServiceError(f"The dashboard was not made ({asked.outcome.why.rstrip('.')}).")
    assert isinstance(asked.outcome, Online)
    print(visible(f"Dashboard: {asked.outcome.url}"))


def save(tracker: WandbTracker, id: str | None) -> Online:
    """Make the report, or update the one with this id. Raises NotPublished."""
    try:
        # Importing it prints advice.
        with redirect_stdout(sys.stderr):
            import wandb_workspaces.reports.v2 as reports
    except ImportError:
        raise NotPublished(f"it needs another package: {installed_by('dashboard')}") from None
    os.environ.setdefault("WANDB_HTTP_TIMEOUT", str(max(1, int(tracker.init_timeout))))
    try:
        report = build(specification(), reports, tracker.project, tracker.entity)
        report.id = id or ""
        report.save()
    except Exception as error:  # from the client, pydantic or W&B
        raise NotPublished(reason(error)) from error
    return Online(report.url, report=report.id)


def specification() -> dict[str, Any]:
    text = (files("har_llm") / "tracking" / "dashboard.yaml").read_text(encoding="utf-8")
    return {str(name): value for name, value in dict(OmegaConf.to_container(OmegaConf.create(text))).items()}  # type: ignore[arg-type]


def build(specified: Mapping[str, Any], reports: Any, project: str, entity: str | None) -> Any:
    """`reports`: W&B's module of that name."""
    place = {"project": project} if entity is None else {"project": project, "entity": entity}
    report = reports.Report(title=specified["title"], description=specified["description"], width="fluid", **place)
    blocks = [reports.P(specified["introduction"]), reports.TableOfContents()]
    for section in specified["sections"]:
        # The report fills in the default entity.
        runs = reports.Runset(
            project=project, entity=report.entity, name=section["heading"], filters=section["filter"], groupby=[]
        )
        panels = [PANELS[panel["kind"]](panel, reports) for panel in section["panels"]]
        blocks += [
            reports.H2(section["heading"]),
            reports.P(section["text"]),
            reports.PanelGrid(runsets=[runs], panels=panels),
        ]
    report.blocks = blocks
    return report


def _bars(panel: Mapping[str, Any], reports: Any) -> Any:
    return reports.BarPlot(title=panel["title"], metrics=[reports.SummaryMetric(name) for name in panel["metrics"]])


def _scatter(panel: Mapping[str, Any], reports: Any) -> Any:
    """`x`: a value of the summary, or of the config, as in config.run.parameters."""
    name = panel["x"]
    of_config = name.startswith(OF_CONFIG)
    x = reports.Config(name.removeprefix(OF_CONFIG)) if of_config else reports.SummaryMetric(name)
    y = reports.SummaryMetric(panel["y"])
    return reports.ScatterPlot(title=panel["title"], x=x, y=y, log_x=panel.get("log_x"))


def _lines(panel: Mapping[str, Any], reports: Any) -> Any:
    return reports.LinePlot(title=panel["title"], x=panel["x"], y=list(panel["y"]))


def _table(panel: Mapping[str, Any], reports: Any) -> Any:
    return reports.WeavePanelSummaryTable(table_name=panel["table"], layout=reports.Layout(w=WIDE, h=HIGH))


PANELS: dict[str, Callable[[Mapping[str, Any], Any], Any]] = {
    "bars": _bars,
    "scatter": _scatter,
    "lines": _lines,
    "table": _table,
}
