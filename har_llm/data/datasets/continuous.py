"""What homes share that were recorded for days or months: sessions are cut from them, activities have gaps between them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError
from har_llm.data.datasets.base import DatasetConfig, HomeConfig, ReleaseConfig
from har_llm.data.datasets.sessions import Cut

GAPS = ("null_class", "unlabelled")


def in_gap(dataset: DatasetConfig, gaps: str) -> tuple[int, ...]:
    """The activities of an event in a gap. Raises ConfigError where it has no null class that it could be."""
    if gaps == "null_class" and len(dataset.null_numbers()) != 1:
        raise ConfigError(
            f"dataset.home.null_class is {dataset.home.null_class}; dataset.gaps=null_class gives events in gaps the null "
            f"class, so it must be one activity. Or set dataset.gaps=unlabelled."
        )
    return tuple(dataset.null_numbers()) if gaps == "null_class" else ()


@dataclass(kw_only=True)
class ContinuousRelease(ReleaseConfig):
    """A home in a long recording whose activities are labelled as spans of time."""

    gaps: str = "null_class"
    """What an event in a gap between activities has. null_class: the null class; unlabelled: nothing, so that it is shown
    and not scored, and a model is not offered the null class."""
    cut: Cut = field(default_factory=Cut)

    def check(self) -> None:
        super().check()
        require("dataset.gaps", self.gaps, GAPS)
        self.cut.check()
        in_gap(self, self.gaps)

    @property
    def in_gap(self) -> tuple[int, ...]:
        """The activities of an event in a gap."""
        return in_gap(self, self.gaps)

    def offered(self, home: HomeConfig) -> HomeConfig:
        """The home with the activities that a model may choose from."""
        if self.gaps == "null_class":
            return home
        activities = {number: name for number, name in home.activities.items() if number not in self.null_numbers()}
        return replace(home, activities=activities, null_class=[])
