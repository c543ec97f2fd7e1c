"""JSON that need not be what it should: how all formats read it, and take a value of it for what they expect."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from rxllm.wire.surrogates import mended

__all__ = ["REFUSED", "count", "read_json", "word"]

REFUSED: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""What reading of JSON that is not what it should be may raise."""

_TOO_MANY: Final = 10**15


def read_json(payload: bytes) -> Any:
    r"""Read any JSON, without a surrogate in it; unlike msgspec, take what Python's json takes.

    >>> read_json(b'["\\ud83d", 1]')
    ['�', 1]

    Args:
        payload: The text.

    Returns:
        Its value.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return msgspec.json.decode(payload)
    except REFUSED:  # not quite JSON, perhaps: Python's json decides
        pass
    try:
        return mended(json.loads(payload))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def word(value: Any) -> str | None:
    """Take a value for a text; anything else, and the empty one, is None.

    Args:
        value: Any value.

    Returns:
        The text, or None.
    """
    return value if isinstance(value, str) and value else None


def count(*candidates: Any) -> int | None:
    """Take the first number for a count, e.g. of tokens.

    >>> count(None, True, 7.0), count(float("nan"))
    (7, None)

    Args:
        candidates: Any values.

    Returns:
        The count, or None where there is no number.
    """
    for value in candidates:
        # Not a bool, which is an int; not NaN or an infinity, which have no int.
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _TOO_MANY:
            return int(value)
    return None
