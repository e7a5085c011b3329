"""Puts content into an HTML page so that none of it can be read as markup, and the browser need not parse it all at once.

What the page needs first is JSON. Everything else is in blocks of gzip and base64, which the page unpacks when it needs
them: base64 has no characters with a meaning in HTML.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any

LEVEL = 6
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}

_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=vars)
"""Made once: a page encodes six values for each event of each run."""


def as_json(content: Any) -> str:
    """A dataclass becomes an object with its fields. The text is ASCII, so that lone surrogates are kept as escapes."""
    return _ENCODER.encode(content)


def json_block(name: str, content: Any) -> str:
    text = as_json(content)
    for character, escape in _ESCAPES.items():  # they occur in strings only
        text = text.replace(character, escape)
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def packed_block(name: str, text: str) -> bytes:
    """A block of compressed JSON."""
    return data_block(name, gzip.compress(text.encode("ascii"), LEVEL, mtime=0))


def data_block(name: str, data: bytes) -> bytes:
    head = f'<script type="application/octet-stream" id="{name}">'.encode()
    return head + base64.b64encode(data) + b"</script>\n"


def source_hash(text: str) -> str:
    """The hash by which a content security policy allows an inline script or style."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
