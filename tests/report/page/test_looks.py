"""The page on a phone, in the dark, and to the eye: nothing is cut off, everything stands out from its ground."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from har_llm.common.tables import Table
from har_llm.report.page.write import write_page
from tests.report.browser import Watched
from tests.report.page_runs import VIEWS, Fabricated, events, gives_up, make, says

pytestmark = pytest.mark.slow

Watch = Callable[..., Watched]
LEAST_CONTRAST = 4.5  # WCAG 2.2, level AA

# For every element with text of its own: the contrast between it and what it stands on.
CONTRASTS = """() => {
    const pen = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const rgba = (colour) => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, ground) => top.slice(0, 3).map((value, at) => value * top[3] + ground[at] * (1 - top[3]));
    const luminance = (colour) => {
        const [r, g, b] = colour.map((v) => (v / 255 <= 0.04045 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        const below = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
        return over(rgba(getComputedStyle(element).backgroundColor), below);
    };
    const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const faint = [];
    for (const element of document.querySelectorAll('body *')) {
        if (!own(element) || !element.checkVisibility() || element.closest('.unseen, .skip, option')) continue;
        const below = ground(element), ink = over(rgba(getComputedStyle(element).color), below);
        const [dark, light] = [luminance(ink), luminance(below)].sort((one, other) => one - other);
        const contrast = (light + 0.05) / (dark + 0.05);
        if (contrast < LEAST) faint.push(`${element.className}: ${element.textContent.slice(0, 30)} ${contrast}`);
    }
    return faint;
}""".replace("LEAST", str(LEAST_CONTRAST), 1)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    activities = {number: f"activity with a long name {number}" for number in range(1, 31)}
    recorded = events(*[f"kitchen induction stove wattmeter turned ON {number}" for number in range(150)])
    sessions = {"session_with_a_long_name_01": [event._replace(activities=(event.id % 30 + 1,)) for event in recorded]}
    models = {"Qwen3-0.6B": says(*range(1, 31)), "Qwen3-32B": says(1), "cut": gives_up}
    runs = [
        make(root, Fabricated(name, sessions, [model], model=name, activities=activities, finish_reason="length", limit=25))
        for name, model in models.items()
    ]
    rows = [["a home with a long name", f"model-of-{row}B", "all sessions", *[f"{row}.00 ± 1.00"] * 8] for row in range(4)]
    columns = ("home", "model", "trained on", *[f"F1 weighted {column} %" for column in range(8)])
    table = Table("t", "A wide table", columns, rows, ["A note."])
    write_page(runs, root / "report.html", tables=[table], figures=[], headline="f1_weighted", parsing="lenient")
    return root / "report.html"


def opened(watch: Watch, report: Path, view: str, **context: object) -> Watched:
    page = watch(report, f"#{view}", **context)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.settled()
    return page


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(report: Path, watch: Watch, view: str, scheme: str) -> None:
    page = opened(watch, report, view, color_scheme=scheme)
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)[0] < 128")
    assert dark == (scheme == "dark")
    assert page.evaluate(CONTRASTS) == []


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", [360, 768, 1400])
def test_nothing_is_wider_than_the_screen(report: Path, watch: Watch, view: str, width: int) -> None:
    page = opened(watch, report, view, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # What does not fit lies in a box of its own, which can be scrolled also by keyboard.
    unreachable = page.evaluate(
        """(width) => [...document.querySelectorAll('main *')].filter((one) => one.checkVisibility()
            && one.getBoundingClientRect().right > width + 1 && !one.closest('[tabindex="0"], .unseen'))
            .map((one) => `${one.tagName}.${one.className}`)""",
        width,
    )
    assert unreachable == []


def test_thirty_activities_have_thirty_colours(report: Path, watch: Watch) -> None:
    page = watch(report, "#timeline")
    colours = page.evaluate(
        "[...document.querySelectorAll('.legend .swatch')].map((one) => getComputedStyle(one).backgroundColor)"
    )
    assert len(colours) == len(set(colours)) == 30


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_pressed_on_a_phone_is_large_enough(report: Path, watch: Watch, view: str) -> None:
    page = watch(report, f"#{view}", viewport={"width": 390, "height": 844}, has_touch=True)
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input')].filter((one) => one.checkVisibility())
            .map((one) => [one.textContent, one.getBoundingClientRect()])
            .filter(([, { width, height }]) => width > 1 && (width < 24 || height < 24)).map(([text]) => text)"""
    )
    assert small == []


def test_on_a_phone_the_first_score_is_on_the_screen(report: Path, watch: Watch) -> None:
    """What stands before it is below the row's name."""
    page = watch(report, "#results", viewport={"width": 390, "height": 844}, has_touch=True)
    cell = page.page.locator("td.number").first
    right = cell.evaluate("(cell) => cell.getBoundingClientRect().right")
    assert right <= 390 and cell.inner_text() == "0.00 ± 1.00"
    assert page.text("tbody th").split("\n") == ["a home with a long name", "model: model-of-0B", "trained on: all sessions"]
    page.go("#overview")
    assert page.evaluate("document.querySelector('td.score').getBoundingClientRect().right") <= 390


def test_the_first_reasoning_is_on_the_first_screen(watch: Watch, tmp_path: Path) -> None:
    """Also with more runs of long names than are shown."""
    sessions = {"s": events(*[f"kitchen induction stove wattmeter {number}" for number in range(5)])}
    model = "a-model-with-the-long-name-of-its-authors-and-of-its-variant"
    runs = [make(tmp_path, Fabricated(f"r-{n:010}", sessions, [says(1)], model=f"{model}-{n}")) for n in range(20)]
    path = tmp_path / "report.html"
    write_page(runs, path, tables=[], figures=[], headline="accuracy", parsing="strict")
    page = watch(path, "#explorer", viewport={"width": 1440, "height": 900})
    top, bottom = page.evaluate(
        "(({ top, bottom }) => [top, bottom])(document.querySelector('.card .text').getBoundingClientRect())"
    )
    assert 0 < top < 700 and bottom <= 900
    phone = watch(path, "#explorer", viewport={"width": 390, "height": 844}, has_touch=True)
    assert phone.page.get_by_text("Runs (6 of 20 shown)").is_visible()


@pytest.mark.parametrize("view", VIEWS)
def test_focus_is_seen(report: Path, watch: Watch, view: str) -> None:
    page = watch(report, f"#{view}")
    for _ in range(12):
        page.page.keyboard.press("Tab")
        width = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        assert width >= 2, page.evaluate("document.activeElement.outerHTML")
