"""More than one attempt at an answer: `Retry`, `fallback`, `hedge`. What is void is rolled back, visibly."""

from rxllm.attempts.groups import Fallback, Hedge, fallback, hedge
from rxllm.attempts.race import Race
from rxllm.attempts.retry import Retry
from rxllm.attempts.succession import Succession

__all__ = ["Fallback", "Hedge", "Race", "Retry", "Succession", "fallback", "hedge"]
