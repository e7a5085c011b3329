"""Lines of files that are read in pieces, wherever the pieces end."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common import files
from har_llm.data.datasets.logs.lines import LineReader

PIECES = st.lists(
    st.sampled_from([b"a", b"bc", b" ", "é".encode(), "数".encode(), b"\x0b", "\u2028".encode(), b"\n", b"\r\n"])
)


@settings(max_examples=50)
@given(PIECES.map(b"".join), st.integers(1, 9))
def test_lines_are_whole_and_numbered_wherever_a_piece_ends(content: bytes, block: int) -> None:
    with tempfile.TemporaryDirectory() as folder, patch.object(files, "BLOCK", block):
        path = Path(folder) / "log"
        path.write_bytes(content)
        reader = LineReader()
        found = list(reader.numbered(path))
    expected = content.decode().replace("\r\n", "\n").removesuffix("\n").split("\n") if content else []
    assert found == list(enumerate(expected, start=1))
    assert [fault.kind for fault in reader.faults] == ([] if content else ["empty file"])


def test_what_is_no_text_and_what_is_too_long_have_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntw\xffo\n" + b"x" * 40 + b"\nfour\n")
    with patch.object(files, "BLOCK", 4), patch.object(files, "LONGEST_LINE", 30):
        reader = LineReader()
        assert list(reader.numbered(path)) == [(1, "one")]
    assert [(fault.line, fault.kind) for fault in reader.faults] == [(2, "not UTF-8"), (3, "too long a line")]
