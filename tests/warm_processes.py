"""Processes that have imported already what they need, which takes most of the time of a short one.

`python -m tests.warm_processes SOCKET MODULE...` imports the modules, once for all tests of a session, and forks a
process for each request. It ends with the session.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import hashlib
import json
import os
import pickle
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import psutil
from filelock import FileLock

from tests.helpers import ROOT

SESSION = "HAR_LLM_TEST_SESSION"
"""The environment variable with the process that the session of tests belongs to, pytest's, whose workers have it from
there, and a folder of its own for what they share."""
if SESSION not in os.environ:
    os.environ[SESSION] = f"{os.getpid()} {tempfile.mkdtemp(prefix='har_llm-tests-')}"
ENVIRONMENT = dict(os.environ)
"""As it is before any test has changed it."""
HAS_GPU = shutil.which("nvidia-smi") is not None
"""Then a process that has imported PyTorch may not be forked."""
LOOK_S = 1.0
"""Seconds between looks at whether the session has ended."""

Files = tuple[int, int, int]
Pipes = tuple[IO[str] | None, IO[str] | None]


class Forked:
    """A process in the manner of subprocess.Popen, though it is no child of this one."""

    def __init__(self, connection: socket.socket, pipes: Pipes):
        self._replies = connection.makefile(encoding="ascii")
        self.pid = int(self._replies.readline())
        self.stdin, self.stdout = pipes
        self.returncode: int | None = None
        self._waiting = threading.Lock()

    def wait(self) -> int:
        with self._waiting:  # several threads may wait, as for a Popen
            if self.returncode is None:
                with self._replies:
                    self.returncode = int(self._replies.readline())
        return self.returncode


def forked(
    modules: Sequence[str],
    function: str,
    arguments: Sequence[str],
    files: Files,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
    pipes: Pipes = (None, None),
) -> Forked:
    """A process that has imported the modules calls a function, package.module:name, with arguments of a command line.

    `files`: its input, output and errors. `pipes`: our ends of the first two. It leads a session of its own.
    """
    request = {
        "function": function,
        "arguments": [*arguments],
        "environment": dict(environment),
        "folder": str(folder or Path.cwd()),
    }
    with _connected(() if HAS_GPU else modules) as connection:
        socket.send_fds(connection, [b"\n"], files)
        connection.sendall(json.dumps(request).encode() + b"\n")
        return Forked(connection, pipes)


def session_folder() -> Path:
    """What the processes of one session of tests share."""
    return Path(os.environ[SESSION].partition(" ")[2])


def _session() -> int:
    return int(os.environ[SESSION].partition(" ")[0])


@atexit.register
def _remove_session_folder() -> None:
    if os.getpid() == _session():
        shutil.rmtree(session_folder(), ignore_errors=True)


def called(modules: Sequence[str], function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of a module returns in a process that has imported the modules."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as result, tempfile.TemporaryFile("w+") as errors:
        pickle.dump((function, arguments), given)
        given.seek(0)
        files = (given.fileno(), result.fileno(), errors.fileno())
        code = forked(modules, "tests.warm_processes:call", [], files).wait()
        errors.seek(0)
        assert code == 0, errors.read()
        result.seek(0)
        return pickle.load(result)


def call() -> None:
    """The process's side of `called`."""
    function, arguments = pickle.load(sys.stdin.buffer)
    with os.fdopen(os.dup(1), "wb") as result:
        os.dup2(2, 1)  # what libraries print must not mix with the result
        pickle.dump(function(*arguments), result)


def _connected(modules: Sequence[str]) -> socket.socket:
    """Connected to the process that has imported them, which is started where there is none yet."""
    path = session_folder() / hashlib.sha256(" ".join(modules).encode()).hexdigest()[:8]
    with FileLock(f"{path}.lock"):
        try:
            return _connection(path)
        except (FileNotFoundError, ConnectionRefusedError):  # none yet, or one that has ended
            path.unlink(missing_ok=True)
            _start(path, modules)
            return _connection(path)


def _connection(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def _start(path: Path, modules: Sequence[str]) -> None:
    environment = {**ENVIRONMENT, "HF_HOME": f"{path}.hf"}
    with path.with_suffix(".log").open("w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_processes", path, *modules],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        assert server.stdout is not None
        with server.stdout:
            ready = server.stdout.read()  # it closes it when it is ready
        log.seek(0)
        assert ready, f"exit code {server.wait()}: {log.read()}"
    _SERVERS.append(server)


_SERVERS: list[subprocess.Popen[bytes]] = []
"""They outlive this process, as others use them too."""


class Server:
    def __init__(self, path: str, modules: Sequence[str]):
        before = dict(os.environ)
        for name in modules:
            import_module(name)
        self._added = {name: value for name, value in os.environ.items() if name not in before}
        """Variables that the modules have set for themselves."""
        gc.freeze()  # collecting them in a forked process would copy their memory
        self._running: dict[int, socket.socket] = {}
        """By process, the connection to whoever waits for its end."""
        self._ended, self._waking = socket.socketpair()
        self._waking.setblocking(False)
        signal.set_wakeup_fd(self._waking.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(64)

    def serve(self, session: int) -> None:
        selector = selectors.DefaultSelector()
        for one in (self._listener, self._ended):
            selector.register(one, selectors.EVENT_READ)
        while psutil.pid_exists(session):
            ready = [key.fileobj for key, _ in selector.select(LOOK_S)]
            if self._ended in ready:
                self._ended.recv(4096)
                self._tell()
            if self._listener in ready:
                with contextlib.suppress(OSError, ValueError):  # whoever asks may be gone before it has asked
                    self._fork(self._listener.accept()[0])

    def _tell(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                with self._running.pop(ended[0]) as connection, contextlib.suppress(OSError):
                    connection.sendall(f"{os.waitstatus_to_exitcode(ended[1])}\n".encode())

    def _fork(self, connection: socket.socket) -> None:
        _, files, _, _ = socket.recv_fds(connection, 1, 3)
        try:
            with connection.makefile(encoding="ascii") as stream:
                request = json.loads(stream.readline())
        except ValueError:
            connection.close()
            raise
        if (pid := os.fork()) == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for one in (self._listener, self._ended, self._waking, connection, *self._running.values()):
                one.close()
            self._become(files, **request)
        for file in files:
            os.close(file)
        self._running[pid] = connection
        connection.sendall(f"{pid}\n".encode())

    def _become(self, files: Sequence[int], function: str, arguments: list[str], environment: Any, folder: str) -> None:
        """The forked process, which never returns."""
        code: Any = 1
        try:
            os.setsid()
            for descriptor, file in enumerate(files):
                os.dup2(file, descriptor)
                os.close(file)
            os.chdir(folder)
            os.environ.clear()
            os.environ.update({**self._added, **environment})
            sys.argv = [function, *arguments]
            module, _, name = function.partition(":")
            code = getattr(import_module(module), name)()
        except SystemExit as ended:
            code = ended.code
            if isinstance(code, str):
                print(code, file=sys.stderr)
        except BaseException:
            traceback.print_exc()
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def main() -> None:
    path, *modules = sys.argv[1:]
    server = Server(path, modules)
    print("ready", flush=True)
    os.dup2(2, 1)
    server.serve(_session())


if __name__ == "__main__":
    main()
