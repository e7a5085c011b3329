"""One Chromium for all tests of a file, and in it one page for all that look at a report in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import Watched, launched

Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Not for longer: while Playwright runs, no other test of this process could run an event loop."""
    with launched() as running:
        yield running


@pytest.fixture(scope="module")
def looks() -> dict[str, Watched]:
    """The page for each set of a context's settings: a new one takes longer than most tests, and a report keeps nothing."""
    return {}


@pytest.fixture
def watch(browser: Any, looks: dict[str, Watched]) -> Iterator[Open]:
    """Loads a report; at the end, nothing forbidden may have happened in it."""
    opened: list[Watched] = []

    def open_report(report: Path, address: str = "", **context: Any) -> Watched:
        settings = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", **context}
        look = repr(settings)
        if look not in looks:
            looks[look] = Watched(browser.new_context(**settings).new_page())
        looks[look].open(report, address)
        opened.append(looks[look])
        return looks[look]

    yield open_report
    for watched in opened:
        watched.check()
