"""The records that the page's script reads."""

from __future__ import annotations

import dataclasses
import re
from importlib.resources import files
from typing import Any

import pytest

from har_llm.report.page import content

RECORDS = [one for one in vars(content).values() if dataclasses.is_dataclass(one)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_the_script_reads_every_field(record: Any) -> None:
    """What no view shows would only make pages heavier."""
    assets = (files(content.__package__) / "assets").iterdir()
    words = {word for asset in assets if asset.name.endswith(".js") for word in re.findall(r"\w+", asset.read_text("utf-8"))}
    assert {field.name for field in dataclasses.fields(record)} <= words
