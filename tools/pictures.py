"""Makes pictures of a report for the documentation: python tools/pictures.py REPORT_FOLDER docs/pictures

Needs Chromium (or HAR_LLM_CHROMIUM, its path) and playwright, which is in the extra `dev`. The documentation shows
outputs/reports/miniature, which `python -m har_llm experiment=miniature` makes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
DESKTOP, TALL, PHONE = {"width": 1280, "height": 860}, {"width": 1280, "height": 1700}, {"width": 390, "height": 844}
VIEWS = (
    ("overview", "overview", DESKTOP, "light"),
    ("timeline", "timeline", DESKTOP, "light"),
    ("explorer", "explorer?differ=yes", TALL, "light"),
    ("explorer-dark-phone", "explorer?differ=yes", PHONE, "dark"),
)
"""Name, address, size and colours."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("pictures", type=Path)
    arguments = parser.parse_args()
    page = arguments.report / "report.html"
    if not page.is_file():
        sys.exit(f"error: there is no report.html in {arguments.report}; make it with task=report.")
    arguments.pictures.mkdir(parents=True, exist_ok=True)
    for figure in sorted(arguments.report.glob("figure*.png")):
        shutil.copy(figure, arguments.pictures / figure.name)
        print(arguments.pictures / figure.name)
    for path in screenshots(page, arguments.pictures):
        print(path)


def screenshots(page: Path, folder: Path) -> Iterator[Path]:
    from playwright.sync_api import sync_playwright

    browser_path = os.environ.get("HAR_LLM_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if browser_path is None:
        sys.exit("error: no Chromium was found; install one, or name it with HAR_LLM_CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        for name, address, size, colours in VIEWS:
            path = folder / f"{name}.png"
            tab: Any = browser.new_page(viewport=size, color_scheme=colours)
            tab.goto(f"{page.resolve().as_uri()}#{address}")
            tab.wait_for_load_state("networkidle")
            tab.wait_for_timeout(1500)  # generations are unpacked after the view has appeared
            tab.screenshot(path=path)
            tab.close()
            yield path
        browser.close()


if __name__ == "__main__":
    main()
