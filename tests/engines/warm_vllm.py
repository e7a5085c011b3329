"""vLLM in processes that have imported it already; one that starts others forks them.

vLLM's CPU build imports itself anew in each process below the first, which takes long; on a GPU they are forked. It also
looks at each new kind of model in a process that ends at once, so that CUDA is not begun too early: here it looks itself.
"""

from __future__ import annotations

import multiprocessing

import setproctitle
import vllm.model_executor.models.registry
import vllm.v1.engine.utils
import vllm.v1.executor.multiproc_executor


def _forking() -> multiprocessing.context.ForkContext:
    return multiprocessing.get_context("fork")


setproctitle.getproctitle()  # it finds the place of a process's title only while the environment is as it was
vllm.v1.engine.utils.get_mp_context = _forking
vllm.v1.executor.multiproc_executor.get_mp_context = _forking
vllm.model_executor.models.registry._run_in_subprocess = lambda function: function()
