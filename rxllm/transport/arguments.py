"""What transports are made with, checked: this room knows no pydantic."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from rxllm.errors import ConfigurationError

if TYPE_CHECKING:
    import os

__all__ = ["checked_number", "checked_path"]


def checked_number(
    name: str, value: object, expected: str, *, least: float = 0, above: bool = False, whole: bool = False
) -> None:
    """Refuse what is no finite number, or too small.

    >>> checked_number("delay", "1", "seconds, 0 or more")
    Traceback (most recent call last):
        ...
    rxllm.errors.ConfigurationError: delay is '1'; expected seconds, 0 or more.

    Args:
        name: What it is called.
        value: What was given.
        expected: What it should be.
        least: The smallest that is good.
        above: Whether that one is too small already.
        whole: Whether it must be an int.

    Raises:
        ConfigurationError: It is not so.
    """
    kinds = int if whole else (int, float)
    good = not isinstance(value, bool) and isinstance(value, kinds) and least <= value < math.inf
    if not good or (above and value == least):
        raise ConfigurationError(f"{name} is {value!r}; expected {expected}.")


def checked_path(name: str, value: str | os.PathLike[str]) -> Path:
    """Give a path, refusing what is none.

    Args:
        name: What it is called.
        value: What was given.

    Returns:
        The path.

    Raises:
        ConfigurationError: It is neither a str nor a path, or it is empty.
    """
    try:
        path = Path(value) if value else None
    except TypeError:
        path = None
    if path is None:  # what was given may be a recording's bytes: they are not shown
        raise ConfigurationError(
            f"{name} is no path, but of type {type(value).__name__}; expected that of a file, as a str or a Path."
        )
    return path
