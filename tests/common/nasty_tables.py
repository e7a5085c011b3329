"""Tables whose text tries to be markup, formulas or commands."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from har_llm.common.tables import Table

NASTY = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("|&%_$#{}\\^~<>\"'`*[]=+-@!\n\r\t\0\x1b±"))
)
TABLES = st.lists(st.tuples(NASTY, NASTY, st.sampled_from(["1.00", "-2.50", "", "3.00 ± 1.00"])), min_size=1, max_size=4)


def table(*rows: Sequence[str], columns: Sequence[str] = ("name", "other", "score"), notes: Sequence[str] = ()) -> Table:
    return Table("table1", "A title", columns, rows, notes)
