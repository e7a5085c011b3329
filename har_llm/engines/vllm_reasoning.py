"""Tells vLLM where the reasoning of a generation ends, by the text of its marks; imports vllm.

vLLM's own parsers know the marks of some models, and only where each is a single token of the vocabulary. This one is
imported in the process of vLLM's core too, which learns the marks from the environment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence

from vllm.reasoning import ReasoningParser, ReasoningParserManager

NAME = "har_llm"
"""The parser's name in vLLM."""
MARKS = "HAR_LLM_REASONING_MARKS"
"""The environment variable for what opens and what closes the reasoning, as a JSON list."""
TAIL = 64
"""The last tokens in which a mark is looked for; none has as many."""


class MarkedReasoning(ReasoningParser):  # type: ignore[misc]
    @property
    def reasoning_start_str(self) -> str:
        return str(json.loads(os.environ[MARKS])[0])

    @property
    def reasoning_end_str(self) -> str:
        return str(json.loads(os.environ[MARKS])[1])

    def is_reasoning_end(self, input_ids: Sequence[int]) -> bool:
        """Whether a prompt ends with reasoning that is closed. Marks elsewhere in it are only spoken of."""
        return self._text(input_ids).rstrip().endswith(self.reasoning_end_str)

    def is_reasoning_end_streaming(self, input_ids: Sequence[int], delta_ids: Iterable[int]) -> bool:
        """Whether the last tokens, which `input_ids` includes, have closed the reasoning."""
        before = self._text(input_ids[: len(input_ids) - len(list(delta_ids))])
        return self._text(input_ids).count(self.reasoning_end_str) > before.count(self.reasoning_end_str)

    def _text(self, ids: Sequence[int]) -> str:
        return str(self.model_tokenizer.decode(list(ids[-TAIL:])))


ReasoningParserManager.register_module(NAME, module=MarkedReasoning)
