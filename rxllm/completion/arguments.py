"""A tool call's arguments: the JSON that a model wrote."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

__all__ = ["parse_arguments"]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_read: Final = json.JSONDecoder(parse_constant=_refuse).decode  # NaN and Infinity are no JSON


def parse_arguments(raw: str) -> Any:
    """Parse a tool call's arguments: None where they are not JSON, `{}` where they are empty.

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
