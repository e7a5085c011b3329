"""Sessions -> parts. Whole sessions are divided, before windows are cut, so that nothing is in two parts.

Every split is divided by `divide(sessions, paper_split)`, which returns the sessions of each part in their own order.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError
from har_llm.common.numbers import counted
from har_llm.data.records import Session

PARTS = ("train", "validation", "test")
ALL = "all"
"""What a run is scored on instead of a part: every session, undivided, as in a home without labels."""

Parts = dict[str, list[Session]]


@dataclass(kw_only=True)
class Split(ABC):
    """What all splits share."""

    part: str = "test"
    """What a run is about: train, validation, test, or all = every session, of which none is for training."""

    def check(self) -> None:
        require("split.part", self.part, (*PARTS, ALL))

    def divide(self, sessions: Sequence[Session], paper_split: Mapping[int, int]) -> Parts:
        """The sessions of each part, in their own order. `paper_split` is the dataset's own (see PaperSplit)."""
        if self.part == ALL:
            return {**{part: [] for part in PARTS}, ALL: list(sessions)}
        part_of = self.part_of(sessions, paper_split)
        return {part: [session for session in sessions if part_of.get(session.id) == part] for part in PARTS}

    @abstractmethod
    def part_of(self, sessions: Sequence[Session], paper_split: Mapping[int, int]) -> Mapping[str, str]:
        """The part of each session by its id; a session that is not named is in none."""


@dataclass(kw_only=True)
class GroupSplit(Split):
    """The first sessions of each group train, the others test; the validation part is cut from the training part.

    Groups take turns in giving their last training session to the validation part; each keeps its first one. The order of
    the groups does not depend on the number, so that a larger validation part contains a smaller one.
    """

    validation_sessions: int = 0
    """How many training sessions, over all groups, are for validation: for choosing prompts and settings."""

    def check(self) -> None:
        super().check()
        if self.validation_sessions < 0:
            raise ConfigError(f"split.validation_sessions is {self.validation_sessions}; it must be 0 or more.")
        if self.part == "validation" and self.validation_sessions == 0:
            raise ConfigError("split.part is 'validation' but split.validation_sessions is 0; set it to 1 or more.")

    def part_of(self, sessions: Sequence[Session], paper_split: Mapping[int, int]) -> Mapping[str, str]:
        training = {
            name: group[: self.training_count(name, len(group), paper_split)] for name, group in _by_group(sessions).items()
        }
        part_of = {session.id: "train" for group in training.values() for session in group}
        part_of |= {session.id: "validation" for session in self._validation(training)}
        return {session.id: part_of.get(session.id, "test") for session in sessions}

    @abstractmethod
    def training_count(self, group: str, size: int, paper_split: Mapping[int, int]) -> int:
        """How many sessions of a group, from the first, are not for testing."""

    def _validation(self, training: Mapping[str, Sequence[Session]]) -> list[Session]:
        offered = {name: group[:0:-1] for name, group in training.items()}
        wanted = self.validation_sessions
        taken = list(islice(_in_turns(offered, seed=0), wanted))
        if len(taken) < wanted:
            raise ConfigError(
                f"split.validation_sessions is {wanted}; it must be at most {len(taken)}, because every group of "
                "sessions keeps one for training."
            )
        return taken


@dataclass(kw_only=True)
class PaperSplit(GroupSplit):
    """As in section 4.3.1: dataset.paper_split says how many sessions of a group of each size are for training.

    A home that no paper has divided, without a paper_split, is divided as by split=fraction.
    """

    def training_count(self, group: str, size: int, paper_split: Mapping[int, int]) -> int:
        if not paper_split:
            return FractionSplit().training_count(group, size, paper_split)
        if size not in paper_split:
            known = ", ".join(f"{key}: {value}" for key, value in paper_split.items())
            raise ConfigError(
                f"dataset.paper_split is {{{known}}} and does not say how many of the {counted(size, 'session')} of group "
                f"{group!r} are for training; set '++dataset.paper_split={{{size}: {max(1, size * 2 // 3)}}}', or "
                f"use split=fraction."
            )
        if not 0 <= paper_split[size] <= size:
            raise ConfigError(f"dataset.paper_split.{size} is {paper_split[size]}; it must be from 0 to {size}.")
        return paper_split[size]


@dataclass(kw_only=True)
class FractionSplit(GroupSplit):
    """A share of each group's sessions, in order, for homes that no paper has divided."""

    train: float = 2 / 3
    """Share of the sessions that are not for testing, rounded to whole sessions."""

    def check(self) -> None:
        super().check()
        if not 0 < self.train < 1:
            raise ConfigError(f"split.train is {self.train}; it must be between 0 and 1, such as 0.67.")

    def training_count(self, group: str, size: int, paper_split: Mapping[int, int]) -> int:
        # A group of two or more is in both parts, whatever rounding says.
        return max(1, min(size - 1, int(size * self.train + 0.5)))


@dataclass(kw_only=True)
class NamedSplit(Split):
    """Sessions by id. A session that is not named is in no part."""

    train: list[str] = field(default_factory=list)
    validation: list[str] = field(default_factory=list)
    test: list[str] = field(default_factory=list)

    def check(self) -> None:
        super().check()
        named = Counter([*self.train, *self.validation, *self.test])
        for name, count in named.items():
            if count > 1:
                raise ConfigError(f"split names the session {name!r} {count} times; name it once, in one part.")
        if self.part != ALL and not getattr(self, self.part):
            raise ConfigError(f"split.part is {self.part!r} but split.{self.part} names no session; list their ids there.")

    def part_of(self, sessions: Sequence[Session], paper_split: Mapping[int, int]) -> Mapping[str, str]:
        part_of = {name: part for part in PARTS for name in getattr(self, part)}
        known = [session.id for session in sessions]
        for name, part in part_of.items():
            if name not in known:
                some = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
                raise ConfigError(f"split.{part} names the session {name!r}, which the data do not have; they have {some}.")
        return part_of


@dataclass(kw_only=True)
class KFoldSplit(Split):
    """Cross-validation by session: one fold is for testing, all others train.

    Sessions go to the folds in turn, in the order of the data, so that the sessions of a group come into different folds.
    """

    folds: int | None = None
    """How many; null = as many as there are sessions, to leave one session (a day, in homes that are cut into days) out."""
    fold: int = 0
    """The one to test on, from 0."""

    def check(self) -> None:
        super().check()
        if self.part == "validation":
            raise ConfigError("split.part is 'validation', which split=kfold does not have; it must be train or test.")
        if self.folds is not None and self.folds < 2:
            raise ConfigError(f"split.folds is {self.folds}; it must be at least 2, or null to leave one session out.")
        if self.fold < 0 or (self.folds is not None and self.fold >= self.folds):
            most = "0 or more" if self.folds is None else f"from 0 to {self.folds - 1}"
            raise ConfigError(f"split.fold is {self.fold}; it must be {most}.")

    def part_of(self, sessions: Sequence[Session], paper_split: Mapping[int, int]) -> Mapping[str, str]:
        folds = len(sessions) if self.folds is None else self.folds
        if len(sessions) < max(folds, 2):
            least = f"split.folds is {self.folds}" if self.folds is not None else "split=kfold needs at least 2"
            raise ConfigError(f"{least}, but the data have {counted(len(sessions), 'session')}; ask for fewer folds.")
        if self.fold >= folds:
            raise ConfigError(
                f"split.fold is {self.fold}; it must be from 0 to {folds - 1} for {counted(folds, 'session')}."
            )
        return {one.id: "test" if place % folds == self.fold else "train" for place, one in enumerate(sessions)}


def first_sessions(
    sessions: Sequence[Session], count: int | None, seed: int, setting: str = "lora.train_sessions"
) -> list[Session]:
    """The first `count` sessions to train on (all for None), in their own order; a larger count contains a smaller one's.

    Groups take turns, in an order drawn by `seed`, so that few sessions of a home with many scenarios come from different
    ones. Within a group, earlier sessions come first. `setting`: what asks for them, for errors.
    """
    if count is None:
        return list(sessions)
    if count > len(sessions):
        raise ConfigError(
            f"{setting} is {count}, but the training part has {counted(len(sessions), 'session')}; ask for fewer."
        )
    chosen = {session.id for session in islice(_in_turns(_by_group(sessions), seed), count)}
    return [session for session in sessions if session.id in chosen]


def part_name(part: str) -> str:
    """ "test part", or "all sessions"."""
    return "all sessions" if part == ALL else f"{part} part"


def unused(sessions: Sequence[Session], parts: Mapping[str, Sequence[Session]]) -> list[Session]:
    """The sessions that are in no part."""
    used = {session.id for part in parts.values() for session in part}
    return [session for session in sessions if session.id not in used]


def _by_group(sessions: Sequence[Session]) -> dict[str, list[Session]]:
    groups: dict[str, list[Session]] = {}
    for session in sessions:
        groups.setdefault(session.group, []).append(session)
    return groups


def _in_turns(groups: Mapping[str, Sequence[Session]], seed: int) -> Iterator[Session]:
    """The first session of each group, then the second of each, and so on; `seed` draws the order of the groups."""
    order = sorted(groups, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    for turn in zip_longest(*(groups[name] for name in order)):
        yield from (session for session in turn if session is not None)
