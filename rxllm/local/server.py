"""The parent's side of a local model: starts llama.cpp in a child process when first asked, and ends it.

A process and not a thread, because llama.cpp cannot be unloaded, holds the interpreter's lock while it loads, and takes
its process with it when it fails. The child lives until the pipe that is its stdin ends, which the system sees to even
when this process is killed. Nothing here belongs to an event loop: a server outlives the loop that started it.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import os
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from loguru import logger

from rxllm.errors import ConfigurationError, ConnectTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EMBEDDED_MODEL", "LocalServer", "shared_server"]

EMBEDDED_MODEL: Final = "tiny-kjv-chat"
"""The name of the model that comes with rxllm."""

_HERE: Final = Path(__file__).parent
_EMBEDDED_GGUF: Final = _HERE / "tiny-kjv-chat-q8_0.gguf"
_CHILD: Final = _HERE / "llama_server.py"
_LOG_CHUNKS: Final = 16
_LOG_CHUNK: Final = 4096  # bytes
_LOG_LINES: Final = 20  # that an error shows
_GRACE: Final = 2.0  # seconds between asking the child to end and making it end
_HEALTH_POLL: Final = 0.02  # seconds


class LocalServer:
    """A llama.cpp server of this process, started when it is first used and again should it have ended.

    Unlike a server that you start yourself, it needs no port, and it is gone when this process is, even if killed.

    Example::

        server = LocalServer()
        url = await server.url()  # "http://127.0.0.1:40123/v1"
        server.close()

    Args:
        gguf: The model's file; None is the model that comes with rxllm.
        parallel: How many answers it writes at the same time; more have to wait.
        context: Tokens that all of them share, prompts included.
        threads: CPU threads for generation; None is 1 for the embedded model, which is slower with more on a busy
            machine, and half of the CPUs for any other.
        start_timeout: Seconds that loading may take.

    Raises:
        ConfigurationError: A number is less than 1.
    """

    def __init__(
        self,
        gguf: str | os.PathLike[str] | None = None,
        *,
        parallel: int = 4,
        context: int = 8192,
        threads: int | None = None,
        start_timeout: float = 60.0,
    ) -> None:
        embedded = gguf is None
        if threads is None:
            threads = 1 if embedded else max(1, (os.cpu_count() or 1) // 2)
        for name, value in (("parallel", parallel), ("context", context), ("threads", threads)):
            if value < 1:
                raise ConfigurationError(f"`{name}` of a local model is {value}; it has to be at least 1")
        self.gguf: Final = _file(gguf)
        self.model: Final = EMBEDDED_MODEL if embedded else self.gguf.stem
        self._arguments = [
            str(self.gguf),
            f"--alias={self.model}",
            f"--parallel={parallel}",
            f"--context={context}",
            f"--threads={threads}",
            *(["--gpu-layers=0"] if embedded else []),
        ]
        self._start_timeout = start_timeout
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def __repr__(self) -> str:
        return f"LocalServer({self.model!r}, pid={self.pid})"

    @property
    def pid(self) -> int | None:
        """The child's process id; None while it does not run."""
        child = self._child
        return child.process.pid if child and child.process.poll() is None else None

    async def url(self) -> str:
        """Start the server unless it runs, wait until it answers, and tell where.

        All callers share one start, whatever loop or thread they are on.

        Returns:
            The base URL of its API, e.g. `"http://127.0.0.1:40123/v1"`.

        Raises:
            ConfigurationError: llama.cpp is not installed, the file is not a GGUF, or llama.cpp refused it.
            ConnectTimeout: It did not answer within `start_timeout`.
        """
        # Once it runs, this costs neither a thread nor a turn of the loop.
        return self._running() or await asyncio.to_thread(self._started)

    def close(self) -> None:
        """End the child; harmless when there is none, and `url()` would start another."""
        child, self._child = self._child, None
        if child:
            child.end()

    def _running(self) -> str | None:
        child = self._child
        return child.url if child and child.process.poll() is None else None

    def _started(self) -> str:
        with self._lock:
            if url := self._running():
                return url
            if self._child:
                # Its log stays here: what it says of a request may quote the prompt.
                status = self._child.process.returncode
                logger.warning(
                    "The llama.cpp that served {} is gone, exit status {}; starting another", self.model, status
                )
                self.close()
            if importlib.util.find_spec("xllamacpp") is None:
                raise ConfigurationError("The provider `local` needs llama.cpp: pip install 'rxllm[local]'")
            _check_gguf(self.gguf)
            self._child = _Child.start(self._arguments, self._start_timeout)
            # Ends the child when this server is forgotten without `close`, and at the interpreter's exit.
            weakref.finalize(self, self._child.end)
            logger.debug("llama.cpp serves {} at {}", self.model, self._child.url)
            return self._child.url


class _Child(NamedTuple):
    """A running llama.cpp, and the end of its log."""

    process: subprocess.Popen[bytes]
    log: deque[bytes]
    reader: threading.Thread
    url: str

    @classmethod
    def start(cls, arguments: Sequence[str], timeout: float) -> _Child:
        """Start llama.cpp and wait until it answers."""
        try:
            process = subprocess.Popen(  # noqa: S603 - our own file, run by our own interpreter
                [sys.executable, "-P", str(_CHILD), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,  # a buffer's lock, held by the reader, would hang a fork of this process when it closes
                start_new_session=True,  # Ctrl-C in a terminal is not for it, from its first moment on
            )
        except OSError as error:
            raise ConfigurationError(
                f"Python ({sys.executable!r}) could not be started for llama.cpp: {error}"
            ) from error
        assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        assert process.stderr is not None  # noqa: S101 - as above
        log: deque[bytes] = deque(maxlen=_LOG_CHUNKS)
        reader = threading.Thread(
            target=_drain, args=(process, process.stderr, log), name="rxllm-llama-log", daemon=True
        )
        reader.start()
        deadline = time.monotonic() + timeout
        # A pipe has no time-out that works on every system, but it ends with the process.
        alarm = threading.Timer(timeout, process.kill)
        alarm.start()
        try:
            address = process.stdout.readline().decode().strip()
        finally:
            alarm.cancel()
        child = cls(process, log, reader, f"{address}/v1")
        if address and _answers(address.removeprefix("http://"), deadline):
            return child
        late = time.monotonic() >= deadline
        child.end()
        if late:
            raise ConnectTimeout(
                f"llama.cpp did not answer within {timeout:g} s; give a large model a longer `start_timeout`", timeout
            )
        lines = b"".join(log).decode(errors="replace").splitlines()[-_LOG_LINES:]
        raise ConfigurationError(
            "\n".join([f"llama.cpp could not serve {arguments[0]!r} (exit status {process.returncode}):", *lines])
        )

    def end(self) -> None:
        """End the process and let go of its pipes; harmless when done before, or in a fork, whose child it is not."""
        process = self.process
        process.terminate()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.reader.join(_GRACE)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()


def _drain(process: subprocess.Popen[bytes], stderr: IO[bytes], log: deque[bytes]) -> None:
    """Keep the end of the log, so that the pipe never fills and nothing reaches the terminal; leave no zombie."""
    while chunk := stderr.read(_LOG_CHUNK):
        log.append(chunk)
    process.wait()


def _answers(host: str, deadline: float) -> bool:
    """Wait until llama.cpp says that it is well; False if it does not in time, or is gone."""
    while (left := deadline - time.monotonic()) > 0:
        connection = http.client.HTTPConnection(host, timeout=left)  # unlike urllib it asks no proxy of the environment
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == http.client.OK:
                return True
        except (OSError, http.client.HTTPException):
            return False  # it said that it listens: now it is gone, or it hangs until the deadline
        finally:
            connection.close()
        time.sleep(_HEALTH_POLL)  # 503 while it loads
    return False


def _file(gguf: str | os.PathLike[str] | None) -> Path:
    return _EMBEDDED_GGUF if gguf is None else Path(gguf).expanduser().absolute()


def _check_gguf(path: Path) -> None:
    """Look at the file first: llama.cpp's own words on a wrong one are a page of its log."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ConfigurationError(f"The model's file {str(path)!r} cannot be read: {error.strerror}") from error
    if magic != b"GGUF":
        raise ConfigurationError(
            f"The model's file {str(path)!r} is not in GGUF format: it begins with {magic!r} where b'GGUF' should be"
        )


_shared: Final[dict[tuple[object, ...], LocalServer]] = {}
_shared_lock: Final = threading.Lock()


def shared_server(
    gguf: str | os.PathLike[str] | None = None,
    *,
    parallel: int = 4,
    context: int = 8192,
    threads: int | None = None,
    start_timeout: float = 60.0,
) -> LocalServer:
    """Give this process's one server for a file and settings; unlike `LocalServer(...)`, equal calls give the same.

    >>> shared_server() is shared_server(), shared_server() is shared_server(parallel=1)
    (True, False)

    Args:
        gguf: The model's file; None is the model that comes with rxllm.
        parallel: How many answers it writes at the same time.
        context: Tokens that all of them share.
        threads: CPU threads for generation; None chooses.
        start_timeout: Seconds that loading may take.

    Returns:
        The server; it starts when its `url()` is first asked for, and ends with this process.
    """
    key = (_file(gguf), parallel, context, threads, start_timeout)
    with _shared_lock:
        if key not in _shared:
            _shared[key] = LocalServer(
                gguf, parallel=parallel, context=context, threads=threads, start_timeout=start_timeout
            )
        return _shared[key]
