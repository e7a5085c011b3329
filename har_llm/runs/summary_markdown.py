"""report.md of a run: its summary in GitHub's Markdown, ready to be pasted into an issue."""

from __future__ import annotations

from har_llm.common import markdown
from har_llm.runs.summary import Summary, sample_title, shortened, window_lines

LONGEST_REASONING, LONGEST_ANSWER = 8_000, 4_000
"""Most characters. GitHub allows 65,536 in an issue, and windows.jsonl has every generation in full."""


def render(summary: Summary) -> str:
    facts = "\n".join(f"- **{name}**: {markdown.inline(text)}" for name, text in summary.facts)
    parts = [
        f"## {markdown.inline(summary.title)}",
        *([f"**{markdown.inline(summary.label)}**"] if summary.label else []),
        facts,
        *map(markdown.table, summary.scores),
        *(["No event was missed."] if summary.scored and summary.missed is None else []),
        *[markdown.table(table) for table in (summary.missed, summary.activities, summary.confusions) if table is not None],
        *(["### Notes\n\n" + markdown.items(summary.notes)] if summary.notes else []),
        _sample(summary),
        f"Run: {markdown.inline(summary.name)}",
    ]
    return "\n\n".join(parts) + "\n"


def _sample(summary: Summary) -> str:
    """The sample, folded, because a window with its reasoning and answer is long."""
    sample = summary.sample
    words = [
        (f"- gold: {markdown.inline(', '.join(sample.gold))}\n" if summary.scored else "")
        + f"- predicted: {markdown.inline(sample.predicted[summary.parsing])}",
        "Window:",
        markdown.fenced("\n".join(window_lines(sample))),
        "Reasoning:",
        markdown.fenced(shortened(sample.reasoning, LONGEST_REASONING)),
        "Answer:",
        markdown.fenced(shortened(sample.answer or "", LONGEST_ANSWER)),
    ]
    body = "\n\n".join(words)
    return f"<details>\n<summary>{markdown.in_html(sample_title(sample))}</summary>\n\n{body}\n\n</details>"
