"""The small tokenizer of the tiny models: byte-level BPE, with Qwen3's special tokens and chat template.

Every text that is the same in all prompts (the fixed lines of conf/prompt/embedded.yaml, the JSON around an event) is a
single token, which halves the prompt; any other text falls back to BPE and finally to bytes, so nothing is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from examples import embedded_prompt, training_examples
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from har_llm.data.datasets.simulated import Draws

TEMPLATE = Path(__file__).with_name("qwen3_chat_template.jinja")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
JSON_PARTS = [
    '{"id": ',
    ', "time": "',
    '", "event": "',
    '"},\n',
    '"}\n',
    ', "activity": ',
    "}, ",
    "Event ",
    '" at ',
    "h:",
    ").\n",
]
# Like Qwen's, but a number of up to two digits is one piece, so that a small model can copy it in one step.
PIECES = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def fixed_lines() -> list[str]:
    """Lines of the embedded prompt that contain nothing of a home."""
    prompt = embedded_prompt()
    lines = [line for text in (prompt.system, *prompt.sections.values()) for line in text.splitlines()]
    return [line for line in dict.fromkeys(lines) if "$" not in line and len(line) > 10]


def build_tokenizer(seed: int, sessions: int = 1500, vocabulary: int = 1024) -> PreTrainedTokenizerFast:
    added = [*MARKS, *JSON_PARTS, *fixed_lines()]
    tokenizer = Tokenizer(models.BPE(byte_fallback=False))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_pieces(seed, sessions, added), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
    )
    fast.add_tokens([AddedToken(text, normalized=False, special=False) for text in added])
    fast.chat_template = TEMPLATE.read_text(encoding="utf-8")
    return fast


def _pieces(seed: int, sessions: int, added: list[str]) -> Iterator[str]:
    """Text of the examples without the added tokens, which BPE never gets."""
    cut = re.compile("|".join(re.escape(text) for text in sorted(added, key=len, reverse=True)))
    draws = Draws("tokenizer", seed)
    yield from ["system", "user", "assistant", *(f"{number:02d}" for number in range(100)), *map(str, range(10))] * 1000
    for _ in range(sessions):
        for prompt, answer in training_examples(draws, size=10, random_labels=True, fixed_share=10)[:2]:
            text = "\n".join(message["content"] for message in prompt.messages) + "\n" + answer
            yield from cut.split(text)
