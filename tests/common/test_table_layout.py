"""On a terminal of any width nothing of a table is lost, and no word, number or path is broken."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from har_llm.common.table_layout import lines_of
from har_llm.common.tables import Table

LOADS = Table(
    "loads",
    "Models to load",
    ("model", "engine", "runs", "generations owed", "prompt tokens", "answer tokens", "memory", "download", "time"),
    [
        ["qwen2.5_coder_1.5b", "Transformers", "9", "334", "256 k", "at most 342 k", "7.8 GB", "", "unknown"],
        ["smollm2_135m", "Transformers", "7", "560", "407 k", "at most 573 k", "0.6 GB", "72 MB", "1.2 h"],
    ],
)
"""At 80 characters its last columns were lost, and names were broken as qwen2.5_coder_ and 1.5b."""
PATH = "/home/a user/outputs/runs/marble-smollm2_135m-test-0123456789"
SWEEP = Table(
    "sweep",
    "",
    ("job", "score in %", "missed %", "run directory"),
    [["model=qwen2.5_coder_1.5b prompt=direct", "13.52 ± 16.85", "0.20", PATH]],
    whole=("run directory",),
)


def lines(table: Table, width: int) -> list[str]:
    return [line.text for line in lines_of(table, width)]


@pytest.mark.parametrize("width", (40, 60, 80, 120, 200))
@pytest.mark.parametrize("table", (LOADS, SWEEP))
def test_nothing_is_lost_and_no_word_is_broken(table: Table, width: int) -> None:
    shown = lines(table, width)
    words = " ".join(shown).replace(": ", " ").split()
    for text in [*table.columns, *(cell for row in table.rows for cell in row)]:
        for word in text.split():
            assert word in words, (word, shown)
    assert any(PATH in line for line in shown) or table is LOADS
    assert max(cell_len(line) for line in shown if PATH not in line) <= width


def test_with_room_every_column_is_beside_the_others() -> None:
    assert lines(SWEEP, 150) == [
        "job                                         score in %   missed %   run directory",
        "─" * 129,
        f"model=qwen2.5_coder_1.5b prompt=direct   13.52 ± 16.85       0.20   {PATH}",
    ]


def test_columns_without_room_are_named_below_the_row() -> None:
    assert lines(LOADS, 60)[2:5] == [
        "qwen2.5_coder_1.5b   Transformers      9                334",
        "    prompt tokens: 256 k | answer tokens: at most 342 k",
        "    memory: 7.8 GB | time: unknown",
    ]


def test_wide_characters_take_two_columns() -> None:
    assert lines(Table("t", "", ("", "x"), [["数据", "1"], ["abcd", "2"]]), 20)[2:] == ["数据   1", "abcd   2"]


def test_a_single_word_is_never_broken() -> None:
    assert lines(Table("t", "", ("name",), [["a" * 50]]), 20)[-1] == "a" * 50
