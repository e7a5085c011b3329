"""Recognise human activities in homes with language models, and distil large ones into small ones.

For notebooks: `runs = har_llm.load_runs("outputs")`, then `runs.scores()` and `runs.predictions()`, which are pandas frames.
"""

from __future__ import annotations

TYPE_CHECKING = False  # not typing's, nor pathlib: Ctrl-C while they are imported here, before __main__, shows a traceback
if TYPE_CHECKING:
    from pathlib import Path

    from har_llm.runs.load import Runs

__version__ = "0.1.0"


def load_runs(path: str | Path) -> Runs:
    """The finished runs below a folder. Raises har_llm.common.errors.MissingError if there is none, or one is damaged."""
    from har_llm.runs.load import load_runs as load  # not at the top, so that the command line starts fast

    return load(path)
