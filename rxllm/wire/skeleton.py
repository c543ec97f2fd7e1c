"""The skeleton of a chunk: most chunks of a response are the same characters around another text.

Once a chunk has been parsed, and was nothing but a piece of text, those like it need no parsing: a whole read is cut at
the characters between two texts, and all the texts are parsed as one list of strings. Costs a third of parsing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from rxllm.wire.loose_json import REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rxllm.items import ReasoningDelta, StreamItem, TextDelta

__all__ = ["Skeleton", "skeleton"]

_BLOCK: Final = 16 * 1024  # bytes: a large read is taken in parts that stay in the processor's cache
_read_list: Final = msgspec.json.Decoder(list[str]).decode
_read_string: Final = msgspec.json.Decoder(str).decode


class Skeleton(msgspec.Struct, frozen=True):
    """A server-sent event around a text: what comes first, the field's name, what comes last."""

    head: bytes
    name: bytes
    tail: bytes
    kind: type[TextDelta | ReasoningDelta]
    choice: int

    def read(self, frames: bytes, out: list[StreamItem], strange: Callable[[bytes], bool]) -> bytes:
        r"""Read whole frames: those that fit become items, the others are handed over as they are, in their order.

        >>> from rxllm.items import TextDelta
        >>> bones = Skeleton(b'data: {', b'"text":"', b'"}\n\n', TextDelta, 0)
        >>> out = []
        >>> bones.read(b'data: {"end":0}\n\ndata: {"text":"a"}\n\ndata: {"text":"b"}\n\n', out, out.append)
        b''
        >>> out
        [b'data: {"end":0}\n\n', TextDelta(text='a'), TextDelta(text='b')]

        A line feed stands in no JSON, only between frames, so what stands between `tail` and `head` is whole frames.

        Args:
            frames: Server-sent events, whole, with bare line feeds.
            out: Where the items go.
            strange: Called with frames that do not fit; True ends the reading behind them.

        Returns:
            The frames behind those that ended the reading, unread; empty if none did.
        """
        at, size = 0, len(frames)
        while at < size:
            end = size
            if size - at > _BLOCK:
                end = frames.rfind(b"\n\n", at, at + _BLOCK) + 2
                if end < at + 2:  # a frame larger than a block
                    end = frames.index(b"\n\n", at) + 2
            unread = self._read_block(frames[at:end], out, strange)
            if unread is not None:
                return unread + frames[end:]
            at = end
        return b""

    def _read_block(self, frames: bytes, out: list[StreamItem], strange: Callable[[bytes], bool]) -> bytes | None:
        """Read frames together, and give what is unread if a strange one ended the reading."""
        head, name = self.head, self.name
        first, *pieces = frames.split(name)
        if len(pieces) == 1 and first == head and frames.endswith(self.tail):
            text = _string(pieces[0][: -len(self.tail)])
            if text:
                out.append(self.kind(text, self.choice))
                return None
        start = head + name
        if first != head:
            end = frames.find(b"\n\n" + start) + 2
            if end < 2:  # noqa: PLR2004 - none fits
                return b"" if strange(frames) else None
            if strange(frames[:end]):
                return frames[end:]
            pieces = frames[end + len(start) :].split(name)
        pieces[-1] += head  # so that the last is like the others
        return self._read_pieces(pieces, out, strange)

    def _read_pieces(
        self, pieces: list[bytes], out: list[StreamItem], strange: Callable[[bytes], bool]
    ) -> bytes | None:
        """Read all pieces at once, or else by halves; give what is unread if a strange frame ended the reading."""
        joint = self.tail + self.head
        stop = -len(joint)
        cut = [piece[:stop] for piece in pieces if piece.endswith(joint)]
        texts = _strings(cut) if len(cut) == len(pieces) else None
        if texts is not None:
            kind, choice = self.kind, self.choice
            out += [kind(text, choice) for text in texts]
            return None
        middle = len(pieces) // 2
        boundary = b"\n\n" + self.head
        while middle < len(pieces) and not pieces[middle - 1].endswith(boundary):
            middle += 1
        if not 0 < middle < len(pieces):
            return self._read_frames(self._joined(pieces), out, strange)
        unread = self._read_pieces(pieces[:middle], out, strange)
        if unread is None:
            return self._read_pieces(pieces[middle:], out, strange)
        return unread + self._joined(pieces[middle:])

    def _joined(self, pieces: list[bytes]) -> bytes:
        """Give the frames that were split into pieces."""
        return (self.head + self.name + self.name.join(pieces))[: -len(self.head)]

    def _read_frames(self, frames: bytes, out: list[StreamItem], strange: Callable[[bytes], bool]) -> bytes | None:
        """Look at frames one by one; give what is unread if a strange one ended the reading."""
        start = self.head + self.name
        at = misfits = 0  # where those begin that do not fit
        for line in frames[:-2].split(b"\n\n"):
            end = at + len(line) + 2
            frame = frames[at:end]
            fits = frame.startswith(start) and frame.endswith(self.tail)
            text = _string(frame[len(start) : -len(self.tail)]) if fits else None
            if text:
                if misfits < at and strange(frames[misfits:at]):
                    return frames[at:]
                out.append(self.kind(text, self.choice))
                misfits = end
            at = end
        return b"" if misfits < at and strange(frames[misfits:]) else None


def _string(piece: bytes) -> str | None:
    """Read what stands between two quotes, if it is one JSON string and no more; None, too, where it is empty.

    Where a text is empty, another field may speak.
    """
    try:
        return _read_string(b'"' + piece + b'"') or None
    except REFUSED:
        return None


def _strings(pieces: list[bytes]) -> list[str] | None:
    """Read several at once: each must be one JSON string, and not empty.

    A piece that is more than a string cannot pass for one: it holds a quote, and behind it what no list has there.
    """
    try:
        texts = _read_list(b'["' + b'","'.join(pieces) + b'"]')
    except REFUSED:
        return None
    return texts if len(texts) == len(pieces) and "" not in texts else None


def skeleton(payload: bytes, item: TextDelta | ReasoningDelta, fields: Sequence[bytes]) -> Skeleton | None:
    r"""Find the skeleton of a payload.

    >>> from rxllm.items import TextDelta
    >>> skeleton(b'{"text":"Hi"}', TextDelta("Hi"), [b"text"])
    Skeleton(head=b'data: {', name=b'"text":"', tail=b'"}\n\n', kind=<class '...TextDelta'>, choice=0)

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
            return Skeleton(b"data: " + head, name, rest[len(text) :] + b"\n\n", type(item), item.choice)
    return None
