"""JSON that is broken, mended as well as can be, by the library `json-repair`."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from typing import Any

from rxllm.errors import ConfigurationError

__all__ = ["check_repair", "repaired"]


def check_repair(*, repair: bool) -> None:
    """Refuse at once what would fail in the middle of a stream.

    Args:
        repair: Whether it is wanted.

    Raises:
        ConfigurationError: The library is not there.
    """
    if repair and find_spec("json_repair") is None:
        raise ConfigurationError("repair=True needs the library json-repair: pip install 'rxllm[json]'.")


def repaired(text: str, openers: str) -> Any:
    """Mend a whole document, once, at its end.

    >>> repaired("Here: {'a': [1, 2,", "{")
    {'a': [1, 2]}

    Args:
        text: All that came.
        openers: Where given, the characters one of which begins the document.

    Returns:
        The value; None where nothing could be made of it.
    """
    from json_repair import repair_json

    if openers:
        start = re.search(f"[{re.escape(openers)}]", text)
        text = text[start.start() :] if start else ""
    try:
        value: Any = json.loads(json.dumps(repair_json(text, return_objects=True)))  # which joins surrogate pairs
    except (ValueError, RecursionError):
        return None
    return None if value == "" else value
