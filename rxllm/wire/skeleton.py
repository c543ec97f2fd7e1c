"""The skeleton of a chunk: most chunks of a response are the same characters around another text.

Once a chunk has been parsed, and was nothing but a piece of text, those like it need no parsing: a whole read is cut at
the field's name, and what stands before the known rest of a chunk is the text. Only text with quotes, escapes or
controls is given to the parser, as the string it is. Costs half of parsing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rxllm.items import ReasoningDelta, StreamItem, TextDelta

__all__ = ["Skeleton", "skeleton"]

_read_string: Final = msgspec.json.Decoder(str).decode


class Skeleton(msgspec.Struct, frozen=True):
    """A server-sent event around a text: what comes first, the field's name, what comes last."""

    head: str
    name: str
    tail: str
    kind: type[TextDelta | ReasoningDelta]
    choice: int

    def read(  # noqa: C901 - one loop, flat, because it is the hottest of all
        self, frames: str, out: list[StreamItem], strange: Callable[[str], bool]
    ) -> None:
        r"""Read whole frames: those that fit become items, the others are handed over as they are, in their order.

        >>> from rxllm.items import TextDelta
        >>> bones = Skeleton('data: {', '"text":"', '"}\n\n', TextDelta, 0)
        >>> out = []
        >>> bones.read('data: {"end":0}\n\ndata: {"text":"a"}\n\ndata: {"text":"b"}\n\n', out, out.append)
        >>> out
        ['data: {"end":0}\n\n', TextDelta(text='a'), TextDelta(text='b')]

        A line feed stands in no JSON, only between frames, so wherever `tail` and `head` meet a frame begins. A frame
        that fits may come back with the strange one behind it.

        Args:
            frames: Server-sent events, whole, with bare line feeds.
            out: Where the items go.
            strange: Called with frames that do not fit; True ends the reading.
        """
        head, name, kind, choice = self.head, self.name, self.kind, self.choice
        joint = self.tail + head
        stop = -len(joint)
        boundary = "\n\n" + head
        append = out.append
        pieces = iter((frames + head).split(name))  # a head more at the end makes the last piece like the others
        misfit = [next(pieces)]  # what does not fit, until a frame that may: at first what stands before the first text
        if misfit[0] == head:
            misfit = []
        elif misfit[0].endswith(boundary) and strange(misfit.pop()[: -len(head)]):
            return
        for piece in pieces:
            if not misfit:
                if piece.endswith(joint):
                    text = piece[:stop]
                    if not text.isprintable() or '"' in text or "\\" in text:
                        text = _string(text)
                    if text:  # where it is empty, another field may speak
                        append(kind(text, choice))
                        continue
                misfit = [head]
            misfit.append(piece)
            if piece.endswith(boundary):
                if strange(name.join(misfit)[: -len(head)]):
                    return
                misfit = []
        if misfit:
            strange(name.join(misfit)[: -len(head)])


def _string(text: str) -> str | None:
    """Read what stands between two quotes, if it is one JSON string and no more."""
    try:
        return _read_string(f'"{text}"')
    except msgspec.MsgspecError:
        return None


def skeleton(payload: bytes, item: TextDelta | ReasoningDelta, fields: Sequence[bytes]) -> Skeleton | None:
    r"""Find the skeleton of a payload.

    >>> from rxllm.items import TextDelta
    >>> skeleton(b'{"text":"Hi"}', TextDelta("Hi"), [b"text"])
    Skeleton(head='data: {', name='"text":"', tail='"}\n\n', kind=<class '...TextDelta'>, choice=0)

    Args:
        payload: JSON that says nothing but one text.
        item: What it became.
        fields: The names of the fields that the text may stand in.

    Returns:
        The skeleton, or None where the text cannot be found for certain.
    """
    if b"\\" in payload or not payload.isascii():  # an escape could hide a quote, or be another spelling of a name
        return None
    text = item.text.encode()
    for name in [b'"%b":%b"' % (field, space) for field in fields for space in (b"", b" ")]:
        head, found, rest = payload.partition(name)
        if found and payload.count(name.split(b":")[0]) == 1 and rest.startswith(text + b'"'):
            tail = rest[len(text) :].decode() + "\n\n"
            return Skeleton("data: " + head.decode(), name.decode(), tail, type(item), item.choice)
    return None
