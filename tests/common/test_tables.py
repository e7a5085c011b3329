"""Columns of numbers are known as such, and a spreadsheet gets numbers and texts, never a formula."""

from __future__ import annotations

import csv
import io
import math

from hypothesis import example, given, settings

from har_llm.common.tables import Table, numeric_columns, to_csv
from har_llm.common.text import one_line
from tests.common.nasty_tables import TABLES, table


def read(content: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(to_csv(content))))


@settings(deadline=None)  # other work on the machine may take its time
@given(TABLES)
@example([("", "-0", "1.00")])
def test_csv_reads_back_and_starts_no_formula(rows: list[tuple[str, str, str]]) -> None:
    _, *found = read(table(*rows))
    assert len(found) == len(rows)
    for own, row in zip(found, rows, strict=True):
        assert [cell.removeprefix("'") for cell in own[:2]] == [one_line(cell).removeprefix("'") for cell in row[:2]]
        for cell in own:
            assert not cell or cell[0] not in "=+-@＝＋－＠\t\r" or math.isfinite(float(cell)), cell


def test_csv_takes_means_and_deviations_apart() -> None:
    assert read(table(("a", "", "13.52 ± 16.85"), ("b", "x", ""), ("c", "", "1.00"))) == [
        ["name", "other", "score", "score std"],
        ["a", "", "13.52", "16.85"],
        ["b", "x", "", ""],
        ["c", "", "1.00", ""],
    ]


def test_columns_of_numbers_are_known() -> None:
    numbers = [["1", "<0.001", "", "x", "-1.50 ± 2"], ["2", "0.03", "1,234", "1", "+1.00 to -2.00"]]
    assert numeric_columns(Table("t", "", ["", "p", "n", "x", "i"], numbers)) == [False, True, True, False, True]
    assert numeric_columns(Table("t", "", ["", "p"], [])) == [False, True]


def test_columns_can_be_left_out() -> None:
    content = table(("a", "", "1.00"), ("b", "", ""))
    assert content.without_empty("other", "score").columns == ["name", "score"]
    assert content.without("score").rows == [["a", ""], ["b", ""]]
