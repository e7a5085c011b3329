"""Several workers that share the requests: nothing twice, nothing lost, and a crash loses only its own share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import psutil
import pytest

from har_llm.common.errors import EngineError
from har_llm.engines.base import Generation, LoadedModel
from har_llm.engines.scripted import ScriptedEngine, ScriptedEngineConfig
from har_llm.engines.worker import WorkerPool
from tests.engines.scripted_requests import MODEL, request

pytestmark = pytest.mark.slow


class TellsItsPlace(ScriptedEngineConfig):
    """Answers with the environment variable PLACE."""

    engine_class = f"{__name__}.PlaceEngine"


class PlaceEngine(ScriptedEngine):
    def __init__(self, config: ScriptedEngineConfig, model: LoadedModel):
        super().__init__(ScriptedEngineConfig(text=os.environ["PLACE"], delay_s=config.delay_s), model)


class HasRoomForOne(ScriptedEngineConfig):
    engine_class = f"{__name__}.OnlyEngine"


class OnlyEngine(ScriptedEngine):
    def __init__(self, config: ScriptedEngineConfig, model: LoadedModel):
        if os.environ["PLACE"] == "1":
            raise EngineError("There is no room for a second one.")
        super().__init__(config, model)


def pool(config: ScriptedEngineConfig, *places: int) -> closing[WorkerPool]:
    return closing(WorkerPool(config, MODEL, [{"PLACE": str(place)} for place in places]))


Workers = Callable[[], set[psutil.Process]]


def children() -> set[psutil.Process]:
    return {child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE}


@pytest.fixture(autouse=True)
def workers() -> Iterator[Workers]:
    """The processes that the test has started and that have not ended; none may be left."""
    before = children()
    yield lambda: children() - before
    assert not children() - before


def test_a_pool_of_one_is_an_engine() -> None:
    with pool(ScriptedEngineConfig(text="yes"), 0) as engine:
        assert engine.about["engine"] == "Scripted"
        assert [made.key for made in engine.generate([request(1), request(2)])] == ["key1", "key2"]
        assert [made.text for made in engine.generate([request(3)])] == ["yes"]
        assert list(engine.generate([])) == []


def test_two_workers_take_turns_and_make_everything_once() -> None:
    with pool(TellsItsPlace(), 0, 1) as engine:
        made = list(engine.generate([request(number) for number in range(7)]))
    assert len(made) == 7
    assert {one.key: one.text for one in made} == {f"key{number}": str(number % 2) for number in range(7)}


def test_two_workers_work_at_the_same_time() -> None:
    with pool(ScriptedEngineConfig(delay_s=0.4), 0, 1) as engine:
        list(engine.generate([request(0), request(1)]))  # both have begun
        started = time.monotonic()
        assert len(list(engine.generate([request(number) for number in range(8)]))) == 8
        assert time.monotonic() - started < 0.9 * 8 * 0.4


def test_what_two_workers_say_of_their_time_adds_up_to_the_time_that_they_took() -> None:
    """Twelve requests took 24 s, and their seconds added up to 48."""
    with pool(ScriptedEngineConfig(delay_s=0.2), 0, 1) as engine:
        list(engine.generate([request(0), request(1)]))  # both have begun
        started = time.monotonic()
        made = list(engine.generate([request(number) for number in range(9)]))
        took = time.monotonic() - started
    assert 0 < sum(one.seconds for one in made) <= took


def test_a_worker_without_a_share_is_no_fault() -> None:
    with pool(TellsItsPlace(), 0, 1) as engine:
        assert [made.text for made in engine.generate([request(5)])] == ["0"]


def test_a_killed_worker_costs_its_own_share_only(workers: Workers) -> None:
    made: list[Generation] = []
    killed = pytest.raises(EngineError, match=r"was killed by signal 9 .*What was finished is kept")
    with pool(TellsItsPlace(delay_s=0.1), 0, 1) as engine, killed:
        for one in engine.generate([request(number) for number in range(12)]):
            made.append(one)
            if len(made) == 2:
                (second,) = (worker for worker in workers() if worker.environ()["PLACE"] == "1")
                second.kill()
    keys = {place: [one.key for one in made if one.text == place] for place in ("0", "1")}
    assert keys["0"] == [f"key{number}" for number in range(0, 12, 2)], "it went on to the end of its share"
    assert len(keys["1"]) <= 3


def test_deaths_of_the_same_kind_are_told_once(workers: Workers) -> None:
    with pool(ScriptedEngineConfig(delay_s=30), 0, 1) as engine:
        assert engine.about
        for worker in workers():
            worker.kill()
        with pytest.raises(EngineError) as caught:
            list(engine.generate([request(1), request(2)]))
    assert str(caught.value).count("was killed by signal 9") == 1


def test_a_worker_that_cannot_load_lets_the_other_finish_first() -> None:
    with pool(HasRoomForOne(text="yes"), 0, 1) as engine:
        stream = engine.generate([request(number) for number in range(6)])
        assert [next(stream).key for _ in range(3)] == ["key0", "key2", "key4"]
        with pytest.raises(EngineError, match=r"^There is no room for a second one\.$"):
            next(stream)


def test_a_first_worker_that_cannot_load_is_known_before_anything_is_asked() -> None:
    with pool(HasRoomForOne(), 1, 2) as engine, pytest.raises(EngineError, match=r"^There is no room for a second one\.$"):
        assert engine.about


def test_closing_ends_workers_that_are_still_loading(workers: Workers) -> None:
    engine = WorkerPool(ScriptedEngineConfig(), MODEL, [{}, {}])
    assert len(workers()) == 2
    engine.close()
    engine.close()
    assert not workers()


def test_closing_ends_workers_in_the_middle_of_a_generation(workers: Workers) -> None:
    with pool(ScriptedEngineConfig(delay_s=0.3), 0, 1) as engine:
        # More than a pipe holds: one thread may still be sending while the other process is at work.
        stream = engine.generate([request(number, "x" * 5000) for number in range(400)])
        assert next(stream).key in ("key0", "key1")
    assert not workers()
