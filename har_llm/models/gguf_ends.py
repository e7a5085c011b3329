"""The tokens of a GGUF file that end a generation, as llama.cpp finds them: by what the header names, and by their texts.

What is made of a file then ends where llama.cpp ends with the file itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMED = ("eos", "eot", "eom")
"""Names in a header of tokens that end a generation."""
ENDS = (
    *("<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|return|>", "<|call|>"),
    *("<|calls|>", "<|flush|>", "</s>", "<eos>", "[EOS]", "<EOT>", "_<EOT>", "[EOT]", "<end_of_turn>", "<turn|>"),
    *("<|tool_response>", "<end_of_utterance>"),
)
"""Texts of tokens that end a generation whatever the header says, also where they are words like others."""
DEEPSEEK = "<｜end▁of▁sentence｜>"
"""Ends a turn in files that name no other token for it (eot)."""
BETWEEN_FILES = {
    "fim_pad": ("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
    "fim_rep": ("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
    "fim_sep": ("<|file_sep|>",),
}
"""Tokens of models for code that end a generation too: by their names in a header, or where it names none by their texts."""


def ends(values: Mapping[str, Any], vocabulary: Mapping[str, int]) -> list[int]:
    """Their ids, the header's own first. `values`: of the header; `vocabulary`: ids by text."""
    named = {name: values.get(f"tokenizer.ggml.{name}_token_id") for name in (*NAMED, *BETWEEN_FILES)}
    found = [named[name] for name in NAMED]
    texts = [text for text in ENDS if text in vocabulary]
    if "<|end|>" in texts and {"<|call|>", "<|calls|>"} & {*texts} and {"<|return|>", "<|flush|>"} & {*texts}:
        texts.remove("<|end|>")  # there it closes a message, of which an answer may have several
    if "</s>" in texts and "<|tool_response>" in texts:
        texts.remove("</s>")
    if named["eot"] is None:
        texts.append(DEEPSEEK)
    found += [vocabulary.get(text) for text in texts]
    for name, candidates in BETWEEN_FILES.items():
        found += [vocabulary.get(text) for text in candidates] if named[name] is None else [named[name]]
    return list(dict.fromkeys(token for token in found if token is not None))
