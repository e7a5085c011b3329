"""report.md: the facts of the run, safe to paste."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from har_llm.common.numbers import percent
from har_llm.runs.summary import summarise
from har_llm.runs.summary_markdown import render
from tests.report.run_folders import rows, written
from tests.scripted_runs import done, gold_script

SESSIONS = {"s1": [(1, 1), (1, 2), (2, "omitted")], "s2": [(1, 1), (2, 1)]}


def report(folder: Path, **changes: Any) -> str:
    result = written(folder / "run", rows(SESSIONS), **changes)
    return render(summarise(result, headline="f1_weighted", parsing="strict"))


def test_every_run_leaves_one_with_its_scores(tmp_path: Path) -> None:
    result, _ = done(tmp_path, f"engine.path={gold_script(tmp_path / 'wrong.jsonl', wrong=1)}")
    text = (result.folder / "report.md").read_text()
    lines = text.splitlines()
    assert lines[0].startswith("## tiny_student on simulated_flat (test part): f1_weighted ")
    assert lines[2] == "**synthetic home, synthetic model**"
    mean = result.metrics.strict.all.mean["accuracy"]
    (row,) = [line for line in lines if line.startswith("| accuracy |")]
    assert row.split(" | ")[1:3] == [percent(mean.mean), percent(mean.std)]
    assert "- **window**: fixed windows, events 10, min_events 1" in lines
    digest = result.metrics.choices.prompt["digest"]
    assert f"- **prompt**: embedded, digest of the prompts of these windows {digest}" in lines and len(digest) == 12
    assert "- **split**: paper split, validation_sessions 0" in lines
    assert f"Run: {result.folder.name}" in lines
    assert str(tmp_path) not in text, "no path of the machine"


def test_equal_prompts_have_equal_digests(tmp_path: Path) -> None:
    script = f"engine.path={gold_script(tmp_path / 'gold.jsonl')}"
    runs = [done(tmp_path, script, *more)[0] for more in ((), ("seed=1",), ("prompt=embedded", "prompt.event_ids=window"))]
    digests = [run.metrics.choices.prompt["digest"] for run in runs]
    assert digests[0] == digests[1] != digests[2]


def test_the_sample_is_folded_away_and_whole_generations_stay_elsewhere(tmp_path: Path) -> None:
    text = report(tmp_path, sample={"reasoning": "so\n" * 9_000})
    before, _, folded = text.partition("<details>")
    assert "kitchen fridge 0" not in before and ">    0  08:00:00  kitchen fridge 0" in folded
    assert folded.index("</details>") > folded.index("[...]")
    assert len(text) < 20_000
    assert "- gold: 1. cooking\n- predicted: 2. eating\n" in folded


def test_what_is_missed_or_not_is_said(tmp_path: Path) -> None:
    assert "| omitted | 1 | 16.67 | 23.57 |" in report(tmp_path)
    good = written(tmp_path / "good", rows({"s1": [(1, 1)]}))
    text = render(summarise(good, headline="accuracy", parsing="strict"))
    assert "No event was missed." in text and "Most frequent confusions" not in text


def test_hostile_text_is_text(tmp_path: Path) -> None:
    evil = "</details><script>x</script>|`![a](http://evil.example) @everyone\x1b[2J"
    sample = {
        "reasoning": f"```\n{evil}",
        "answer": evil,
        "session": evil,
        "gold": [evil],
        "predicted": {"strict": evil, "lenient": evil},
        "window": [{"id": 0, "time": "08:00:00", "event": evil}],
    }
    text = report(tmp_path, sample=sample, dataset=evil, activities={1: evil, 2: "eating", 3: "c"})
    outside: list[str] = []
    fence = ""
    for line in text.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line.removesuffix("text")
        else:
            outside.append(line)
    shown = "\n".join(outside)
    assert not fence and shown.count("@<!-- -->everyone") >= 5
    assert "<script" not in shown and "@everyone" not in shown and "http://" not in shown
    assert not any("![" in line for line in outside if not line.startswith("<summary>")), "HTML, where Markdown is not read"
    assert shown.count("</details>") == 1 and "\x1b" not in text
    rows_of_tables = [line for line in outside if line.startswith("| 1. ") and "script" in line]
    assert rows_of_tables and all(line.replace("\\|", "").count("|") in (5, 7) for line in rows_of_tables)
