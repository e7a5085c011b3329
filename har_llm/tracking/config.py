"""What conf/tracker chooses; imports no tracker."""

from __future__ import annotations

from dataclasses import dataclass

PLAIN = "none"


@dataclass(kw_only=True)
class TrackerConfig:
    """What every choice of conf/tracker has in common. This one is `tracker=none`: results stay on this machine."""

    name: str = PLAIN
