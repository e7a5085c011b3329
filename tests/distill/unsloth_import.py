"""Imports the real Unsloth without a GPU, with TRL's SFTTrainer patched as it is where there is one."""

from __future__ import annotations

import os
import sys
import tempfile

os.environ |= {
    "UNSLOTH_ALLOW_CPU": "1",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "UNSLOTH_COMPILE_LOCATION": tempfile.mkdtemp(prefix="unsloth"),
}
# Where vLLM is, Unsloth loads its compiled code, and that of the CPU build may have instructions that this CPU lacks.
sys.modules["vllm"] = None  # type: ignore[assignment]

from unsloth import trainer  # noqa: E402
from unsloth.models import rl  # noqa: E402

os.environ["UNSLOTH_ALLOW_CPU"] = "0"  # with which the import left these two out
rl._patch_trl_rl_trainers("sft_trainer")  # the one that is used; all of them take seconds
trainer._patch_trl_trainer()
