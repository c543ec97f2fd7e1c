"""One request and its response, as the origin of a stream: where bytes become items."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from rxllm.errors import DecodeError, ProviderError, RxllmError
from rxllm.items import Finish
from rxllm.pump import Pump

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rxllm.items import StreamItem
    from rxllm.origin import Inlet
    from rxllm.providers.provider import Decoder
    from rxllm.transport.exchange import ByteStream

__all__ = ["Exchange"]


class Exchange:
    """One request and its response, as the origin of a stream."""

    def __init__(
        self, open_body: Callable[[], Awaitable[ByteStream]], decoder: Decoder, *, answered_by: str, secrets: list[str]
    ) -> None:
        self.answered_by = answered_by
        self._secrets = secrets
        self._open_body = open_body
        self._decoder = decoder
        self._pump: Pump | None = None
        self._paused = False

    def start(self, inlet: Inlet) -> None:
        """Send the request."""
        decoder = self._decoder

        def take(data: bytes) -> bool:
            items = decoder.feed(data)
            finished = bool(items) and type(items[-1]) is Finish
            inlet.push(self._signed(items) if finished else items)
            if decoder.fault is not None:
                raise decoder.fault
            if finished:
                inlet.complete()
            return finished

        def end() -> None:
            try:
                items = decoder.finish()
            except RxllmError:
                inlet.push(decoder.rest)
                raise
            inlet.push(self._signed(items))
            inlet.complete()

        def fail(error: Exception) -> None:
            inlet.fail(_masked(error, self._secrets))

        self._pump = Pump(self._open_body, take, end, fail)
        if self._paused:
            self._pump.pause()
        self._pump.start()

    def _signed(self, items: list[StreamItem]) -> list[StreamItem]:
        """Say in the `Finish` whose answer it is, which a decoder cannot know."""
        *others, last = items
        return [*others, msgspec.structs.replace(cast("Finish", last), answered_by=self.answered_by)]

    def pause(self) -> None:
        """Stop reading."""
        self._paused = True
        if self._pump is not None:
            self._pump.pause()

    def resume(self) -> None:
        """Go on reading."""
        self._paused = False
        if self._pump is not None:
            self._pump.resume()

    def close(self) -> None:
        """Begin closing the socket."""
        if self._pump is not None:
            self._pump.close()


def _masked(error: Exception, secrets: list[str]) -> Exception:
    """Take the key out of an error under HTTP 200, whose words are the server's and may echo it."""

    def masked(said: str) -> str:
        for secret in secrets:
            said = said.replace(secret, "***")
        return said

    error.args = tuple(masked(a) if isinstance(a, str) else a for a in error.args)
    if isinstance(error, DecodeError):
        error.snippet = masked(error.snippet)
    elif isinstance(error, ProviderError) and error.code:
        error.code = masked(error.code)
    return error
