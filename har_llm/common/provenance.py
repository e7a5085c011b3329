"""Which homes, models and adapters are synthetic, so that every result made with them says so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "manifest.json"
"""The file in the folder of an adapter or a merged model that says how har_llm made it."""
HOME, MODEL = "synthetic home", "synthetic model"


@dataclass(frozen=True)
class Provenance:
    """Whether a result was made with a synthetic home, and whether with a synthetic model."""

    home: bool = False
    model: bool = False

    def __or__(self, other: Provenance) -> Provenance:
        return Provenance(self.home or other.home, self.model or other.model)

    @property
    def label(self) -> str | None:
        """What is synthetic, in words; None for nothing."""
        return ", ".join(name for name, synthetic in ((HOME, self.home), (MODEL, self.model)) if synthetic) or None

    @property
    def suffix(self) -> str:
        """The same in brackets, to be put behind a name; empty for nothing."""
        return f" ({self.label})" if self.label else ""


def recorded(folder: Path | None) -> Provenance:
    """What the manifest in a folder says. Without a manifest (made elsewhere) nothing is known to be synthetic."""
    try:
        said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["provenance"] if folder else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return Provenance()
    return Provenance(HOME in said, MODEL in said) if isinstance(said, str) else Provenance()
