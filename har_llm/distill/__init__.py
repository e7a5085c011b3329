"""From a teacher's reasoning to an adapter for a student (section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from har_llm.common.errors import ConfigError
from har_llm.models.config import check_name

if TYPE_CHECKING:
    from har_llm.distill.config import Distilled

NO_ADAPTER = "none"


@dataclass(kw_only=True)
class LoraConfig:
    """What every choice of conf/lora has in common. This one is `lora=none`: the model as it is."""

    name: str = NO_ADAPTER
    """Names run directories, unless it is "none"."""

    def check(self) -> None:
        check_name("lora.name", self.name)

    def label(self) -> str:
        """What run directories say of it."""
        return self.name

    @property
    def ready(self) -> ReadyAdapter | None:
        """The adapter that is there already."""
        return None

    @property
    def taught(self) -> Distilled | None:
        """How an adapter is made that may not be there yet."""
        return None


@dataclass(kw_only=True)
class ReadyAdapter(LoraConfig):
    """An adapter that exists: a folder, a repository on the hub, or one that a server has (engine=openai)."""

    path: str
    """Folder or hub id of an adapter in PEFT's format. For engine=openai: the name under which the server knows it."""
    revision: str = "main"
    """Branch, tag or commit on the hub."""

    def check(self) -> None:
        super().check()
        if not self.path.strip():
            raise ConfigError("lora.path is empty; set it to an adapter's folder or hub id, or use lora=none.")

    @property
    def ready(self) -> ReadyAdapter | None:
        return self
