"""The command line as its users meet it: a process of its own, with pipes or with a terminal."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios
from pathlib import Path
from typing import NamedTuple, Self

import pytest

pytest.importorskip("click", reason="the command line's extra is not installed")
pytest.importorskip("rich", reason="the command line's extra is not installed")

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0
"""Seconds after which a wait for something that must happen is a failed test."""

# The child makes the terminal its own, as a shell's child has it: only then is ^C a signal.
LOGIN = "import os, sys; os.login_tty(0); os.execv(sys.executable, [sys.executable, '-m', 'rxllm', *sys.argv[1:]])"

ONE_AFTER_THE_OTHER = """
import io, json, sys
from rxllm.cli import main

def ran(command):
    sys.stdout, sys.stderr = said = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    return main(command), *(stream.buffer.getvalue().decode() for stream in said)

json.dump([ran(command) for command in json.loads(sys.argv[1])], sys.__stdout__)
"""


def event(**delta: object) -> bytes:
    """Make one event of a Chat Completions stream."""
    finish = delta.pop("finish_reason", None)
    chunk = {"id": "c1", "model": "m1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}\n\n'


def whole(text: str, *more: bytes) -> tuple[bytes, ...]:
    """Make the packets of an answer that is complete."""
    return event(content=text), event(finish_reason="stop"), *more, DONE


def environment(**more: str) -> dict[str, str]:
    """Give an environment without keys and proxies of this machine's."""
    kept = {n: v for n, v in os.environ.items() if not n.upper().endswith(("_API_KEY", "_PROXY"))}
    return {**kept, "PYTHONPATH": str(ROOT), "NO_PROXY": "*", "TERM": "xterm", **more}


class Ran(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


async def start(
    *arguments: str,
    python: tuple[str, ...] = ("-m", "rxllm"),
    stdin: int = asyncio.subprocess.DEVNULL,
    stdout: int = asyncio.subprocess.PIPE,
    cwd: Path = ROOT,
    **env: str,
) -> asyncio.subprocess.Process:
    """Start `rxllm` with pipes."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *python,
        *arguments,
        stdin=stdin,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env=environment(**env),
    )


async def run(
    *arguments: str,
    python: tuple[str, ...] = ("-m", "rxllm"),
    stdin: bytes | None = None,
    cwd: Path = ROOT,
    **env: str,
) -> Ran:
    """Run `rxllm` to its end; `python` runs it in another way."""
    pipe = asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE
    process = await start(*arguments, python=python, stdin=pipe, cwd=cwd, **env)
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


async def run_unread(*arguments: str, **env: str) -> tuple[int | None, bytes]:
    """Run `rxllm` into a pipe whose reader has already gone; give its status and what stderr says."""
    reader, writer = os.pipe()
    os.close(reader)
    process = await start(*arguments, stdout=writer, **env)
    os.close(writer)
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode, err


async def run_all(*commands: tuple[str, ...], stdin: bytes | None = None, cwd: Path = ROOT) -> list[Ran]:
    """Run several commands in one process, one after the other: most of what each costs alone is Python's start."""
    ran = await run(json.dumps(commands), python=("-c", ONE_AFTER_THE_OTHER), stdin=stdin, cwd=cwd)
    assert (ran.status, ran.err) == (0, "")
    return [Ran(*one) for one in json.loads(ran.out)]


def replayed(folder: Path, body: bytes, name: str = "recording") -> str:
    """Write a recording."""
    path = folder / f"{name}.body"
    path.write_bytes(body)
    return str(path)


class Terminal:
    """`rxllm` in a terminal of 100 columns, with somebody who reads and types."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process = process
        self._master = master
        self._changed = asyncio.Event()
        self.shown = ""
        """All that came; `seen` looks in what came since the last `seen`."""
        self._read = 0
        asyncio.get_running_loop().add_reader(master, self._take)

    @classmethod
    async def open(cls, *arguments: str, **env: str) -> Self:
        """Start the command."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LOGIN, *arguments, stdin=slave, stdout=slave, stderr=slave, env=environment(**env)
        )
        os.close(slave)
        return cls(process, master)

    def _take(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the other side has gone
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
        self.shown += data.decode("utf-8", "replace")
        self._changed.set()

    async def seen(self, text: str) -> str:
        """Wait until a text is shown that was not seen before; give all up to its end."""
        async with asyncio.timeout(PATIENCE):
            while (at := self.shown.find(text, self._read)) < 0:
                self._changed.clear()
                await self._changed.wait()
        start, self._read = self._read, at + len(text)
        return self.shown[start : self._read]

    def type(self, keys: str) -> None:
        """Type keys; \x03 is Ctrl-C, \x04 Ctrl-D."""
        os.write(self._master, keys.encode())

    async def status(self) -> int:
        """Wait for the end."""
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def close(self) -> None:
        """Leave nothing behind."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
