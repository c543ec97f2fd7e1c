"""The skeleton of a chunk: most chunks of a response are the same bytes around another text.

Once a chunk has been parsed, and was nothing but a piece of text, another one that begins and ends with the same bytes
need not be parsed: what lies between is the text, unless it has quotes, escapes or controls. Costs a third of parsing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from rxllm.items import ReasoningDelta, TextDelta

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NO_SKELETON", "Skeleton", "skeleton"]


class Skeleton(msgspec.Struct, frozen=True):
    """The bytes before and after the text, and what the text becomes."""

    head: bytes
    tail: bytes
    kind: type[TextDelta | ReasoningDelta]
    choice: int


NO_SKELETON: Final = Skeleton(b"\0", b"\0", TextDelta, 0)
"""Fits nothing: no JSON begins with a NUL."""


def skeleton(payload: bytes, item: TextDelta | ReasoningDelta, fields: Sequence[bytes]) -> Skeleton | None:
    r"""Find the skeleton of a payload.

    >>> skeleton(b'{"text":"Hi"}', TextDelta("Hi"), [b"text"])
    Skeleton(head=b'{"text":"', tail=b'"}', kind=<class '...TextDelta'>, choice=0)

    Args:
        payload: JSON that says nothing but one text.
        item: What it became.
        fields: The names of the fields that the text may stand in.

    Returns:
        The skeleton, or None where the text cannot be found for certain.
    """
    if b"\\" in payload:  # an escape could hide a quote, or be another spelling of a field's name
        return None
    text = item.text.encode() + b'"'
    for field in fields:
        if payload.count(b'"%b"' % field) == 1:
            for opening in (b'"%b":"' % field, b'"%b": "' % field):
                head, _, rest = payload.partition(opening)
                if rest.startswith(text):
                    return Skeleton(head + opening, rest[len(text) - 1 :], type(item), item.choice)
    return None
