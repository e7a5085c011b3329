"""The real releases, where they are: the counts that must come out."""

from __future__ import annotations

from collections import Counter

import pytest

from har_llm.data.datasets.intervals.kasteren import Kasteren
from har_llm.data.datasets.intervals.uci_adl import UciAdl
from har_llm.data.records import Recordings
from har_llm.data.splits import PaperSplit
from tests.helpers import load, real_data


def labels(recordings: Recordings) -> Counter[int]:
    return Counter(number for session in recordings.sessions for event in session.events for number in event.activities)


UCI = {
    "A": (15, 818, {1: 56, 2: 91, 3: 28, 4: 27, 5: 120, 6: 107, 8: 28, 9: 160, 10: 135, 0: 68}, 2, (10, 5)),
    "B": (23, 4668, {1: 216, 2: 291, 3: 21, 4: 176, 5: 261, 6: 263, 7: 139, 8: 347, 9: 988, 10: 377, 0: 1687}, 98, (15, 8)),
}
REPAIRS = {"A": {"label ends before it starts": 3}, "B": {"sensor row out of order": 4}}


@pytest.mark.parametrize("house", ["A", "B"])
def test_uci_adl(house: str) -> None:
    dataset = load("dataset/uci_adl", UciAdl, house=house)
    dataset.check()
    recordings = dataset.read(real_data("uci_adl"))
    sessions, events, gold, several, parts = UCI[house]
    assert (recordings.home.name, len(recordings.sessions)) == (f"uci_adl_{house}", sessions)
    assert sum(len(session.events) for session in recordings.sessions) == events
    assert labels(recordings) == gold and sum(gold.values()) == events + several
    assert Counter(notice.kind for notice in recordings.repairs) == REPAIRS[house]  # no difference from the known counts
    divided = PaperSplit().divide(recordings.sessions, dataset.paper_split)
    assert (len(divided["train"]), len(divided["test"])) == parts


def test_kasteren() -> None:
    dataset = load("dataset/kasteren", Kasteren)
    dataset.check()
    recordings = dataset.read(real_data("kasteren"))
    assert len(recordings.sessions) == 25 and sum(len(session.events) for session in recordings.sessions) == 2636
    gold = {1: 353, 4: 784, 5: 131, 10: 376, 13: 243, 15: 264, 17: 119, 0: 540}
    assert labels(recordings) == gold and sum(gold.values()) == 2636 + 174
    assert [(one.line, one.kind) for one in recordings.repairs] == [(1321, "other number of rows")]
    assert {session.events[0].date.isoformat() for session in recordings.sessions if session.events[0].date} == {
        session.id for session in recordings.sessions
    }
