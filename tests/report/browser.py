"""A page in a real headless Chromium: notes network requests, complaints of the browser, and scripts that ran."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Of HAR_LLM_CHROMIUM, or of a usual name on the path."""
    named = os.environ.get("HAR_LLM_CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def launched() -> Iterator[Browser]:
    """Skips the test where there is no Chromium, or nothing to drive it with. The profile is a fresh one each time."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")
    path = chromium()
    if path is None:
        pytest.skip("no Chromium was found; install one, or name it with HAR_LLM_CHROMIUM")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Watched:
    """A page, and everything that it did although a report must not."""

    def __init__(self, page: Page):
        self.page, self.url = page, ""
        self.faults: list[str] = []
        page.add_init_script("window.ran = []; window.alert = (text) => window.ran.push(text);")
        page.on("console", lambda message: self._note(message.type, message.text, message.type in ("error", "warning")))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("dialog", lambda dialog: (self._note("dialog", dialog.message), dialog.dismiss()))
        page.on("popup", lambda popup: self._note("popup", popup.url))
        page.on(
            "request", lambda request: self._note("request", request.url, not request.url.startswith((self.url, "data:")))
        )

    def _note(self, kind: str, text: str, counts: bool = True) -> None:
        if counts:
            self.faults.append(f"{kind}: {text[:300]}")

    def open(self, report: Path, address: str = "") -> Page:
        """Load a report, also if it is the one that is there, and wait until the view is there."""
        self.check()
        self.page.goto("about:blank")
        self.url = report.as_uri()
        self.page.goto(self.url + address)
        self.settled()
        return self.page

    def go(self, address: str) -> Page:
        """Follow an address inside the loaded page."""
        self.page.evaluate("(address) => { location.hash = address; }", address)
        self.settled()
        return self.page

    def settled(self) -> None:
        """Wait until the view's heading is there and all generations are unpacked."""
        self.page.wait_for_selector("main h1")
        self.page.wait_for_function(
            "() => ![...document.querySelectorAll('.words-of > p')].some((p) => p.textContent === '…')"
        )
        self.page.wait_for_timeout(120)  # frames in which lists and canvases are drawn

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_inner_texts()

    def evaluate(self, script: str, *arguments: Any) -> Any:
        return self.page.evaluate(script, *arguments)

    def check(self) -> None:
        """Nothing forbidden has happened since the last check."""
        faults, self.faults = self.faults, []
        assert faults == []
        assert self.page.evaluate("window.ran?.splice(0)") in (None, []), "a script of the data has run"
