"""`Retry`: how often to try again, and after how long."""

from __future__ import annotations

import random
from typing import Annotated, Final, TypeAlias

from pydantic import Field, StrictBool

from rxllm.errors import ProviderError, TransportError, TruncatedStreamError
from rxllm.messages import Given, expecting

__all__ = ["Retry"]

_DOUBLINGS: Final = 1000  # what a float holds, and more than any delay has room for
_Seconds: TypeAlias = Annotated[float, Field(strict=True, ge=0), expecting("seconds, 0 or more")]


class Retry(Given):
    """How often to try again, and after how long.

    Args:
        attempts: In all, the first included.
        delay: Seconds before the second attempt; each further one waits twice as long, with up to a half at random.
        max_delay: Seconds that no wait exceeds; a provider that asks for more is not asked again.
        after_content: Whether also to try again when content was seen already; it is rolled back then.

    Raises:
        ConfigurationError: There is less than one attempt, or a delay is no number of seconds.
    """

    attempts: Annotated[int, Field(strict=True, ge=1), expecting("a whole number of attempts, 1 or more")] = 3
    delay: _Seconds = 0.5
    max_delay: _Seconds = 30.0
    after_content: StrictBool = False

    def wait(self, attempt: int, error: Exception) -> float | None:
        """Tell how long to wait before the next attempt, or None to give up.

        >>> Retry(delay=1).wait(1, ProviderError("no", status=400)) is None
        True

        Args:
            attempt: How many have failed.
            error: How the last one did.

        Returns:
            Seconds, or None.
        """
        retryable = isinstance(error, (TransportError, ProviderError, TruncatedStreamError)) and error.retryable
        if not retryable or attempt >= self.attempts:
            return None
        asked = error.retry_after if isinstance(error, ProviderError) else None
        if asked is not None:
            return asked if asked <= self.max_delay else None
        growth = 2.0 ** min(attempt - 1, _DOUBLINGS) * random.uniform(1, 1.5)  # noqa: S311 - no secret
        return min(self.delay * growth, self.max_delay)
