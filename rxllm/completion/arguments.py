"""A tool call's arguments: the JSON that a model wrote."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

__all__ = ["parse_arguments"]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(number: str) -> float:
    """Read a number; one that is too large for a float would become an infinity, which no request can hold."""
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


_read: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse).decode  # NaN and Infinity are no JSON


def parse_arguments(raw: str) -> Any:
    """Parse a tool call's arguments: None where they are not JSON that we can hold, `{}` where they are empty.

    >>> parse_arguments('{"a": 1}'), parse_arguments('{"a":'), parse_arguments("")
    ({'a': 1}, None, {})

    Args:
        raw: The arguments as the provider sent them.

    Returns:
        The parsed value.
    """
    if not raw:
        return {}
    try:
        return _read(raw)
    except (ValueError, RecursionError):
        return None
