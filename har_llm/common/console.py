"""What sweeps show on a terminal. Imported only when there is something to show.

Text of models and data is shown as text: no markup is read in it, and control characters are made visible.
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from har_llm.common.text import visible


def console() -> Console:
    """Standard output; wide enough for the tables where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False, soft_wrap=False)


def plain(text: str) -> Text:
    """Untrusted text: no markup is read in it, and what would move the cursor or colour the terminal is made visible."""
    return Text(visible(text))
