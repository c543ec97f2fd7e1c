"""Numbers that people hand to operators: refused where they are given, and not when the first item comes."""

from __future__ import annotations

import math

from rxllm.errors import ConfigurationError

__all__ = ["check_count", "check_seconds"]


def check_seconds(what: str, value: object) -> None:
    """Refuse what no timer can wait for, before anything is subscribed to.

    Args:
        what: The argument as a user writes it.
        value: What was given.

    Raises:
        ConfigurationError: It is no number, not positive, or without an end.
    """
    if not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ConfigurationError(f"{what} takes a positive number of seconds, e.g. 0.05; got {value!r}.")


def check_count(what: str, value: object, *, least: int = 1) -> None:
    """Refuse what nothing can be counted by: half a token, a number as text, fewer than make sense.

    Args:
        what: The argument as a user writes it.
        value: What was given.
        least: The smallest that is taken.

    Raises:
        ConfigurationError: It is no whole number, or too small.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(f"{what} takes a whole number, at least {least}; got {value!r}.")
