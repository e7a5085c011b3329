"""One Chromium for all tests of the page, and a fresh context of it for each."""

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


@pytest.fixture
def watch(browser: Any) -> Iterator[Open]:
    """Opens a report in a context of its own; at the end, nothing forbidden may have happened in it."""
    opened: list[Watched] = []

    def open_report(report: Path, address: str = "", **context: Any) -> Watched:
        settings = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", **context}
        watched = Watched(browser.new_context(**settings).new_page(), report)
        watched.open(address)
        opened.append(watched)
        return watched

    yield open_report
    for watched in opened:
        watched.check()
        watched.page.context.close()
