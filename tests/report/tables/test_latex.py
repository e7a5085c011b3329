"""Whatever a name holds, LaTeX shows it as text, and no table is broken by it."""

from __future__ import annotations

import re

from hypothesis import given, settings

from har_llm.common.tables import Table
from har_llm.report.tables.latex import latex_text, to_latex
from tests.common.nasty_tables import NASTY, TABLES, table

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
    text = to_latex(table(*rows))
    body = text.partition("\\midrule\n")[2].partition("\n\\bottomrule")[0].splitlines()
    assert len(body) == len(rows)
    for line in body:
        assert line.startswith("{}") and line.endswith(r" \\")
        assert len(re.sub(r"\\&", "", line).split("&")) == 3


def test_latex_is_a_float_with_caption_label_and_rules() -> None:
    text = to_latex(table(("Qwen3_0.6B & more", "x", "-1.50"), notes=["50 % of it"]))
    for part in ("\\begin{table}", "\\caption{A title}", "\\label{tab:table1}", "\\toprule", "\\midrule", "\\bottomrule"):
        assert part in text
    assert "{}Qwen3\\_0.6B \\& more & x & $-$1.50 \\\\" in text and "50 \\% of it" in text
    assert "\\begin{tabular}{llr}" in text


def test_accents_are_set_and_other_letters_become_their_number() -> None:
    assert latex_text("préparer le dîner, año, Škoda") == r"pr\'{e}parer le d\^{\i}ner, a\~{n}o, \v{S}koda"
    assert latex_text("中") == "{[}U+4E2D{]}"


def test_numbers_are_set_as_numbers() -> None:
    assert latex_text("-13.52 ± 16.85") == r"$-$13.52\,$\pm$\,16.85"
    assert latex_text("<0.001") == r"\textless{}0.001" and latex_text("a - b") == "a - b"


def test_empty_cells_are_marked() -> None:
    assert "{}a & - & - \\\\" in to_latex(table(("a", " ", "")))


def test_a_column_of_sentences_gets_the_larger_part_of_the_width() -> None:
    table = Table("t", "Title", ["run", "said"], [["the run that came first of all", "word " * 60]])
    shares = re.findall(r"p\{([0-9.]+)\\linewidth\}", to_latex(table))
    assert len(shares) == 2 and float(shares[1]) > 2 * float(shares[0]) and sum(map(float, shares)) < 1
