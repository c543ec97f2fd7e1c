"""A look at a server: does it answer, does it take the key, which models has it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from rxllm.errors import AuthenticationError, ProviderError, TransportError
from rxllm.transport.refusals import refusal, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rxllm.transport.exchange import HttpRequest
    from rxllm.transport.http import HttpTransport

__all__ = ["Health", "look"]


_OK: Final = 200


class Health(msgspec.Struct, frozen=True):
    """What a look at the server told.

    `key_accepted` is None where that cannot be known: nothing answered, no key was sent, or something else went wrong.
    `ok` says that it listed its models; `detail` what went wrong, otherwise.
    """

    answers: bool
    key_accepted: bool | None
    models: list[str]
    detail: str
    ok: bool = False


class _Row(msgspec.Struct):
    """A model in a provider's list."""

    id: str | None = None
    name: str | None = None


class _Listing(msgspec.Struct):
    """A provider's list of models, under either of two names."""

    data: list[_Row] | None = None
    models: list[_Row] | None = None


_read: Final[Callable[[bytes], _Listing | list[_Row]]] = msgspec.json.Decoder(_Listing | list[_Row]).decode


async def look(transport: HttpTransport, request: HttpRequest, *, total: float | None = None) -> Health:
    """Ask for the list of models.

    Args:
        transport: The network.
        request: What is sent.
        total: Seconds that the whole answer may take; None waits for ever.

    Returns:
        What was found; a server that is not there, or none of this kind, is a finding and no exception.
    """
    has_key = bool(secrets_of(request))
    try:
        body = await transport.fetch(request, total=total)
        rows = _rows(body)
        if rows is None:
            raise refusal(_OK, {}, body, place="The server", secrets=secrets_of(request))
    except TransportError as error:
        return Health(answers=False, key_accepted=None, models=[], detail=str(error))
    except ProviderError as error:
        refused = isinstance(error, AuthenticationError) and has_key
        hint = " Expected a list of models; a base_url usually ends in /v1." if error.status == _OK else ""
        return Health(answers=True, key_accepted=False if refused else None, models=[], detail=f"{error}{hint}")
    models = [name for row in rows if (name := row.id or row.name)]
    return Health(answers=True, key_accepted=True if has_key else None, models=models, detail="ok", ok=True)


def _rows(body: bytes) -> list[_Row] | None:
    """Read a list of models; None where it is none, e.g. an error under HTTP 200 or somebody's web page."""
    try:
        listing = _read(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if not isinstance(listing, _Listing):
        return listing
    return listing.models if listing.data is None else listing.data
