"""Why vLLM failed, told in one sentence: read from its errors and its log, and by the real vLLM with a core of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.process import JsonProcess, ProcessFailed
from har_llm.engines.vllm_config import QUANTIZED, installed
from har_llm.engines.vllm_failures import is_memory, reason, root_cause
from tests.warm_commands import OF_VLLM, warm_engines

START = RuntimeError("Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}")
TOO_LONG = (
    "To serve at least one request with the model's max seq len (400015), (1.91 GiB KV cache is needed, which is larger"
)
CORE = "(EngineCore pid=2131) ERROR 11-29 10:23:52 [core.py:1510] "
WORKER = "(Worker_TP1 pid=99) ERROR 11-29 10:23:51 [multiproc_executor.py:953] "
AT_START = f"""\
(EngineCore pid=2131) INFO 11-29 10:23:50 [core.py:402] init engine
(EngineCore pid=2131) WARNING 11-29 10:23:50 [utils.py:1] Traceback (most recent call last):
(EngineCore pid=2131) WARNING 11-29 10:23:50 [utils.py:1] ImportError: of something that is not needed
{CORE}EngineCore failed to start.
{CORE}Traceback (most recent call last):
{CORE}  File "core.py", line 1482, in run_engine_core
{CORE}    raise ValueError(
{CORE}ValueError: {TOO_LONG}
Process EngineCore:
Traceback (most recent call last):
  File "process.py", line 314, in _bootstrap
ValueError: {TOO_LONG}
"""
IN_A_WORKER = f"""\
{WORKER}WorkerProc failed to start.
{WORKER}Traceback (most recent call last):
{WORKER}  File "gpu_worker.py", line 3, in load_model
{CORE}EngineCore failed to start.
{CORE}Traceback (most recent call last):
{WORKER}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.
{CORE}  File "core.py", line 1482, in run_engine_core
{CORE}Exception: WorkerProc initialization failed due to an exception. See stack trace for root cause.
"""
KILLED = "its worker process was killed by signal 9 (9 often means that memory ran out)."
GONE = "its worker process ended without a word (which often means that memory ran out)."


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("", None),
        ("(EngineCore pid=1) INFO 11-29 10:23:50 [core.py:402] all is well\nValueError: in no traceback", None),
        (AT_START, TOO_LONG),
        (IN_A_WORKER, "CUDA out of memory. Tried to allocate 2.00 GiB."),
        (
            "(EngineCore pid=1) ERROR 11-29 10:23:50 [multiproc_executor.py:316] Worker proc VllmWorker-1 died unexpectedly "
            "(exit code: -9), shutting down executor.",
            KILLED,
        ),
        (
            "(EngineCore pid=1) ERROR 11-29 10:23:50 [multiproc_executor.py:316] Worker proc VllmWorker-1 died unexpectedly "
            "(exit code: None), shutting down executor.",
            GONE,
        ),
        (
            "Traceback (most recent call last):\n  File\npydantic_core.ValidationError: 1 validation error for CacheConfig\n"
            "cache_dtype\n  Input should be 'auto' [type=literal_error, input_value='fp9', input_type=str]",
            "cache_dtype: Input should be 'auto'",
        ),
        (f"{CORE}Traceback (most recent call last):\n{CORE}  File\n{CORE}RuntimeError: cancelled", None),
        ("Traceback (most recent call last):\n  File\nKeyError: 'layers.0'", "KeyError: 'layers.0'"),
    ],
)
def test_the_cause_is_the_first_error_that_points_to_no_other(log: str, cause: str | None) -> None:
    assert root_cause(log) == cause


def test_an_error_that_says_its_cause_is_not_looked_up() -> None:
    assert reason(ValueError("no such method"), AT_START) == "no such method"
    assert reason(START, AT_START) == TOO_LONG


def test_a_core_that_was_killed_leaves_no_words() -> None:
    killed = RuntimeError(str(START).replace("1}", "-9}"))
    assert reason(killed, "") == "its core process was killed by signal 9 (9 often means that memory ran out)."
    assert is_memory(reason(RuntimeError("The engine core has ended."), "", "{'EngineCore': -9}"))


@pytest.mark.parametrize(
    ("told", "memory"),
    [
        (f"{TOO_LONG} than the available KV cache memory (1.0 GiB).", True),
        ("No available memory for the cache blocks. Try increasing `gpu_memory_utilization`", True),
        ("Free memory on device cuda:0 (3/80 GiB) on startup is less than desired GPU memory utilization", True),
        (KILLED, True),
        (GONE, True),
        ("its core process was killed by signal 15", False),
        ("CUDA out of memory occurred when warming up sampler with 256 dummy requests.", True),
        ("Unknown quantization method: bitsandbytes.", False),
        ("cache_dtype: Input should be 'auto', 'fp8'", False),
    ],
)
def test_only_memory_is_called_memory(told: str, memory: bool) -> None:
    assert is_memory(told) == memory


@pytest.fixture(scope="module")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[JsonProcess, Path]]:
    """One process for every kind of failure, and the folder of its logs."""
    logs = tmp_path_factory.mktemp("vllm") / "logs"
    environment = {"VLLM_ENABLE_V1_MULTIPROCESSING": "1", "VLLM_ALLOW_LONG_MAX_MODEL_LEN": "1"}
    with warm_engines(OF_VLLM):
        process = JsonProcess("tests.engines.vllm_failing:serve", "The engine's process", environment, logs=logs)
    yield process, logs
    process.close()


def failure(process: JsonProcess, kind: str, *, last: bool = False) -> dict[str, Any]:
    process.send({"kind": kind, "last": last})
    return process.receive()


@pytest.mark.slow
@pytest.mark.skipif(not installed(), reason="vLLM is not installed")
def test_every_failure_of_a_core_of_its_own_says_its_cause(vllm: tuple[JsonProcess, Path]) -> None:
    process, logs = vllm
    setting = failure(process, "nonsense")
    assert re.search(r"of a prompt and its generation\): Unknown quantization method: nonsense\. Must be", setting["told"])
    assert "Lower" not in setting["told"] and setting["logged"]
    assert all(f"'{method}'" in setting["told"] for method in QUANTIZED)
    memory = failure(process, "memory")["told"]
    assert re.search(r"\(1\.91 GiB KV cache is needed, which is larger than the available KV cache memory", memory)
    assert memory.endswith("Lower model.sampling.max_new_tokens or engine.max_num_seqs, or raise engine.cpu_kvcache_space.")
    refused = failure(process, "refused")
    assert not refused["made"] and not refused["logged"]
    regex, budget = refused["told"].splitlines()
    assert regex.startswith("vLLM refuses a request: Failed to transform regex into a grammar: ")
    assert budget.startswith("vLLM refuses a request: thinking_token_budget is set but reasoning_config is not configured")
    core = failure(process, "core killed")["told"]
    assert core.startswith("vLLM stopped while it was generating: its core process was killed by signal 9 (9 often means")
    with pytest.raises(ProcessFailed) as killed:
        failure(process, "worker killed", last=True)
    (log,) = logs.iterdir()
    ways = (KILLED, GONE)  # vLLM sees that a worker has gone, often before the system tells how it ended
    assert str(killed.value) in [
        f"vLLM stopped while it was generating: {way} Lower model.sampling.max_new_tokens or engine.max_num_seqs, or raise "
        f"engine.cpu_kvcache_space. The log of its process is {log}."
        for way in ways
    ]
    assert "Traceback (most recent call last)" in log.read_text()
