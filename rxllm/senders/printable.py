"""What may reach a terminal."""

from __future__ import annotations

from typing import Final

__all__ = ["printable"]

_CONTROL: Final = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def printable(text: str) -> str:
    r"""Take out the control characters: a model must not set titles, move the cursor or type for its reader.

    >>> printable("a\x1b[31mb\r\n\tc")
    'a[31mb\n\tc'

    Args:
        text: What a model, a tool or a provider has sent.

    Returns:
        The text, with line ends and tabs as its only controls.
    """
    return text.translate(_CONTROL)
