"""Which homes, models and adapters are synthetic, so that every result made with them says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from har_llm.common.typed_json import read_json

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

MANIFEST = "manifest.json"
"""The file in the folder of an adapter or a merged model that says how har_llm made it (`distill.manifest`)."""
HOME, MODEL = "synthetic home", "synthetic model"


@dataclass(frozen=True)
class Provenance:
    """Whether a result was made with a synthetic home, and whether with a synthetic model."""

    home: bool = False
    model: bool = False

    def __or__(self, other: Provenance) -> Provenance:
        return Provenance(self.home or other.home, self.model or other.model)

    @property
    def names(self) -> list[str]:
        """What is synthetic, each in words."""
        return [name for name, synthetic in ((HOME, self.home), (MODEL, self.model)) if synthetic]

    @property
    def label(self) -> str | None:
        """What is synthetic, in words, as files have it; None for nothing."""
        return ", ".join(self.names) or None

    @property
    def suffix(self) -> str:
        """The same in brackets, to be put behind a name; empty for nothing."""
        return f" ({self.label})" if self.label else ""

    @staticmethod
    def labelled(label: object) -> Provenance:
        """The provenance that has this label in a file. Raises ValueError if there is none."""
        if isinstance(label, str | None) and label in _LABELLED:
            return _LABELLED[label]
        raise ValueError(f"{label!r:.60} is none of null, {HOME!r}, {MODEL!r}, {Provenance(True, True).label!r}")

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> CoreSchema:
        """Tells pydantic that files have the label."""
        from pydantic_core import core_schema

        written = core_schema.plain_serializer_function_ser_schema(lambda provenance: provenance.label)
        return core_schema.no_info_plain_validator_function(cls.labelled, serialization=written)


_LABELLED = {one.label: one for home in (False, True) for model in (False, True) for one in [Provenance(home, model)]}


def recorded(folder: Path | None) -> Provenance:
    """What the manifest in a folder says. Without a manifest (made elsewhere) nothing is known to be synthetic."""
    if folder is None:
        return Provenance()
    try:
        return Provenance.labelled(read_json(folder / MANIFEST)["provenance"])
    except (OSError, ValueError, LookupError, TypeError):
        return Provenance()
