"""What must be shown beside scores is found again when an adapter, a merged model or given rows are used later."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from har_llm.common.provenance import MANIFEST, Provenance
from har_llm.common.typed_json import plain
from har_llm.data.records import Event, Prompt, Session
from har_llm.distill.manifest import Manifest, MergedModel, write_manifest
from har_llm.models.adapters import adapter_digest
from har_llm.runs.marks import marks_of
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import StudentRun
from har_llm.runs.run import PreparedRun, home_digest, recorded_digest
from tests.composing import experiment
from tests.distill.manifests import trained_adapter
from tests.runs.prepare.test_ready_adapter import adapter

GOLD = "examples made of gold activities"


def prepared(*overrides: str) -> PreparedRun:
    return prepare(experiment("model=tiny_student", "engine=transformers", *overrides))


def made(folder: Path, *, sessions: tuple[str, ...], dataset: str = "simulated_flat", **more: object) -> Path:
    """An adapter of gold answers on these sessions."""
    trained = trained_adapter(key="k", weights=adapter_digest(adapter(folder)))
    origin = replace(trained.origin, method="gold_answers", uses_gold=True, sessions=sessions, dataset=dataset, **more)  # type: ignore[arg-type]
    write_manifest(folder, Manifest(Provenance(), replace(trained, origin=origin)))
    return folder


@pytest.fixture(scope="module")
def scored() -> tuple[str, ...]:
    return tuple(session.id for session in prepared().sessions)


def test_a_model_as_it_is_has_no_marks() -> None:
    assert prepared().marks == ((), False)


def test_an_adapter_of_before_says_what_it_was_trained_on(tmp_path: Path, scored: tuple[str, ...]) -> None:
    def marks(name: str, **about: object) -> tuple[tuple[str, ...], bool]:
        folder = made(tmp_path / name, **about)  # type: ignore[arg-type]
        return prepared("lora=adapter", f"lora.path={folder}").marks

    unseen, seen = marks("unseen", sessions=("other",)), marks("seen", sessions=(*scored[:2], "other"))
    assert unseen == ((GOLD,), True)
    assert seen == ((GOLD, f"trained on 2 of the {len(scored)} sessions of this run"), True)
    assert marks("elsewhere", sessions=scored, dataset="marble") == unseen


def test_a_home_is_known_by_what_happened_in_it_not_by_its_name(tmp_path: Path, scored: tuple[str, ...]) -> None:
    run = prepared()
    home, recorded = home_digest(run.recordings.home), [recorded_digest(one) for one in run.sessions]

    def words(name: str, **about: object) -> tuple[str, ...]:
        return prepared("lora=adapter", f"lora.path={made(tmp_path / name, sessions=scored, **about)}").marks.words[1:]  # type: ignore[arg-type]

    seen = (f"trained on {len(scored)} of the {len(scored)} sessions of this run",)
    assert words("own", home=home, recorded=recorded) == seen
    assert words("renamed", dataset="my_flat", home=home, recorded=recorded) == seen
    assert words("another", home="another", recorded=["other"] * len(scored)) == (), "with sessions of the same names"
    assert words("edited", home=home, recorded=["other"] * len(scored)) == seen, "other events of it were left out"


def test_what_happened_is_the_same_with_and_without_the_clock_s_offset() -> None:
    moments = datetime(2026, 3, 2, 7), datetime(2026, 3, 2, 7, tzinfo=UTC), datetime(2026, 3, 2, 8)
    digests = [recorded_digest(Session("s", "g", [Event(0, one, "hall door", (), ())])) for one in moments]
    assert digests[0] == digests[1] != digests[2]


def test_a_student_of_a_home_under_another_name_is_marked() -> None:
    trained = ("lora=gold_answers", "model.thinking=false", "lora.train_sessions=2", "split.part=train")
    run = prepared(*trained)
    renamed = replace(run.experiment, dataset=replace(run.experiment.dataset, name="my_flat"))
    assert marks_of(replace(run, experiment=renamed)).words[-1] == "trained on 2 of the 10 sessions of this run"
    run = prepared(*trained, "+dataset@lora.source=simulated_house", "++lora.source.name=simulated_flat")
    assert isinstance(run, StudentRun)
    assert {one.id for one in run.recipe.source.run.sessions} < {one.id for one in run.sessions}  # type: ignore[union-attr]
    assert not any("trained on" in words for words in run.marks.words), "another home whose sessions have these names"


def test_an_adapter_of_another_version_is_marked_and_one_made_elsewhere_is_not(tmp_path: Path) -> None:
    folder = made(tmp_path / "own", sessions=())
    before = prepared("lora=adapter", f"lora.path={folder}")
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "format": 1}))
    after = prepared("lora=adapter", f"lora.path={folder}")
    assert after.marks.words == ("what it was trained on is not known: another version of har_llm has made it",)
    assert before.digest != after.digest, "a run with the old marks does not stand for it"
    assert prepared("lora=adapter", f"lora.path={adapter(tmp_path / 'other')}").marks == ((), False)


def test_a_merged_model_says_what_its_adapter_was_trained_on(tmp_path: Path, scored: tuple[str, ...]) -> None:
    own = prepared().model.path
    assert own is not None
    folder = tmp_path / "merged"
    shutil.copytree(own, folder)
    adapter_s = json.loads((made(tmp_path / "adapter", sessions=scored) / MANIFEST).read_text())
    about = MergedModel("base", "v", "distilled", "k", "float32", "embedded", True, None, {}, {})
    (folder / MANIFEST).write_text(json.dumps({**adapter_s, "merged": plain(about)}))
    run = prepared("model=custom", f"model.id={folder}")
    assert run.marks == ((GOLD, f"trained on {len(scored)} of the {len(scored)} sessions of this run"), True)
    (folder / MANIFEST).write_text(json.dumps({**adapter_s, "merged": plain(about), "format": 1}))
    assert prepared("model=custom", f"model.id={folder}").marks.words == (
        "what it was trained on is not known: another version of har_llm has made it",
    )


def test_given_rows_that_are_scored_windows_are_counted(tmp_path: Path) -> None:
    def row(prompt: Prompt) -> str:
        return json.dumps({"prompt": list(prompt.messages), "completion": "<think>\nso\n</think>\n\n[]", "uses_gold": False})

    (tmp_path / "rows.jsonl").write_text("\n".join(map(row, prepared("limit=3").prompts[:2])))
    run = prepared("limit=3", "lora=examples", f"lora.examples.path={tmp_path / 'rows.jsonl'}")
    assert run.marks == (("trained on 2 of the 3 windows of this run",), False)


def test_a_student_s_prompts_show_gold_of_its_own_training_sessions_only() -> None:
    choices = ("prompt=few_shot", "prompt.examples=1", "lora=gold_answers", "model.thinking=false")
    few, all_of_them = (prepared(*choices, f"lora.train_sessions={count}") for count in (2, 10))
    assert isinstance(few, StudentRun)
    trained_on = {session.id for session in few.recipe.source.run.sessions}  # type: ignore[union-attr]
    shown = {example for prompt in few.prompts for example in prompt.examples}
    assert len(shown) == 1 and {one.partition("#")[0] for one in shown} <= trained_on
    assert few.marks == (("uses gold: 1 training window in the prompt", GOLD), True)
    assert all_of_them.marks == few.marks


@pytest.mark.parametrize(("part", "sessions"), [("train", 10), ("all", 16)])
def test_the_training_part_is_marked_as_trained_on(part: str, sessions: int) -> None:
    run = prepared("lora=gold_answers", "model.thinking=false", "lora.train_sessions=2", f"split.part={part}")
    assert run.marks.words[-1] == f"trained on 2 of the {sessions} sessions of this run"
