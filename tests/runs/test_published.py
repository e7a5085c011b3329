"""What is meant for others has no path of this machine: names and digests stand in their place."""

from __future__ import annotations

import shutil
from pathlib import Path

from har_llm.models import resolve
from har_llm.report.build import build_report
from har_llm.runs.published import own_prompt, published_config
from tests.report.fabricated import fabricated
from tests.scripted_runs import done, gold_script

TINY = Path(resolve.__file__).parent / "embedded" / "tiny_student"
SECRET = "a_folder_of_mine"


def test_neither_a_run_nor_its_report_says_where_the_users_files_are(tmp_path: Path) -> None:
    private = tmp_path / SECRET
    model = shutil.copytree(TINY, private / "My model, v2")
    prompt = private / "my_prompt.txt"
    prompt.write_text("What is done?\n$activities")
    given = ["model=custom", f"model.id='{model}'", "prompt=verbatim", f"prompt.path={prompt}", "limit=1"]
    run, _ = done(tmp_path, f"engine.path={gold_script(tmp_path / 'gold.jsonl')}", *given)
    assert run.metrics.model == "My-model-v2" and run.metrics.model_id == "My model, v2"
    assert own_prompt(run).startswith("my_prompt (") and published_config(run)["model"]["id"] == "My model, v2"
    build_report([run], tmp_path / "report", headline="f1_weighted", parsing="strict")
    files = [*(tmp_path / "report").iterdir(), *(one for one in run.folder.iterdir() if one.name != "config.yaml")]
    assert len(files) > 10
    for file in files:
        assert SECRET.encode() not in file.read_bytes(), file
    assert "verbatim my_prompt (" in (run.folder / "report.md").read_text()


def test_the_last_part_stands_for_every_path_and_names_on_the_hub_stay(tmp_path: Path) -> None:
    paths = {
        "model": {"id": "/home/ada/models/small/"},
        "lora": {"path": "~/adapters/mine", "teacher": {"id": "Qwen/Qwen3-32B"}, "examples": {"path": "C:\\x\\rows.jsonl"}},
        "prompt": {"sections": {"task": "/no_think"}},
    }
    paths["dataset"] = {"name": "week", "path": "/home/me/week.csv", "home_path": "~/homes/mine.yaml", "labels_path": None}
    config = published_config(fabricated(tmp_path, config=paths))
    assert [config["dataset"][name] for name in ("path", "home_path", "labels_path")] == ["week.csv", "mine.yaml", None]
    assert config["model"]["id"] == "small"
    assert config["lora"]["path"] == "mine" and config["lora"]["teacher"]["id"] == "Qwen/Qwen3-32B"
    assert config["lora"]["examples"]["path"] == "rows.jsonl"
    assert config["prompt"]["sections"]["task"] == "/no_think"
