"""Whatever a name holds, it is shown as text in every format, and no table is broken by it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from har_llm.common.tables import Table
from har_llm.report.tables.writers import NUMBER, csv_text, latex, latex_text, markdown, numeric, plain, to_csv

NASTY = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("|&%_$#{}\\^~<>\"'`*[]=+-@!\n\r\t\0\x1b±"))
)
TABLES = st.lists(st.tuples(NASTY, NASTY, st.sampled_from(["1.00", "-2.50", "", "3.00 ± 1.00"])), min_size=1, max_size=4)


def table(*rows: Sequence[str], columns: Sequence[str] = ("name", "other", "score"), notes: Sequence[str] = ()) -> Table:
    return Table("table1", "A title", columns, rows, notes)


def cells_of_markdown(text: str) -> list[list[str]]:
    """What a reader of the Markdown sees in each row of its table."""
    parser = MarkdownIt("commonmark").enable("table")
    rows: list[list[str]] = []
    for token in parser.parse(text):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and rows and token.level == 4:
            assert token.children is not None
            shown = [child for child in token.children if child.content != "<!-- -->"]  # keeps "@name" from being a mention
            assert {child.type for child in shown} <= {"text", "text_special"}, token.content
            rows[-1].append("".join(child.content for child in shown))
    return rows


@settings(deadline=None)  # other work on the machine may take its time
@given(TABLES)
def test_markdown_shows_every_cell_as_it_is(rows: list[tuple[str, str, str]]) -> None:
    shown = cells_of_markdown(markdown(table(*rows)))
    assert shown[0] == ["name", "other", "score"]
    assert shown[1:] == [[plain(cell) or "-" for cell in row] for row in rows]


def test_markdown_holds_neither_html_nor_formulas() -> None:
    text = markdown(table(("<script>alert(1)</script>", "$x$ ![a](b)", "1.00")))
    assert "<" not in text and "\\$x\\$" in text and "!\\[a\\]" in text


@settings(deadline=None)  # other work on the machine may take its time
@given(TABLES)
def test_csv_reads_back_and_starts_no_formula(rows: list[tuple[str, str, str]]) -> None:
    _, *read = csv.reader(io.StringIO(to_csv(table(*rows))))
    assert len(read) == len(rows)
    for own, row in zip(read, rows, strict=True):
        assert [cell.removeprefix("'") for cell in own[:2]] == [plain(cell).removeprefix("'") for cell in row[:2]]
        for cell in own:
            assert not cell or cell[0] not in "=+-@＝＋－＠\t\r" or NUMBER.fullmatch(cell), cell


def test_csv_takes_means_and_deviations_apart() -> None:
    read = list(csv.reader(io.StringIO(to_csv(table(("a", "", "13.52 ± 16.85"), ("b", "x", ""), ("c", "", "1.00"))))))
    assert read[0] == ["name", "other", "score", "score std"]
    assert read[1:] == [["a", "", "13.52", "16.85"], ["b", "x", "", ""], ["c", "", "1.00", ""]]


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "  =1", "\t=1", "＝1"])
def test_formulas_become_texts(text: str) -> None:
    assert csv_text(text) == f"'{text.strip()}"


@pytest.mark.parametrize("text", ["-4.00", "+2.00", "0.00", "-1"])
def test_numbers_stay_numbers(text: str) -> None:
    assert csv_text(text) == text


COMMANDS = re.compile(
    r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar)\{\}|\\[{}&%$#_]|\$\\pm\$|\\,|\$-\$"
    r"|\{\[\}|\{\]\}|\\[`'^~\"rcv]\{(\\[ij]|[A-Za-z])\}"
)


@settings(deadline=None)  # other work on the machine may take its time
@given(NASTY)
def test_latex_has_no_special_character_left(text: str) -> None:
    left = COMMANDS.sub("", latex_text(text))
    assert left.isascii() and left.isprintable()
    assert not set(left) & set('\\{}&%$#_^~<>|[]"'), left


@settings(deadline=None)  # other work on the machine may take its time
@given(TABLES)
def test_latex_has_as_many_cells_as_the_table(rows: list[tuple[str, str, str]]) -> None:
    text = latex(table(*rows))
    body = text.partition("\\midrule\n")[2].partition("\n\\bottomrule")[0].splitlines()
    assert len(body) == len(rows)
    for line in body:
        assert line.startswith("{}") and line.endswith(r" \\")
        assert len(re.sub(r"\\&", "", line).split("&")) == 3


def test_latex_is_a_float_with_caption_label_and_rules() -> None:
    text = latex(table(("Qwen3_0.6B & more", "x", "-1.50"), notes=["50 % of it"]))
    for part in ("\\begin{table}", "\\caption{A title}", "\\label{tab:table1}", "\\toprule", "\\midrule", "\\bottomrule"):
        assert part in text
    assert "{}Qwen3\\_0.6B \\& more & x & $-$1.50 \\\\" in text and "50 \\% of it" in text
    assert "\\begin{tabular}{llr}" in text


def test_accents_are_set_and_other_letters_become_their_number() -> None:
    assert latex_text("préparer le dîner, año, Škoda") == r"pr\'{e}parer le d\^{\i}ner, a\~{n}o, \v{S}koda"
    assert latex_text("中") == "{[}U+4E2D{]}"


def test_columns_of_numbers_are_known() -> None:
    mixed = table(("1", "1.00 ± 2.00", ""), ("x", "", ""))
    assert [numeric(mixed, at) for at in range(3)] == [False, True, False]
