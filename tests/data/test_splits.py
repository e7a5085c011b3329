from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.marble import Marble
from har_llm.data.datasets.simulated import SimulatedHome
from har_llm.data.records import Session
from har_llm.data.splits import PARTS, FractionSplit, GroupSplit, KFoldSplit, NamedSplit, PaperSplit, Split, unused
from tests.helpers import load, real_data

PAPER = {2: 1, 3: 2, 4: 2}


def groups(*sizes: int) -> list[Session]:
    return [Session(f"g{group}/{number + 1}", f"g{group}", ()) for group, size in enumerate(sizes) for number in range(size)]


def ids(parts: Mapping[str, list[Session]]) -> dict[str, list[str]]:
    return {part: [session.id for session in sessions] for part, sessions in parts.items()}


def test_shipped_splits_are_valid() -> None:
    load("split/paper", PaperSplit).check()
    load("split/fraction", FractionSplit).check()
    load("split/named", NamedSplit, test=["s1"]).check()
    load("split/kfold", KFoldSplit).check()
    assert load("split/fraction", FractionSplit) == FractionSplit()


def test_paper_split_takes_the_first_sessions_of_each_group() -> None:
    assert ids(PaperSplit().divide(groups(2, 3, 4), PAPER)) == {
        "train": ["g0/1", "g1/1", "g1/2", "g2/1", "g2/2"],
        "validation": [],
        "test": ["g0/2", "g1/3", "g2/3", "g2/4"],
    }


def test_paper_split_of_the_simulated_home_with_two_validation_sessions() -> None:
    home = load("dataset/simulated_flat", SimulatedHome)
    parts = ids(PaperSplit(validation_sessions=2).divide(home.read(Path()).sessions, home.paper_split))
    assert [len(parts[part]) for part in PARTS] == [8, 2, 6]
    assert parts["validation"] == ["simulated_flat-09", "simulated_flat-10"]


def test_validation_sessions_are_spread_over_the_groups_of_marble() -> None:
    marble = load("dataset/marble", Marble)
    sessions = marble.read(real_data("marble")).sessions
    test = ids(PaperSplit().divide(sessions, marble.paper_split))["test"]
    previous: list[str] = []
    for wanted in range(20):
        parts = ids(PaperSplit(validation_sessions=wanted).divide(sessions, marble.paper_split))
        assert len(parts["validation"]) == wanted and len(parts["train"]) == 41 - wanted
        assert parts["test"] == test
        assert set(previous) <= set(parts["validation"])
        previous = parts["validation"]
        if wanted == 6:
            assert {name[2] for name in parts["validation"]} == {"m", "a", "e"}
            assert {name[0] for name in parts["validation"]} >= {"A", "B", "C"}
        assert len({name.partition("/")[0] for name in parts["validation"]}) == wanted
    with pytest.raises(ConfigError, match="must be at most 19"):
        PaperSplit(validation_sessions=20).divide(sessions, marble.paper_split)


def test_group_size_that_the_paper_does_not_have() -> None:
    with pytest.raises(ConfigError) as raised:
        PaperSplit().divide(groups(2, 5), PAPER)
    for words in ("5 sessions of group 'g1'", "'++dataset.paper_split={5: 3}'", "split=fraction"):
        assert words in str(raised.value)


def test_a_home_that_no_paper_has_divided_is_divided_by_fraction() -> None:
    sessions = groups(5, 1)
    assert PaperSplit(validation_sessions=1).divide(sessions, {}) == FractionSplit(validation_sessions=1).divide(
        sessions, {}
    )


def test_more_training_sessions_than_there_are() -> None:
    with pytest.raises(ConfigError, match=r"dataset\.paper_split\.2 is 3; it must be from 0 to 2"):
        PaperSplit().divide(groups(2), {2: 3})


@pytest.mark.parametrize(("size", "training"), [(1, 1), (2, 1), (3, 2), (4, 3), (9, 6), (21, 14)])
def test_fraction_of_a_group(size: int, training: int) -> None:
    parts = load("split/fraction", FractionSplit).divide(groups(size), {})
    assert [len(parts[part]) for part in PARTS] == [training, 0, size - training]


def test_named_split_and_what_it_leaves_unused() -> None:
    sessions = groups(4, 1)
    split = NamedSplit(train=["g0/3", "g0/1"], validation=["g1/1"], test=["g0/4"])
    split.check()
    parts = split.divide(sessions, {})
    assert ids(parts) == {"train": ["g0/1", "g0/3"], "validation": ["g1/1"], "test": ["g0/4"]}
    assert [session.id for session in unused(sessions, parts)] == ["g0/2"]


@pytest.mark.parametrize("split", [PaperSplit, FractionSplit, NamedSplit, KFoldSplit])
def test_all_sessions_are_divided_by_no_split(split: type[Split]) -> None:
    chosen = split(part="all")
    chosen.check()
    none = {part: [] for part in PARTS}
    assert ids(chosen.divide(groups(1, 2), {})) == {**none, "all": ["g0/1", "g1/1", "g1/2"]}


def test_named_split_refuses_an_unknown_session() -> None:
    with pytest.raises(ConfigError) as raised:
        NamedSplit(test=["g0/9"]).divide(groups(2), {})
    assert "split.test names the session 'g0/9'" in str(raised.value) and "g0/1, g0/2" in str(raised.value)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (NamedSplit(train=["a"], test=["a"]), "'a' 2 times"),
        (NamedSplit(test=["a", "a"]), "'a' 2 times"),
        (NamedSplit(train=["a"]), "split.test names no session"),
        (PaperSplit(part="dev"), "split.part is 'dev'; it must be one of train, validation, test, all"),
        (PaperSplit(part="validation"), "split.validation_sessions is 0"),
        (PaperSplit(validation_sessions=-1), "split.validation_sessions is -1"),
        (FractionSplit(train=1.0), "split.train is 1.0"),
        (FractionSplit(train=0.0), "split.train is 0.0"),
        (FractionSplit(train=float("nan")), "split.train is nan"),
        (KFoldSplit(part="validation"), "split=kfold does not have"),
        (KFoldSplit(folds=1), "split.folds is 1"),
        (KFoldSplit(folds=3, fold=3), "split.fold is 3; it must be from 0 to 2"),
        (KFoldSplit(fold=-1), "split.fold is -1; it must be 0 or more"),
    ],
)
def test_wrong_setting_is_refused(split: Split, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        split.check()
    assert words in str(raised.value)


@given(
    st.lists(st.integers(1, 6), max_size=12),
    st.dictionaries(st.sampled_from(range(1, 7)), st.integers(0, 6), min_size=6, max_size=6),
    st.integers(0, 8),
    st.floats(0.01, 0.99),
    st.booleans(),
)
def test_no_session_is_in_two_parts(
    sizes: list[int], paper: dict[int, int], validation: int, share: float, of_paper: bool
) -> None:
    paper_split = {size: min(size, count) for size, count in paper.items()}
    sessions = groups(*sizes)
    split: GroupSplit = (
        PaperSplit(validation_sessions=validation)
        if of_paper
        else FractionSplit(train=share, validation_sessions=validation)
    )
    try:
        parts = split.divide(sessions, paper_split)
    except ConfigError as error:
        assert "split.validation_sessions" in str(error)
        return
    assert tuple(parts) == PARTS
    names = [session.id for part in parts.values() for session in part]
    assert sorted(names) == sorted(session.id for session in sessions)
    assert len(parts["validation"]) == validation
    order = [session.id for session in sessions]
    for part in parts.values():
        assert [session.id for session in part] == sorted((session.id for session in part), key=order.index)
    for group in {session.group for session in sessions}:
        rank = {session.id: PARTS.index(part) for part, held in parts.items() for session in held if session.group == group}
        assert [rank[name] for name in order if name in rank] == sorted(rank.values())


@given(st.lists(st.integers(2, 6), min_size=1, max_size=12))
def test_more_validation_sessions_add_to_the_same_ones(sizes: list[int]) -> None:
    sessions = groups(*sizes)
    training = FractionSplit().divide(sessions, {})["train"]
    most = len(training) - len(sizes)
    previous: set[str] = set()
    for wanted in range(most + 1):
        parts = FractionSplit(validation_sessions=wanted).divide(sessions, {})
        held = {session.id for session in parts["validation"]}
        assert len(held) == wanted and previous <= held
        assert {session.group for session in parts["train"]} == {session.group for session in sessions}
        previous = held
    with pytest.raises(ConfigError, match=f"must be at most {most}"):
        FractionSplit(validation_sessions=most + 1).divide(sessions, {})


def test_folds_take_sessions_in_turn() -> None:
    assert ids(KFoldSplit(folds=2, fold=1).divide(groups(3, 1), {})) == {
        "train": ["g0/1", "g0/3"],
        "validation": [],
        "test": ["g0/2", "g1/1"],
    }


@given(st.lists(st.integers(1, 4), min_size=2, max_size=8), st.none() | st.integers(2, 5))
def test_every_session_is_tested_in_one_fold_and_trains_in_the_others(sizes: list[int], folds: int | None) -> None:
    sessions = groups(*sizes)
    count = len(sessions) if folds is None else folds
    if count > len(sessions):
        with pytest.raises(ConfigError, match="ask for fewer folds"):
            KFoldSplit(folds=folds).divide(sessions, {})
        return
    divided = [KFoldSplit(folds=folds, fold=fold).divide(sessions, {}) for fold in range(count)]
    assert sorted(one.id for parts in divided for one in parts["test"]) == sorted(one.id for one in sessions)
    for parts in divided:
        assert parts["test"] and not parts["validation"]
        assert not {one.id for one in parts["test"]} & {one.id for one in parts["train"]}
        assert not unused(sessions, parts)
    with pytest.raises(ConfigError, match=f"split.fold is {count}"):
        KFoldSplit(folds=None, fold=count).divide(sessions[:count], {})


@given(st.lists(st.sampled_from([*PARTS, ""]), min_size=1, max_size=12))
def test_named_parts_are_what_was_named(choice: list[str]) -> None:
    sessions = groups(len(choice))
    named = {part: [s.id for s, chosen in zip(sessions, choice, strict=True) if chosen == part] for part in PARTS}
    parts = NamedSplit(train=named["train"], validation=named["validation"], test=named["test"]).divide(sessions, {})
    assert ids(parts) == named
    assert len(unused(sessions, parts)) == choice.count("")
