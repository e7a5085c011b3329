"""Where both `har-llm` and `python -m har_llm` begin."""

from __future__ import annotations

import sys


def main() -> None:
    """Answer --help at once, and hand everything else to Hydra."""
    if {"--help", "-h"} & set(sys.argv[1:]):
        from har_llm.help import help_text

        print(help_text(sys.argv[1:]))
        return
    from har_llm.app import main as run

    run()


if __name__ == "__main__":
    main()
