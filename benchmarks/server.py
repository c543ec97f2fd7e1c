"""A server in a process of its own, so that its CPU is not counted: Chat Completions as fast as a socket takes them.

`POST /burst/N` sends N tokens at once, `POST /paced/N` one token a packet.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACE_SECONDS = 0.001
WORDS = ("the", " quick", " brown", " fox", " jumps", " over", " a", " lazy", " dog", ".\n", " Über", " 狐")


def event(choices: list[dict[str, object]], **more: object) -> bytes:
    """Write one chunk as a provider does."""
    head = {"id": "chatcmpl-benchmark", "object": "chat.completion.chunk", "created": 1790000000, "model": "benchmark"}
    return b"data: " + json.dumps({**head, "choices": choices, **more}, separators=(",", ":")).encode() + b"\n\n"


def delta(content: dict[str, object], finish: str | None = None) -> bytes:
    """Write one chunk of one choice."""
    return event([{"index": 0, "delta": content, "logprobs": None, "finish_reason": finish}])


@cache
def events(tokens: int) -> tuple[bytes, ...]:
    """Write a whole answer, a token an event."""
    usage = {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": tokens + 7}
    return (
        delta({"role": "assistant", "content": ""}),
        *(delta({"content": WORDS[i % len(WORDS)]}) for i in range(tokens)),
        delta({}, "stop"),
        event([], usage=usage),
        b"data: [DONE]\n\n",
    )


def answer(tokens: int) -> str:
    """Give the text that the answer comes to."""
    return "".join(WORDS[i % len(WORDS)] for i in range(tokens))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
            )
            await reader.readexactly(length)
            mode, tokens = head.split(b" ")[1].split(b"/")[1:3]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            if mode == b"burst":
                body = b"".join(events(int(tokens)))
                for at in range(0, len(body), 1 << 16):
                    piece = body[at : at + (1 << 16)]
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    await writer.drain()
            else:
                for piece in events(int(tokens)):
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    await asyncio.sleep(PACE_SECONDS)
            writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Serve on a free port until standard input ends."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


@contextmanager
def running() -> Iterator[str]:
    """Run the server as a child; gives its URL."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:  # noqa: S603 - our own file
        assert child.stdout is not None
        assert child.stdin is not None
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
        child.stdin.close()
        child.terminate()


if __name__ == "__main__":
    asyncio.run(main())
