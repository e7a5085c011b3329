"""What a message says of installing works: an extra of the project, in a clone, as README says it."""

from __future__ import annotations

import re
import tomllib

from har_llm.common.extras import installed_by
from tests.helpers import ROOT


def test_every_extra_that_a_message_names_is_one_and_the_project_is_on_no_registry() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "har_llm").rglob("*.py")]
    named = {extra for text in texts for extra in re.findall(r"installed_by\([\"'](\w+)[\"']\)", text)}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {"vllm", "unsloth", "gguf", "gateway", "dashboard", "live"} <= named <= extras.keys()
    assert not [text for text in texts if "pip install 'har-llm" in text]


def test_the_command_is_the_one_of_readme() -> None:
    command = installed_by("vllm").partition(" in a clone")[0]
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
