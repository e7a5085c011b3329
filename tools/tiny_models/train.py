"""Trains one tiny model from scratch: next-token loss, most of it on the answer, in stages with growing windows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from examples import lookup_drill, training_examples
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from har_llm.common.provenance import Provenance
from har_llm.data.datasets.simulated import Draws
from har_llm.distill.manifest import Manifest, write_manifest

PROMPT_LOSS = 0.1
"""Weight of the loss on a prompt's tokens. It trains the words of prompts, but the answer matters more."""
NUMBER_LOSS = 8.0
"""Weight of the loss on an activity's number in the reasoning: the one token of a line that must be looked up."""


BEFORE_NUMBER = "Ġ("
RECENT = 25
"""Steps whose mean loss ends a stage."""


@dataclass(frozen=True)
class Shape:
    hidden: int
    layers: int
    heads: int
    head_size: int = 32


@dataclass(frozen=True)
class Drill:
    """A stage that trains only looking numbers up in a list; its settings grow from the first of two values to the second.

    With all names from the beginning, a model of this size does not find out in a thousand steps that it can look numbers
    up; with six names and short lists it suddenly does, after 250 steps or more, and still does when names are added.
    """

    names: tuple[int, int]
    listed: tuple[int, int]
    """Length of the longest list."""
    highest: int
    """Highest activity number."""


@dataclass(frozen=True)
class Stage:
    """A stage of training, in homes drawn at random. Sizes and lengths are uniformly random; `repeat` is in percent."""

    steps: int
    sizes: tuple[int, ...] = ()
    events: tuple[int, ...] = (20, 60, 100)
    """Lengths of sessions; one that is not a multiple of the window's size ends with a shorter window."""
    repeat: int = 50
    """How often a random label repeats the one before; 0: each occurs once before any occurs twice."""
    misname: bool = False
    """Whether labels are the true activities, but each under the name of another (random_homes.MISNAMED)."""
    rules: bool = False
    """Whether half of the homes have rules in their prompts."""
    drill: Drill | None = None
    tokens: int = 7000
    """Fewest tokens of a batch."""
    until_loss: float | None = None
    """The stage goes on until the loss is below this, for up to ten times its steps: how long it takes varies."""

    def over(self, losses: Sequence[float]) -> bool:
        """Whether the stage ends after steps of these losses."""
        if len(losses) < self.steps or self.until_loss is None:
            return len(losses) >= self.steps
        recent = losses[-RECENT:]
        return sum(recent) / len(recent) < self.until_loss or len(losses) >= 10 * self.steps


@dataclass(frozen=True)
class Recipe:
    name: str
    shape: Shape
    random_labels: bool
    stages: tuple[Stage, ...]
    learning_rate: float = 4e-3

    @property
    def steps(self) -> int:
        return sum(stage.steps for stage in self.stages)


def new_model(shape: Shape, tokenizer: PreTrainedTokenizerFast, seed: int) -> Qwen3ForCausalLM:
    torch.manual_seed(seed)
    end, pad = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    config = Qwen3Config(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        intermediate_size=3 * shape.hidden,
        num_attention_heads=shape.heads,
        num_key_value_heads=2,
        head_dim=shape.head_size,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=pad,
        eos_token_id=end,
        pad_token_id=pad,
    )
    model = Qwen3ForCausalLM(config)
    model.generation_config.eos_token_id = [end, pad]
    return model


def train(
    recipe: Recipe, tokenizer: PreTrainedTokenizerFast, seed: int, *, probe: Probe, report_every: int = 100
) -> Qwen3ForCausalLM:
    model = new_model(recipe.shape, tokenizer, seed)
    optimizers = _optimizers(model, recipe.learning_rate)
    draws = Draws("training", recipe.name, seed)
    started, planned, all_losses = time.monotonic(), 0, []
    for stage in recipe.stages:
        losses: list[float] = []
        while not stage.over(losses):
            # A stage that takes longer than planned stays where it is in the schedule.
            done = min(len(losses), stage.steps - 1)
            _set_rate(optimizers, recipe.learning_rate * _schedule(planned + done, recipe.steps))
            ids, weights = _batch(draws, tokenizer, recipe, stage, done / stage.steps)
            losses.append(_step(model, optimizers, ids, weights))
            all_losses.append(losses[-1])
            if len(all_losses) % report_every == 0:
                _report(recipe, started, all_losses[-report_every:], len(all_losses), probe(model))
        planned += stage.steps
    _report(recipe, started, losses[-report_every:], len(all_losses), probe(model))
    return model


def _report(recipe: Recipe, started: float, losses: Sequence[float], steps: int, validation: str) -> None:
    print(f"{recipe.name} {time.monotonic() - started:6.0f} s, step {steps} ({recipe.steps} are planned): "
          f"loss {sum(losses) / len(losses):.4f}; validation {validation}", flush=True)  # fmt: skip


class Probe:
    """Share of right tokens on given examples, each predicted from the right tokens before it, by kind of token."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[tuple[list[int], list[int]]]):
        self._examples = examples
        self._after = {
            tokenizer.convert_tokens_to_ids("h:"): "name",
            tokenizer.convert_tokens_to_ids(BEFORE_NUMBER): "number",
            tokenizer.convert_tokens_to_ids(', "activity": '): "answer",
        }

    @torch.no_grad()
    def __call__(self, model: Qwen3ForCausalLM) -> str:
        right, seen = dict.fromkeys(self._after.values(), 0), dict.fromkeys(self._after.values(), 0)
        for prompt, answer in self._examples:
            ids = torch.tensor([prompt + answer])
            best = model(input_ids=ids, use_cache=False).logits[0].argmax(-1)
            for place in range(len(prompt), len(prompt) + len(answer)):
                kind = self._after.get(int(ids[0, place - 1]))
                if kind:
                    seen[kind] += 1
                    right[kind] += int(best[place - 1] == ids[0, place])
        return ", ".join(f"{kind} {right[kind] / max(1, seen[kind]):.2f}" for kind in seen)


def encode(tokenizer: PreTrainedTokenizerFast, examples: Sequence[tuple]) -> list[tuple[list[int], list[int]]]:
    """Token ids of (prompt, generation) for examples of `training_examples`."""
    sent = [
        tokenizer.apply_chat_template(list(prompt.messages), tokenize=False, add_generation_prompt=True)
        for prompt, _ in examples
    ]
    written = [answer + "<|im_end|>" for _, answer in examples]
    return list(zip(tokenizer(sent)["input_ids"], tokenizer(written)["input_ids"], strict=True))


def _schedule(step: int, steps: int) -> float:
    """Learning-rate factor: short warm-up, then constant, then falling to 0 over the second half."""
    left = (steps - step) / steps
    return min(1.0, (step + 1) / 40) * min(1.0, max(0.03, left / 0.5))


def _batch(
    draws: Draws, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, stage: Stage, progress: float
) -> tuple[Tensor, Tensor]:
    size = draws.pick(stage.sizes) if stage.sizes else 0
    rows: list[tuple[list[int], list[int]]] = []
    while sum(len(prompt) + len(answer) for prompt, answer in rows) < stage.tokens:
        rows += _some_rows(draws, tokenizer, recipe, stage, size, progress)
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    before_number = tokenizer.convert_tokens_to_ids(BEFORE_NUMBER)
    ids, weights = torch.zeros(len(rows), longest, dtype=torch.long), torch.zeros(len(rows), longest)
    for row, (prompt, answer) in enumerate(rows):
        ids[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        weights[row, : len(prompt)] = PROMPT_LOSS
        weights[row, len(prompt) : len(prompt) + len(answer)] = 1.0
        numbers = [place for place, token in enumerate(answer, len(prompt) + 1) if token == before_number]
        weights[row, numbers] = NUMBER_LOSS
    return ids, weights


def _some_rows(
    draws: Draws, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, stage: Stage, size: int, progress: float
) -> list[tuple[list[int], list[int]]]:
    if stage.drill is None:
        examples = training_examples(
            draws,
            size=size,
            random_labels=recipe.random_labels,
            events=stage.events,
            repeat=stage.repeat,
            misname=stage.misname,
            rules=stage.rules,
        )
        # With random labels, few windows of each home, because the number of different lists matters.
        return encode(tokenizer, [draws.pick(examples) for _ in range(2 if recipe.random_labels else max(2, 30 // size))])
    spans = (stage.drill.names, stage.drill.listed)
    names, listed = (round(first + progress * (last - first)) for first, last in spans)
    text, answer = lookup_drill(draws, names=names, listed=listed, highest=stage.drill.highest)
    return [(tokenizer(text)["input_ids"], tokenizer(answer)["input_ids"])]


def _optimizers(model: Qwen3ForCausalLM, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the model, AdamW for embeddings and norms; needs far fewer steps than AdamW alone."""
    inner = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    rest = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(inner, lr=rate, weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def _set_rate(optimizers: Sequence[torch.optim.Optimizer], rate: float) -> None:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate


def _step(model: Qwen3ForCausalLM, optimizers: Sequence[torch.optim.Optimizer], ids: Tensor, weights: Tensor) -> float:
    logits = model(input_ids=ids, use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    weight = weights[:, 1:].flatten()
    loss = (loss * weight).sum() / weight.sum()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return float(loss.detach())


def write_model(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path, card: Path) -> None:
    """Write a model's folder with its model card, and a manifest by which har_llm labels its results as synthetic."""
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    shutil.copy(card, folder / "README.md")
    write_manifest(folder, Manifest(Provenance(model=True)))
