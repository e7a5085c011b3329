"""Whole commands in processes that have imported already what most commands import, which takes most of their time.

`python -m tests.warm_commands` reads requests, JSON lines, and forks a process for each.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from tests.helpers import ROOT

# Nothing that reads the environment or starts threads when it is imported, as huggingface_hub, wandb and torch do.
IMPORTED = (
    "har_llm.cli.main",
    "har_llm.tasks",
    "har_llm.scoring.metrics",
    "hydra",
    "sklearn.metrics",
    "scipy.stats",
    "matplotlib.pyplot",
)


def warm_command(folder: Path, arguments: list[str], environment: Mapping[str, str], out: Path) -> int:
    """The exit code of `python -m har_llm` with these arguments, in a folder. It prints to `out`.stdout and `out`.stderr."""
    os.mkfifo(code := f"{out}.code")
    request = {"folder": str(folder), "arguments": arguments, "environment": dict(environment), "out": str(out)}
    with _LOCK:
        server = _server()
        assert server.stdin is not None
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
    return int(Path(code).read_text())  # once the process has ended


_LOCK = Lock()


@cache
def _server() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "tests.warm_commands"], stdin=subprocess.PIPE, text=True, cwd=ROOT)


def serve() -> None:
    for name in IMPORTED:
        import_module(name)
    for line in sys.stdin:
        if os.fork() == 0:
            _run(**json.loads(line))
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _run(folder: str, arguments: list[str], environment: dict[str, str], out: str) -> None:
    """The forked process, which never returns."""
    ending = os.open(f"{out}.code", os.O_WRONLY)
    for descriptor, path in enumerate((os.devnull, f"{out}.stdout", f"{out}.stderr")):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["har_llm", *arguments]
    code: Any = 0
    try:
        import_module("har_llm.cli.main").main()
    except SystemExit as ended:
        code = ended.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os.write(ending, str(code if isinstance(code, int) else int(code is not None)).encode())
    os._exit(0)


if __name__ == "__main__":
    serve()
