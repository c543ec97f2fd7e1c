"""Seconds that people hand to operators: positive, and not for ever."""

from __future__ import annotations

import math

from rxllm.errors import ConfigurationError

__all__ = ["check_seconds"]


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
