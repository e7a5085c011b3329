"""What runs owe together: each generation once, each model loaded once, in whatever order the runs come."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from har_llm.runs.prepare import prepare
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import Record
from har_llm.sweep.plan import Plan, load_identity, make_plan
from har_llm.sweep.read_once import Stores
from tests.composing import experiment
from tests.helpers import ROOT

NOWHERE = "paths.outputs=nowhere-at-all"
HOT = "model.sampling.temperature=0.6"
TRANSFORMERS = ("engine=transformers", "engine.device=cpu")
VLLM = ("engine=vllm",)


@cache
def run(*overrides: str) -> PreparedRun:
    return prepare(experiment("model=tiny_student", "engine=scripted", NOWHERE, *overrides))


def planned(*overrides: Sequence[str]) -> Plan:
    return make_plan([run(*each) for each in overrides], Stores())


def keys(*overrides: str) -> list[str]:
    return [request.key for request in run(*overrides).requests]


def adapter(folder: Path, content: bytes) -> str:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8}))
    (folder / "adapter_model.safetensors").write_bytes(content)
    return f"lora.path={folder}"


def keep(prepared: PreparedRun, count: int) -> None:
    with prepared.open_writer() as writer:
        for request in prepared.requests[:count]:
            writer.add(Record(request.key, "text", "stop", 1, 1, 0.1, {}))


def test_a_run_owes_each_of_its_generations_in_the_order_of_its_windows() -> None:
    plan = planned(["limit=5"])
    (load,) = plan.loads
    assert [request.key for request in load.requests] == keys("limit=5")
    assert (plan.owed, plan.wanted, load.engine.engine_name, load.model.config.name) == (5, 5, "Scripted", "tiny_student")


def test_equal_prompts_are_asked_once() -> None:
    once = run("limit=5")
    twice = replace(once, requests=[*once.requests, *once.requests])
    plan = make_plan([twice], Stores())
    assert (plan.owed, plan.wanted) == (5, 5)
    assert list(plan.loads[0].requests) == list(once.requests)


@pytest.mark.parametrize(
    "other",
    [
        ["limit=9", "metrics.parsing=lenient"],
        ["limit=9", "metrics.headline=accuracy"],
        ["limit=5"],
        ["limit=9", "seed=1"],
        ["limit=9", "dataset.null_class=unscored", "dataset.home.null_class=[7]"],
    ],
)
def test_runs_that_share_generations_have_them_made_once(other: Sequence[str]) -> None:
    for jobs in (["limit=9"], other), (other, ["limit=9"]):
        plan = planned(*jobs)
        assert [len(load.requests) for load in plan.loads] == [9]
        assert (plan.owed, plan.wanted, len(plan.loads[0].runs)) == (9, 9, 2)


def test_runs_that_share_some_generations_owe_the_others_too() -> None:
    plan = planned(["limit=5", HOT], [HOT, "limit=9"], ["limit=7", HOT, "seed=1"])
    (load,) = plan.loads
    assert [request.key for request in load.requests] == [*keys(HOT, "limit=9"), *keys("limit=7", HOT, "seed=1")]
    assert load.asked_by[keys(HOT, "limit=9")[0]] is run("limit=5", HOT)
    assert load.asked_by[keys(HOT, "limit=9")[8]] is run(HOT, "limit=9")


@pytest.mark.parametrize(
    "other",
    [
        ["dataset=simulated_house"],
        ["window.events=5"],
        ["prompt=embedded", "prompt.event_ids=window"],
        ["split.part=train"],
        [HOT],
        [HOT, "decoding=self_consistency"],
        ["model.sampling.max_new_tokens=9"],
        ["model.thinking=false"],
        ["seed=1"],
    ],
)
def test_what_is_asked_of_a_model_is_no_reason_to_load_it_twice(other: Sequence[str]) -> None:
    common = [*TRANSFORMERS, "limit=2"]
    plan = planned(common, [*common, *other])
    assert len(plan.loads) == 1
    assert load_identity(run(*common)) == load_identity(run(*common, *other))


def test_adapters_share_the_load_of_their_base_model(tmp_path: Path) -> None:
    common = [*TRANSFORMERS, "limit=2"]
    loras = [
        ["lora=adapter", f"lora.name={name}", adapter(tmp_path / name, content)]
        for name, content in (("one", b"1"), ("two", b"2"), ("same", b"2"))
    ]
    (load,) = planned(common, *([*common, *lora] for lora in loras)).loads
    assert len(load.runs) == 4
    assert len(load.requests) == 6, "an adapter under two names is one"
    assert len({request.adapter for request in load.requests}) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TRANSFORMERS, [*TRANSFORMERS, "model=tiny_teacher"]),
        (TRANSFORMERS, [*TRANSFORMERS, "model.dtype=bfloat16"]),
        (TRANSFORMERS, [*TRANSFORMERS, "model.context=2000"]),
        ([*VLLM, "decoding=structured"], [*VLLM, "decoding=structured", "model.reasoning_marks=['<a>','</a>']"]),
        (TRANSFORMERS, [*TRANSFORMERS, "engine.batch_size=1"]),
        (TRANSFORMERS, VLLM),
        (VLLM, [*VLLM, "decoding=structured"]),
        (VLLM, [*VLLM, "engine.quantization=fp8_per_block"]),
        ([*VLLM, "decoding=structured"], [*VLLM, "decoding=structured", "model.thinking=false"]),
    ],
)
def test_what_makes_another_engine_is_another_load(one: Sequence[str], other: Sequence[str]) -> None:
    assert load_identity(run(*one, "limit=2")) != load_identity(run(*other, "limit=2"))
    made = planned([*one, "limit=2"], [*other, HOT, "limit=2"])
    assert len(made.loads) == 2
    assert made.owed == made.wanted == sum(len(load.requests) for load in made.loads)


def test_a_copy_of_a_model_is_the_same_model_wherever_it_lies(tmp_path: Path) -> None:
    folder = run(*TRANSFORMERS).model.path
    assert folder is not None
    names = []
    for name in ("one", "two"):
        shutil.copytree(folder, tmp_path / name)
        names.append([*TRANSFORMERS, "limit=2", "model=custom", f"model.id={tmp_path / name}", f"model.name={name}"])
    assert len(planned(*names).loads) == 1


def test_models_that_an_engine_does_not_load_are_told_apart_by_name() -> None:
    assert len(planned(["limit=2"], ["limit=2", "model=qwen3_32b"]).loads) == 2


MANY = (
    ["limit=4"],
    ["limit=9", "metrics.parsing=lenient"],
    ["engine.delay_s=0.5", "limit=6"],
    ["engine.delay_s=0.5", "limit=3", HOT],
    ["engine.delay_s=0.7", "limit=2"],
    ["model=tiny_teacher", "limit=3"],
    ["dataset=simulated_house", "limit=2"],
    ["model=tiny_teacher", "limit=5", HOT],
)


@pytest.mark.slow
def test_the_order_of_the_jobs_changes_neither_the_number_of_loads_nor_what_is_made() -> None:
    first = planned(*MANY)
    every = {key for load in first.loads for key in load.asked_by}
    shuffled = random.Random(0)
    for _ in range(30):
        plan = planned(*shuffled.sample(MANY, len(MANY)))
        assert len(plan.loads) == len(first.loads) == 3
        assert {key for load in plan.loads for key in load.asked_by} == every
        assert plan.owed == len(every), "none of them twice"


def test_models_are_loaded_in_the_order_of_their_first_job() -> None:
    jobs = [["limit=1", "model=tiny_teacher"], ["limit=9"], ["limit=2", "model=tiny_teacher"]]
    assert [load.model.config.name for load in planned(*jobs).loads] == ["tiny_teacher", "tiny_student"]
    assert [load.model.config.name for load in planned(*reversed(jobs[:2])).loads] == ["tiny_student", "tiny_teacher"]


def test_a_generation_that_two_engines_owe_is_made_by_the_one_that_has_more_to_make() -> None:
    small, large = ["limit=4"], ["limit=9", "engine.delay_s=0.5"]
    for jobs in (small, large), (large, small):
        (load,) = planned(*jobs).loads
        assert list(load.runs) == [run(*large)]
        assert [request.key for request in load.requests] == keys("limit=9")


def test_of_two_engines_that_owe_the_same_the_first_makes_it() -> None:
    one, other = ["limit=4"], ["limit=4", "engine.delay_s=0.5"]
    assert list(planned(one, other).loads[0].runs) == [run(*one)]
    assert list(planned(other, one).loads[0].runs) == [run(*other)]


def test_what_is_stored_is_not_owed(tmp_path: Path) -> None:
    here = f"paths.outputs={tmp_path}"
    keep(run("limit=6", here), 2)
    plan = planned(["limit=6", here], ["limit=2", here])
    (load,) = plan.loads
    assert list(load.runs) == [run("limit=6", here)], "the other has all it needs"
    assert [request.key for request in load.requests] == keys("limit=6")[2:]
    assert (plan.owed, plan.wanted) == (4, 6)


def test_a_plan_with_nothing_to_make_loads_nothing(tmp_path: Path) -> None:
    here = f"paths.outputs={tmp_path}"
    keep(run("limit=6", here), 6)
    plan = planned(["limit=6", here], ["limit=3", here])
    assert (plan.loads, plan.owed, plan.wanted) == ([], 0, 6)
    assert make_plan([], Stores()).loads == []


def test_each_outputs_folder_gets_its_own_generations(tmp_path: Path) -> None:
    plan = planned(*(["limit=3", f"paths.outputs={tmp_path / name}"] for name in ("one", "two")))
    assert (plan.owed, plan.wanted) == (6, 6)
    assert [len(load.requests) for load in plan.loads] == [3, 3]
    assert [load.runs[0].outputs.name for load in plan.loads] == ["one", "two"]


def test_planning_writes_nothing(tmp_path: Path) -> None:
    assert planned(["limit=3", f"paths.outputs={tmp_path}"]).owed == 3
    assert not list(tmp_path.iterdir())


def test_what_is_loaded_is_known_again_from_a_file() -> None:
    for overrides in (), TRANSFORMERS, ("engine=vllm", "decoding=structured"):
        identity = load_identity(run("limit=2", *overrides))
        assert json.loads(json.dumps(identity)) == identity


@pytest.mark.slow
def test_a_plan_asks_nvidia_smi_once(tmp_path: Path) -> None:
    asked, program = tmp_path / "asked", tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho once >> {asked}\necho '0, NVIDIA A, 81920, 40960, 8.0'\n")
    program.chmod(0o755)
    command = [sys.executable, "-m", "har_llm", "experiment=miniature", "task=plan", f"paths.outputs={tmp_path / 'outputs'}"]
    environment = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("CUDA_VISIBLE_DEVICES", None)
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=300)
    assert asked.read_text().split() == ["once"]
