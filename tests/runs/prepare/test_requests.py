"""The requests of a run: their keys and seeds depend on what they should, and no run is empty."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError
from har_llm.runs.prepare import prepare
from tests.composing import experiment
from tests.runs.sampled_runs import answered, sampled
from tests.scripted_runs import SMALL


def test_batch_size_and_paths_are_in_no_key(tmp_path: Path) -> None:
    common = [part for part in SMALL if not part.startswith("engine")]
    plain = prepare(experiment(*common))
    other = prepare(
        experiment(*common, "engine=transformers", "engine.batch_size=1", f"paths.outputs={tmp_path}", "engine.device=cpu")
    )
    assert [request.key for request in plain.requests] == [request.key for request in other.requests]
    scripted = prepare(experiment(*SMALL))
    assert not {request.key for request in plain.requests} & {request.key for request in scripted.requests}


def test_sampling_gives_each_window_a_seed_of_its_own() -> None:
    hot = prepare(experiment(*SMALL, "model.sampling.temperature=0.6"))
    seeds = [request.seed for request in hot.requests]
    assert len(set(seeds)) == len(seeds)
    other = prepare(experiment(*SMALL, "model.sampling.temperature=0.6", "seed=1"))
    assert not {request.key for request in hot.requests} & {request.key for request in other.requests}
    shorter = prepare(experiment(*SMALL, "model.sampling.temperature=0.6", "limit=3"))
    assert [request.key for request in shorter.requests] == [request.key for request in hot.requests[:3]]


def test_a_models_chat_template_is_part_of_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the model has the same version, as a file of the hub's cache that was edited."""
    before = prepare(experiment(*SMALL))
    monkeypatch.setattr("har_llm.models.resolve.template_digest", lambda model: "another")
    after = prepare(experiment(*SMALL))
    assert not {request.key for request in before.requests} & {request.key for request in after.requests}


@pytest.mark.slow
def test_an_answer_without_reasoning_ends_when_it_has_run_on_past_its_window(tmp_path: Path) -> None:
    common = [part for part in SMALL if not part.startswith("engine")]
    silent, thinking = (prepare(experiment(*common, f"model.thinking={on}")) for on in ("false", "true"))
    assert {request.stop for request in thinking.requests} == {()}
    assert {len(prompt.ids) for prompt in silent.prompts} > {10}, "shorter windows have as much room"
    for request, prompt in zip(silent.requests, silent.prompts, strict=True):
        beyond = prompt.ids[-1] + 10
        assert request.stop == (f'"id": {beyond}', f'"id":{beyond}')
    held = prepare(experiment(*common, "model.thinking=false", "decoding=structured", "engine=vllm"))
    assert {request.stop for request in held.requests} == {()}


def test_greedy_generations_do_not_depend_on_the_seed() -> None:
    keys = [[request.key for request in prepare(experiment(*SMALL, f"seed={seed}")).requests] for seed in (0, 1)]
    assert keys[0] == keys[1]


def test_marks_of_reasoning_are_in_the_keys_where_a_server_may_have_split_it_off() -> None:
    for engine, same in (("transformers", True), ("openai", False)):
        common = [one for one in SMALL if not one.startswith("engine")]
        server = ["engine.base_url=http://127.0.0.1:9/v1"] if engine == "openai" else []
        plain, marked = (
            {request.key for request in prepare(experiment(*common, f"engine={engine}", *server, *marks)).requests}
            for marks in ((), ("model.reasoning_marks=['<why>','</why>']",))
        )
        assert (plain == marked) == same


def test_an_engine_without_a_model_asks_for_none() -> None:
    prepared = prepare(experiment("model=qwen3_32b", "engine=scripted"))
    assert (prepared.model.revision, prepared.model.path) == ("unresolved-main", None)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("split.part=validation",), "split.validation_sessions is 0"),
        (("dataset.sessions.events=[5,5]", "window.min_events=10"), "No window is left"),
        (("dataset.sessions.count=5",), "paper_split"),
    ],
)
def test_an_empty_run_is_refused(overrides: Sequence[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        prepare(experiment(*SMALL, *overrides))


def test_several_samples_of_a_window_are_generations_of_their_own(tmp_path: Path) -> None:
    single, several = sampled(tmp_path), sampled(tmp_path, "decoding.samples=3")
    assert len(several.requests) == 3 * len(single.requests) == 6
    assert len({request.key for request in several.requests}) == len({request.seed for request in several.requests}) == 6
    assert [request.key for request in several.requests[::3]] == [request.key for request in single.requests]
    assert [request.messages for request in several.requests[:3]] == [single.requests[0].messages] * 3


def test_more_samples_go_on_from_those_that_are_stored(tmp_path: Path) -> None:
    answered(sampled(tmp_path), "$ids:1")
    more = sampled(tmp_path, "decoding.samples=3")
    assert len(more.owed(more.open_store())) == 4
    assert {request.key for request in sampled(tmp_path, "decoding.samples=2").requests} < {
        request.key for request in more.requests
    }
