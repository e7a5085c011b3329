"""The content of the figures of what a sweep varies and the paper leaves open: F1 by window, and by what is left out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from har_llm.report.cell import Cell, with_variant
from har_llm.report.figures.chart import Chart, Level, Panel, Series
from har_llm.report.figures.parts import BASELINES_LOOK, baseline_levels, caption, in_order, point, score_name
from har_llm.report.grouping import Report, grouped
from har_llm.report.paper_choice import SECTIONS, joined, under
from har_llm.report.variant import marks

ABLATED = ("model.thinking", "prompt.name", SECTIONS)
SAMPLING = "model.sampling"
"""Many models are to be sampled otherwise without reasoning, so it may differ with it."""
NOTHING = "nothing"
"""Where nothing is left out."""
BESIDE = 0.12
"""Distance of points that are shown at the same name, where names are 1 apart."""


def windows(report: Report, cells: Sequence[Cell]) -> Chart | None:
    """F1 against the number of events in a window: a line for cells that differ in nothing else."""
    fixed = [cell for cell in cells if cell.run.settings.get("window.events", "").isdecimal()]
    series: list[Series] = []
    for group in _alike_but_for(fixed, ["window.events"]):
        points = [point(report, cell, int(cell.run.settings["window.events"])) for cell in group]
        if len({one.x for one in points}) == len(points) > 1:
            series.append(Series(_shared_name(group), in_order(points), len(series)))
    if not series:
        return None
    panels = [Panel("", series)]
    text, title = caption(report, "by the number of events in a window", panels), f"{report.headline_name} by window"
    return Chart("figure_windows", title, text, "events in a window", score_name(report), panels, whole=True)


def ablations(report: Report, cells: Sequence[Cell]) -> Chart | None:
    """F1 by what is left out of the prompt or the model: a series for cells that differ in nothing else."""
    found: list[dict[str, Cell]] = []
    for group in _alike_but_for(cells, (*ABLATED, SAMPLING)):
        own = _variants(group)
        found += [own] if own else filter(None, map(_variants, _alike_but_for(group, ABLATED)))
    if not found:
        return None
    names = [NOTHING, *sorted({name for variants in found for name in variants} - {NOTHING})]
    series, levels = [], []
    for look, variants in enumerate(found):
        aside = (look - (len(found) - 1) / 2) * BESIDE
        points = [point(report, cell, names.index(name) + 1 + aside) for name, cell in variants.items()]
        label = _shared_name(list(variants.values()))
        series.append(Series(label, points, look, joined=False))
        levels.append(Level(f"{NOTHING} left out: {label}", points[0].y, look))
    for home, inside in grouped([cell for variants in found for cell in variants.values()], _home).items():
        levels += baseline_levels(report, report.beside(inside), BASELINES_LOOK, home)
    panels = [Panel("", series, levels)]
    shown = "by what is left out of the prompt (its sections) or of the model (its reasoning, with its sampling)"
    text = caption(report, f"{shown}; reworded: a section with another text", panels)
    title = f"{report.headline_name} by what is left out"
    return Chart("figure_ablations", title, text, "left out", score_name(report), panels, names=names)


def _variants(group: Sequence[Cell]) -> dict[str, Cell]:
    """The cells of a group by what each lacks that the fullest has; empty if that does not tell them apart."""
    full = max(group, key=_fullness)
    variants = {NOTHING: full} | {_left_out(full, cell): cell for cell in group if cell is not full}
    return variants if "" not in variants and len(variants) == len(group) > 1 else {}


def _home(cell: Cell) -> str:
    return cell.run.home_name


def _fullness(cell: Cell) -> tuple[int, bool, int]:
    sections, reasons = _ablated(cell)
    return len(sections), reasons, sum(map(len, sections.values()))


def _left_out(full: Cell, cell: Cell) -> str:
    """What a cell lacks that the full one has, in words; empty if that is nothing, or if it has what the full one lacks."""
    (sections, reasons), (own, own_reasons) = _ablated(full), _ablated(cell)
    if not own.keys() <= sections.keys() or own_reasons > reasons:
        return ""
    said = ["reasoning"] if reasons > own_reasons else []
    said += [name for name in sections if name not in own]
    return "; ".join(said + [f"{name} reworded" for name, text in own.items() if text != sections[name]])


def _ablated(cell: Cell) -> tuple[dict[str, str], bool]:
    """The sections of the prompt, by name, and whether the model reasons."""
    sections = {
        key.removeprefix(f"{SECTIONS}."): text
        for key, text in cell.run.settings.items()
        if key.startswith(f"{SECTIONS}.") and text.strip()
    }
    return sections, cell.run.settings.get("model.thinking") == "true"


def _alike_but_for(cells: Sequence[Cell], names: Sequence[str]) -> list[list[Cell]]:
    """Groups of cells that have the same home, the same model and the same settings, but for these settings."""

    def key(cell: Cell) -> tuple[Hashable, ...]:
        said = (mark for mark in marks(cell) if not under(mark.partition("=")[0], names))
        settings = (one for one in cell.run.settings.items() if not under(one[0], names))
        return cell.run.home_name, cell.run.model_name, cell.run.adapter_name, tuple(said), frozenset(settings)

    return list(grouped(cells, key).values())


def _shared_name(cells: Sequence[Cell]) -> str:
    """The home, the model and what else a reader must know of all these cells."""
    first, *others = cells
    said = [mark for mark in marks(first) if all(mark in marks(other) for other in others)]
    name = f"{first.run.home_name}, {' '.join(filter(None, (first.run.model_name, first.run.adapter_name)))}"
    return with_variant(name, joined(said))
