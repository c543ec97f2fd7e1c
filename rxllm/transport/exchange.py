"""The contract of a transport: a request goes out, the bytes of one response come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ByteStream", "HttpRequest", "Transport"]


class HttpRequest(msgspec.Struct, frozen=True):
    """What is sent; headers, body and query may hold a key or a prompt, so none of them is ever shown."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.url.partition('?')[0]})"


class ByteStream(Protocol):
    """The body of one response, as it comes."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The response's headers."""
        ...

    async def read(self) -> bytes:
        """Wait for the next bytes, `b""` at the end of the body."""
        ...

    def pause(self) -> None:
        """Stop the clock of the idle time-out, and reading with it."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def close(self) -> None:
        """Begin closing the socket, before this call returns; a pending or later `read` then gives `b""`."""
        ...


@runtime_checkable
class Transport(Protocol):
    """Opens exchanges."""

    async def open(self, request: HttpRequest) -> ByteStream:
        """Send a request and wait for the head of a good (2xx) response; anything else is a typed error."""
        ...

    async def aclose(self) -> None:
        """Let go of what is shared; the last to leave a loop closes its session."""
        ...
