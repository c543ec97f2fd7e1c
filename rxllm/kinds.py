"""Kinds of items that several rooms ask for: those that begin an answer, and those that are no part of one."""

from __future__ import annotations

from typing import Final

from rxllm.items import ChoiceFinished, Finish, Ping, ProviderEvent, Started, Usage
from rxllm.turn_items import StageStarted, TurnStarted

__all__ = ["BEGINNINGS", "WITHOUT_CONTENT"]

BEGINNINGS: Final = frozenset({Started, TurnStarted, StageStarted})
"""Where an answer begins, `type(item) in BEGINNINGS`: what is known of the text or the tokens before is of another one.

Several may come in a row (a stage's, its turn's, then the request's own, which not every source sends), and begin one
answer: what is done at them must be right when it is done again.
"""

WITHOUT_CONTENT: Final = BEGINNINGS | {Ping, Usage, ProviderEvent, ChoiceFinished, Finish}
"""What is no part of an answer: signs of life, what comes before, and an end alone."""
