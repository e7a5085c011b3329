"""What vLLM's errors say, and where they do not say it, its log.

On a GPU the core of vLLM is a process of its own, with a process for each GPU below it. When one of them fails, what is
raised here says only that the cause stands in the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from har_llm.common.errors import first_line

ELSEWHERE = re.compile(r"root cause|stack trace|EngineDeadError|engine core|EngineCore|cancelled$", re.IGNORECASE)
"""In an error that is only the consequence of another one."""
MEMORY = re.compile(
    r"out of memory|OutOfMemory|allocate memory|memory for the cache blocks|KV cache memory|on kv cache allocation"
    r"|Free memory on device|often means that memory ran out",
    re.IGNORECASE,
)
MESSAGE_LINES = 3
"""Lines of a message, after its first, that may be needed to understand it."""
_PREFIX = re.compile(r"(\((?P<process>[^()]*pid=\d+)\) )?((?P<level>[A-Z]+) [\d-]+ [\d:.]+ \[[^\]]*\] ?)?")
_DIED = re.compile(r"Worker proc \S+ died unexpectedly \(exit code: (None|-\d+)\)")
"""None: the worker was gone before the system could say how it ended."""
_PLAIN = re.compile(r"([\w.]+\.)?(ValueError|RuntimeError|ValidationError|OutOfMemoryError|NotImplementedError|VLLM\w+): ")
"""Names of exceptions whose message says enough without them."""


def reason(error: BaseException, log: str, ended: str = "") -> str:
    """Why vLLM failed, in one sentence. `log`: what it has written. `ended`: the exit codes of its processes, by name."""
    told = first_line(error)
    if not ELSEWHERE.search(f"{type(error).__name__}: {told}"):
        return told
    killed = re.search(r"'EngineCore\w*': -(\d+)", f"{error} {ended}")
    return root_cause(log) or (_killed("core", killed[1]) if killed else told)


def is_memory(told: str) -> bool:
    """Whether an error says that there was too little memory."""
    return MEMORY.search(told) is not None


def root_cause(log: str) -> str | None:
    """The message of the first error in a log of vLLM that is not the consequence of another; None if there is none."""
    return next((told for told in _errors(log) if not ELSEWHERE.search(told)), None)


def _errors(log: str) -> Iterator[str]:
    """The messages of the exceptions in a log, and of the workers that were killed, in their order."""
    lines = [(found["process"], line[found.end() :]) for line in log.splitlines() if (found := _error_line(line))]
    inside = set()  # the processes whose lines are those of a traceback, which those of others may interrupt
    for place, (process, text) in enumerate(lines):
        if killed := _DIED.search(text):
            yield _killed("worker", None if killed[1] == "None" else killed[1].removeprefix("-"))
        elif text.startswith("Traceback (most recent call last)"):
            inside.add(process)
        elif process in inside and text.strip() and not text[0].isspace():
            inside.remove(process)
            rest = [text for other, text in lines[place + 1 :] if other == process][:MESSAGE_LINES]
            yield first_line("\n".join([_PLAIN.sub("", text), *rest]))


def _error_line(line: str) -> re.Match[str] | None:
    """What stands before the text of a line that may belong to an error; None for one of a lower level."""
    found = _PREFIX.match(line)
    return found if found is not None and found["level"] in (None, "ERROR", "CRITICAL") else None


def _killed(what: str, number: str | None) -> str:
    """`number`: the signal's; None where it is not known."""
    if number is None:
        return f"its {what} process ended without a word (which often means that memory ran out)."
    return f"its {what} process was killed by signal {number} (9 often means that memory ran out)."
