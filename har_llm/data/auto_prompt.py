"""prompt=auto: the prompt that a model follows best, by what its config says."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from har_llm.common.checks import require


@dataclass(kw_only=True)
class AutoPrompt:
    """Chooses one of its prompts, which are options of conf/prompt; a run records only the chosen one."""

    ADVICE: ClassVar[str] = (
        "to change a prompt, choose it by name, as in prompt=direct prompt.sections.rules=null; for a text of your own, "
        "write prompt=verbatim prompt.path=FILE."
    )
    """Said of settings that it does not have."""

    reasoning: Any = None
    """For models that think by themselves (model.thinking)."""
    step_by_step: Any = None
    """Only for models whose config names it (model.prompt)."""
    direct: Any = None
    """For all others."""
    embedded: Any = None
    """For models whose config names it (model.prompt), as the embedded ones do."""

    def chosen(self, named: str | None, *, thinking: bool) -> str:
        """The name of the chosen prompt. `named`: the one that the model's config names."""
        if named is None:
            return "reasoning" if thinking else "direct"
        require("model.prompt", named, [one.name for one in fields(self)])
        return named
