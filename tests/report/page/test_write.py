"""The page as a file: it holds all, loads nothing, takes no text for markup, and is the same for the same runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from har_llm.common.errors import MissingError
from har_llm.common.tables import Table
from tests.report.page.unpacked import BATH, fabricated, written
from tests.report.page_runs import make


def test_markup_in_names_stays_data(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script><!--"
    run = make(tmp_path, fabricated("a", model=hostile, sessions={hostile: BATH}))
    table = Table("t", hostile, ("", hostile), [[hostile, "{{script}}"]], [hostile])
    page = written(tmp_path, [run], tables=[table])
    assert page.index["runs"][0]["label"] == hostile
    assert page.index["tables"][0]["rows"] == [[hostile, "{{script}}"]]
    assert page.text.count("<script>") == 1
    assert "alert(1)</script>" not in page.text


def test_the_page_loads_nothing_and_allows_only_its_own_script(tmp_path: Path) -> None:
    text = written(tmp_path, [make(tmp_path, fabricated("a"))]).text
    assert "default-src 'none'" in text
    assert "unsafe-inline" not in text
    assert not re.search(r"<(?:link|iframe|img|object|embed)\b|\bsrc=|@import|url\(", text.split('id="index"')[0])


def test_a_damaged_run_is_named_and_no_page_is_left(tmp_path: Path) -> None:
    run = make(tmp_path, fabricated("a"))
    (run.folder / "predictions.jsonl").write_text('{"session": "s1"')
    with pytest.raises(MissingError, match=r"predictions\.jsonl:1 is damaged"):
        written(tmp_path, [run])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_same_runs_make_the_same_page(tmp_path: Path) -> None:
    run = make(tmp_path, fabricated("a"))
    assert written(tmp_path, [run]).text == written(tmp_path, [run]).text
