"""Where conf/ is: beside the package in a checkout, inside it when installed.

Found without pathlib, whose import takes a third of the time of --help.
"""

from __future__ import annotations

import os

_PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
_INSIDE = f"{_PACKAGE}/conf"
CONF = _INSIDE if os.path.isdir(_INSIDE) else f"{os.path.dirname(_PACKAGE)}/conf"  # noqa: PTH112, PTH120
