"""That there is no value that could be shown: `NOTHING`."""

from __future__ import annotations

from typing import Final

__all__ = ["NOTHING"]

NOTHING: Final = object()
"""Unlike None, it is no value of JSON's."""
