"""`Timeouts`: how long to wait, for what."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from rxllm.messages.given import Given, expecting

__all__ = ["Timeouts"]

_Limit: TypeAlias = Annotated[
    Annotated[float, Field(strict=True, gt=0)] | None,
    expecting("a positive number of seconds, or None for no limit"),
]


class Timeouts(Given):
    """The five limits, in seconds; None never ends anything.

    `connect` until there is a connection, `idle` without a byte, `first_item` until the first item, `progress` without
    content while bytes (keep-alives) still come, `total` for the whole. A pause stops all but the total one.
    """

    connect: _Limit = 15.0
    idle: _Limit = 300.0
    first_item: _Limit = None
    progress: _Limit = None
    total: _Limit = None
