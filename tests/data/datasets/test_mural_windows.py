"""The number of training windows that MuRAL's open settings give, counted from rows and cut from events: both agree."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.data.datasets.mural_windows import VARIANTS, Row, RowCounts, Variant, compared
from har_llm.data.windows import FixedWindows
from tests.data.datasets.mural_files import mural, release, write_folder

EVENT, OTHERS = Row(is_annotation=False, is_null=False), Row(is_annotation=False, is_null=True)
NARRATION, IDLE_NARRATION = Row(is_annotation=True, is_null=False), Row(is_annotation=True, is_null=True)
DEFAULT = Variant("dropped", "label", 1)


def test_the_defaults_come_first_so_that_they_win_a_tie() -> None:
    dataset = mural()
    assert VARIANTS[0] == DEFAULT == Variant(dataset.annotation_rows, dataset.null_class, 1)
    assert len(VARIANTS) == len(set(VARIANTS)) == 8


@pytest.mark.parametrize(
    ("variant", "windows"),
    [
        (DEFAULT, 3),  # 21 rows
        (Variant("dropped", "label", 2), 2),
        (Variant("dropped", "dropped", 1), 2),  # 19 rows
        (Variant("kept", "dropped", 2), 2),  # 20 rows
        (Variant("kept", "label", 2), 3),  # 22 or 23 rows
    ],
)
def test_windows_of_a_session(variant: Variant, windows: int) -> None:
    assert variant.windows([Counter({EVENT: 19, OTHERS: 2, NARRATION: 1, IDLE_NARRATION: 1})]) == windows


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.sampled_from(["door", "others", "told", "idle"]), max_size=45), min_size=1, max_size=3))
def test_counted_windows_are_those_that_are_cut(tmp_path_factory: pytest.TempPathFactory, drawn: list[list[str]]) -> None:
    rows = {
        "door": "0,08:00:00,main door,OPENED,A,,6",
        "others": '0,08:00:00,main door,OPENED,A,,"0,0"',
        "told": '0,08:00:00,,,A,"A waits.",6',
        "idle": "0,08:00:00,,,A,,",
    }
    door = rows["door"]
    sessions = {f"{n + 1:02d}": [door, *(rows[kind] for kind in kinds)] for n, kinds in enumerate(drawn)}
    data = tmp_path_factory.mktemp("any")
    write_folder(data / "mural", release(sessions))
    counted: list[RowCounts] = [
        Counter({EVENT: kinds.count("door") + 1, OTHERS: kinds.count("others"),
                 NARRATION: kinds.count("told"), IDLE_NARRATION: kinds.count("idle")})
        for kinds in drawn
    ]  # fmt: skip
    for variant in VARIANTS[::3]:
        recordings = mural(annotation_rows=variant.annotation_rows, null_class=variant.null_class).read(data)
        cut = FixedWindows(min_events=variant.min_events).cut
        assert variant.windows(counted) == sum(1 for session in recordings.sessions for _ in cut(session))


def test_what_is_told() -> None:
    sessions: list[RowCounts] = [Counter({EVENT: 20, OTHERS: 1, NARRATION: 9}), Counter({EVENT: 20, OTHERS: 10})]
    assert DEFAULT.windows(sessions) == 6
    assert compared(sessions, DEFAULT, 6) is None
    told = {known: compared(sessions, DEFAULT, known) or "" for known in (4, 5, 7)}
    assert all(
        words.startswith("6 windows of 10 come out of the 2 training sessions with dataset.annotation_rows=dropped ")
        for words in told.values()
    )
    assert told[5].endswith(
        "; dataset.annotation_rows=dropped dataset.null_class=label window.min_events=2 comes nearest, with 5"
    )
    assert told[4].endswith("; dataset.annotation_rows=dropped dataset.null_class=dropped comes nearest, with 4")
    assert told[7].endswith("; no other setting of annotation_rows, null_class and window.min_events comes nearer")


def test_kept_annotation_rows_may_be_what_the_paper_had(tmp_path: Path) -> None:
    doors, told = [f"{uid},08:00:00,main door,OPENED,A,,6" for uid in range(10)], '10,08:00:00,,,A,"A waits.",6'
    write_folder(tmp_path / "mural", release({"01": [*doors, told], "02": doors[:1]}))
    dataset = mural(paper_split={2: 1})
    dataset.expected = {"training_windows": 2}
    (notice,) = dataset.read(tmp_path).repairs
    assert "dataset.annotation_rows=kept dataset.null_class=label comes nearest, with 2" in notice.message
    dataset.annotation_rows = "kept"
    assert not dataset.read(tmp_path).repairs
