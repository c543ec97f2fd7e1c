"""Where an answer begins: what an operator knows of the text, the tokens or the calls before it is of another one."""

from __future__ import annotations

from typing import Final

from rxllm.items import Started
from rxllm.turn_items import StageStarted, TurnStarted

__all__ = ["BEGINNINGS"]

BEGINNINGS: Final = frozenset({Started, TurnStarted, StageStarted})
"""The kinds of item; `type(item) in BEGINNINGS`.

Several may come in a row (a stage's, its turn's, then the request's own, which not every source sends), and begin one
answer: what is done at them must be right when it is done again.
"""
