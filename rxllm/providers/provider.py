"""What a provider is: where, who, which wire, which quirks. A frozen value, no behaviour of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rxllm.errors import RxllmError
    from rxllm.items import StreamItem
    from rxllm.messages import ChatRequest

__all__ = ["Decoder", "Provider", "Wire", "api_key_header", "bearer"]


class Decoder(Protocol):
    """Bytes in, items out; see `rxllm.wire`.

    `fault` is what the next call raises, `rest` the items that `finish` could not return because it raised.
    """

    fault: RxllmError | None
    rest: list[StreamItem]

    def feed(self, data: bytes) -> list[StreamItem]:
        """Take bytes, give the items that they complete."""
        ...

    def finish(self) -> list[StreamItem]:
        """Take the end of the bytes; raise unless the terminal marker was seen."""
        ...


class Wire(Protocol):
    """A module in `rxllm.wire` that has both halves of a format."""

    PATH: str

    def encode(self, request: ChatRequest, *, model: str, **quirks: Any) -> dict[str, Any]:
        """Write the request in the format's own terms."""
        ...

    def Decoder(self, **quirks: Any) -> Decoder:  # noqa: N802 - a module's class, called
        """Make a decoder for one response."""
        ...


def bearer(key: str) -> Mapping[str, str]:
    """Send the key as most do: `Authorization: Bearer …`."""
    return {"Authorization": f"Bearer {key}"}


def api_key_header(key: str) -> Mapping[str, str]:
    """Send the key as Azure does: `api-key: …`."""
    return {"api-key": key}


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Where, who, which wire, which quirks.

    Args:
        name: What stands before the colon in `"provider:model"`.
        base_url: Where its API begins, or None where only the user can know.
        wire: The module in `rxllm.wire` that speaks its format.
        api_key_env: The environment variable that holds the key, or None where there is no key.
        key_required: Whether nothing goes without a key.
        auth: Puts the key into headers.
        default_model: The model when none is named, or None.
        models_path: Where it lists its models, below the base URL.
        encoding: Quirks of the request, given to the wire's `encode`.
        decoding: Quirks of the response, given to the wire's `Decoder`.
        elsewhere: Quirks of its requests in other formats that it speaks too: by their names, what their `encode` is
            given.
    """

    name: str
    base_url: str | None
    wire: Any
    api_key_env: str | None = None
    key_required: bool = True
    auth: Any = bearer
    default_model: str | None = None
    models_path: str = "/models"
    encoding: dict[str, Any] = {}
    decoding: dict[str, Any] = {}
    elsewhere: dict[str, dict[str, Any]] = {}
