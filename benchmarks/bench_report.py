"""The report of many large runs: seconds and memory of building it, its weight, and how soon a browser shows it.

    python benchmarks/bench_report.py [--runs 20] [--events 20000] [--characters 6000] [--small]

Fabricates run directories in a temporary folder: sessions of 1,000 events, windows of 10, 26 activities, and for every
window a prompt of some 1,500 characters and a generation of --characters, of words drawn so that gzip compresses it to some
40 %. A fresh process builds the report of them all. Then Chromium, if installed, opens the page from disk with a fresh
profile, three times, of which the median counts. Goals, for 20 runs of 20,000 events: under 60 s, 2 GB.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from timing import ROOT

sys.path.insert(0, str(ROOT))

from tests.report.page_runs import Event

ACTIVITIES = {number: f"activity number {number}" for number in range(1, 27)}
A_SESSION = 1000
PLACES = [
    f"{room} {sensor}"
    for room in ("kitchen", "bathroom", "bedroom", "entrance")
    for sensor in ("stove", "door", "motion sensor")
]
NOTICED = """new MutationObserver((_, observer) => {
    if (!document.querySelector(READY)) return;
    window.usable = performance.now();
    observer.disconnect();
}).observe(document, { childList: true, subtree: true });"""
WHOLE = "performance.getEntriesByType('navigation')[0].loadEventEnd"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--events", type=int, default=20_000, help="events of each run")
    parser.add_argument("--characters", type=int, default=6000, help="mean length of a generation")
    parser.add_argument("--small", action="store_true", help="3 runs of 2,000 events, to see that it works")
    arguments = parser.parse_args()
    runs, events = (3, 2000) if arguments.small else (arguments.runs, arguments.events)
    with tempfile.TemporaryDirectory() as name:
        size = fill(Path(name) / "runs", runs, events, arguments.characters)
        print(
            f"{runs} runs of {events:,} events, generations of {arguments.characters:,} characters: "
            f"{size / 1e6:,.0f} MB of files"
        )
        command = [sys.executable, __file__, "--measure", name]
        built = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        print(
            f"built by {built['by']} in {built['seconds']:.1f} s, of which {built['processor']:.1f} s on a processor "
            f"(goal: under 60 s), {built['megabytes']:,.0f} MB (goal: 2,000 MB)"
        )
        page = Path(built["page"])
        print(f"the page weighs {page.stat().st_size / 1e6:,.1f} MB")
        show(page)


def fill(root: Path, runs: int, events: int, characters: int) -> int:
    """Write the run directories; returns their size on disk."""
    from tests.report.page_runs import Fabricated, make

    draws = random.Random(0)
    sessions = {f"session-{number:02d}": recording(draws, A_SESSION) for number in range(max(1, events // A_SESSION))}
    words = ["".join(draws.choices("abcdefghijklmnopqrstuvwxyz", k=draws.randint(2, 9))) for _ in range(3000)]
    for number in range(runs):
        name = f"home-model{number:02d}-test-{number:010x}"
        model = writer(number, words, characters)
        make(root, Fabricated(name, sessions, [model], activities=ACTIVITIES, model=f"model{number:02d}", window=10))
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def recording(draws: random.Random, size: int) -> list[Event]:
    return [
        Event(
            number,
            f"{number // 60 % 24:02d}:{number % 60:02d}:00",
            f"{draws.choice(PLACES)} turned {'ON' if number % 2 else 'OFF'}",
            (1 + number // 20 % 26,),
            ("Ann",),
        )
        for number in range(size)
    ]


def writer(run: int, words: Sequence[str], characters: int) -> Callable[[Sequence[Event]], str]:
    """A model that names the gold activity of two events in three, after prose about each event."""

    def write(window: Sequence[Event]) -> str:
        draws = random.Random(f"{run} {window}")
        parts, rows = [], []
        for event in window:
            said = event.activities[0] if draws.random() < 0.67 else draws.randint(1, 26)
            prose = " ".join(draws.choices(words, weights=WEIGHTS, k=characters // 65))
            parts.append(f'Event {event.id}, at {event.time}: "{event.text}". {prose}. So activity {said}.')
            rows.append({"id": event.id, "activity": said})
        return "<think>\n" + "\n\n".join(parts) + "\n</think>\n\n" + json.dumps(rows)

    return write


WEIGHTS = [1 / rank for rank in range(1, 3001)]  # like frequencies of words in a language


def measure(folder: Path) -> None:
    """The measurement, in a fresh process; prints its figures as JSON."""
    from har_llm.runs.find import read_runs, run_folders

    started, before = time.perf_counter(), time.process_time()
    runs = read_runs(run_folders(folder / "runs"))
    page = folder / "report" / "report.html"
    by = build(runs, page)
    taken = {"seconds": time.perf_counter() - started, "processor": time.process_time() - before}
    print(json.dumps({"by": by, "page": str(page), **taken, "megabytes": megabytes()}))


def build(runs: Sequence[object], page: Path) -> str:
    """Build the whole report if this version has one, else only the page."""
    settings = {"headline": "f1_weighted", "parsing": "lenient"}
    try:
        from har_llm.report.build import build_report
    except ImportError:
        from har_llm.report.page.write import write_page

        write_page(runs, page, tables=[], figures=[], **settings)
        return "write_page"
    build_report(runs, page.parent, **settings)
    return "build_report"


def megabytes() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def show(page: Path) -> None:
    """Print how soon the page is there, from the start of its loading."""
    from tests.report.browser import ARGUMENTS, chromium

    path = chromium()
    if path is None:
        print("no Chromium was found: not opened")
        return
    for name, address, ready in (
        ("the overview", "", ".runs tbody tr"),
        (
            "the explorer, filtered by disagreement, with all generations of an event",
            "#explorer?differ=yes",
            ".card .text mark",
        ),
        ("a session's timeline", "#timeline", ".legend .chip"),
    ):
        times = [opened(path, ARGUMENTS, page.as_uri() + address, ready) for _ in range(3)]
        paint, usable, whole = (median(figures) for figures in zip(*times, strict=True))
        print(f"{name}: first paint {paint:.0f} ms, usable {usable:.0f} ms, all of the page read {whole:.0f} ms")


def opened(path: str, arguments: Sequence[str], url: str, ready: str) -> tuple[float, float, float]:
    """Milliseconds until the first paint, until `ready` is on the page, and until the page is read to its end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(arguments))
        page = browser.new_page()
        page.add_init_script(NOTICED.replace("READY", json.dumps(ready)))
        page.goto(url, timeout=120_000)
        page.wait_for_function(
            "() => window.usable", timeout=120_000
        )  # functions, because the page's policy forbids strings
        page.wait_for_function(f"() => {PAINTED}", timeout=120_000)
        page.wait_for_function(f"() => {WHOLE} > 0", timeout=120_000)
        whole = page.evaluate(WHOLE)
        figures = (page.evaluate(PAINTED), page.evaluate("window.usable"), whole)
        browser.close()
    return figures


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
    else:
        main()
