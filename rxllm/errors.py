"""Every error that rxllm raises; each says what happened, what was expected and what to do.

RxllmError                     .partial: what had arrived, nothing is lost
├─ ConfigurationError          ours, before a byte is sent; lists the valid choices
├─ TransportError              the network: connection, DNS, TLS, reset
│  └─ StreamTimeoutError       .seconds
│     ├─ ConnectTimeout        no connection
│     ├─ IdleTimeout           no bytes
│     ├─ FirstItemTimeout      no first item
│     ├─ ProgressTimeout       bytes, but no content
│     └─ TotalTimeout          not ended
├─ ProviderError               they refused: .status .code .request_id .retry_after .retryable
│  ├─ AuthenticationError
│  ├─ InvalidRequestError
│  ├─ RateLimitError
│  ├─ OverloadedError
│  └─ ContentFilterError
├─ DecodeError                 they broke the wire: .format .snippet
│  └─ TruncatedStreamError
├─ ToolError                   a tool failed
├─ MailboxOverflowError        a bounded mailbox was told to refuse
└─ SenderError                 reported, never fatal to the stream
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rxllm.completion import Completion

__all__ = [
    "AuthenticationError",
    "ConfigurationError",
    "ConnectTimeout",
    "ContentFilterError",
    "DecodeError",
    "FirstItemTimeout",
    "IdleTimeout",
    "InvalidRequestError",
    "MailboxOverflowError",
    "OverloadedError",
    "ProgressTimeout",
    "ProviderError",
    "RateLimitError",
    "RxllmError",
    "SenderError",
    "StreamTimeoutError",
    "ToolError",
    "TotalTimeout",
    "TransportError",
    "TruncatedStreamError",
    "provider_error",
]


_RETRYABLE: Final = frozenset({408, 409, 429})
_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500
_NO_STATUS: Final = 600


class RxllmError(Exception):
    """The root of all errors of rxllm; `partial` holds what had arrived when it happened."""

    partial: Completion | None = None
    retryable: bool = False


class ConfigurationError(RxllmError):
    """What was asked for cannot be sent; raised before a byte leaves."""


class TransportError(RxllmError):
    """The network failed: no connection, no name, no trust, a reset."""

    retryable = True


class StreamTimeoutError(TransportError):
    """A limit in seconds was reached.

    Args:
        message: What happened, what was expected, what to do.
        seconds: The limit that was reached.
    """

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class ConnectTimeout(StreamTimeoutError):
    """No connection was made in time."""


class IdleTimeout(StreamTimeoutError):
    """Connected, but not one byte came for too long; a keep-alive counts as bytes."""


class FirstItemTimeout(StreamTimeoutError):
    """The first item took too long; keep-alives do not count."""


class ProgressTimeout(StreamTimeoutError):
    """Bytes came, but no content for too long; keep-alives do not count."""


class TotalTimeout(StreamTimeoutError):
    """The whole took too long."""


class ProviderError(RxllmError):
    """The provider answered, and its answer was an error.

    Args:
        message: The provider's own words.
        status: The HTTP status, or None for an error inside a stream that began with 200.
        code: The provider's own code or type of error.
        request_id: What the provider's support asks for.
        retry_after: Seconds that the provider asks us to wait.
        retryable: Whether the same request may succeed later; None decides by the status.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        if retryable is None:
            retryable = type(self).retryable or status in _RETRYABLE or (status or 0) >= _SERVER_ERROR
        self.retryable = retryable


class AuthenticationError(ProviderError):
    """The key is missing, wrong, or not allowed to do this."""


class InvalidRequestError(ProviderError):
    """The request is wrong: an unknown model, a field the provider refuses, too many tokens."""


class RateLimitError(ProviderError):
    """Too many requests, or no credit left."""

    retryable = True


class OverloadedError(ProviderError):
    """The provider has no room at the moment."""

    retryable = True


class ContentFilterError(ProviderError):
    """The provider refused the prompt; a filter that ends an answer is a completion with that `finish_reason`."""


class DecodeError(RxllmError):
    """What came does not follow its format.

    Args:
        message: What happened and what was expected.
        format: The wire's name, e.g. `chat_completions`.
        snippet: The beginning of what could not be read.
    """

    def __init__(self, message: str, *, format: str, snippet: str = "") -> None:  # noqa: A002 - the field's own word
        super().__init__(message)
        self.format = format
        self.snippet = snippet


class TruncatedStreamError(DecodeError):
    """The stream ended without its format's terminal marker: a clean end of the connection is not success."""

    retryable = True


class ToolError(RxllmError):
    """A tool failed."""


class MailboxOverflowError(RxllmError):
    """A reader was too slow for its bounded mailbox, and the mailbox had been told to refuse."""


class SenderError(RxllmError):
    """A sender failed; it is detached and reported, the stream goes on."""


_BY_STATUS: Final[dict[int, type[ProviderError]]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: AuthenticationError,
    404: InvalidRequestError,
    413: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitError,
    503: OverloadedError,
    529: OverloadedError,
}
_BY_WORD: Final[dict[str, type[ProviderError]]] = {
    "content_filter": ContentFilterError,
    "content_policy_violation": ContentFilterError,
    "responsibleaipolicyviolation": ContentFilterError,
    "authentication_error": AuthenticationError,
    "invalid_api_key": AuthenticationError,
    "permission_error": AuthenticationError,
    "permission_denied": AuthenticationError,
    "unauthenticated": AuthenticationError,
    "invalid_request_error": InvalidRequestError,
    "not_found_error": InvalidRequestError,
    "model_not_found": InvalidRequestError,
    "context_length_exceeded": InvalidRequestError,
    "exceed_context_size_error": InvalidRequestError,
    "invalid_argument": InvalidRequestError,
    "not_found": InvalidRequestError,
    "rate_limit_error": RateLimitError,
    "rate_limit_exceeded": RateLimitError,
    "insufficient_quota": RateLimitError,
    "billing_error": RateLimitError,
    "resource_exhausted": RateLimitError,
    "overloaded_error": OverloadedError,
    "overloaded": OverloadedError,
    "server_overloaded": OverloadedError,
    "service_unavailable": OverloadedError,
    "unavailable": OverloadedError,
    "unavailable_error": OverloadedError,
}
_TRANSIENT_WORDS: Final = frozenset(
    {"server_error", "internal_error", "internal_server_error", "api_error", "timeout_error"}
)


def provider_error(
    message: str,
    *,
    status: int | None = None,
    words: Iterable[object] = (),
    request_id: str | None = None,
    retry_after: float | None = None,
) -> ProviderError:
    """Choose the type of a provider's error by the words it uses, else by its status.

    >>> type(provider_error("slow down", status=429)).__name__
    'RateLimitError'
    >>> type(provider_error("busy", words=["overloaded_error"])).__name__
    'OverloadedError'

    Args:
        message: The provider's own words.
        status: The HTTP status; None, or what a body under HTTP 200 says itself.
        words: The codes and types that the provider gave, the most telling first; numbers count as a status.
        request_id: What the provider's support asks for.
        retry_after: Seconds that the provider asks us to wait.

    Returns:
        The error, to be raised by the caller.
    """
    said = [str(word) for word in words if word not in (None, "")]
    if status is None:
        status = next(
            (int(word) for word in said if word.isdecimal() and _CLIENT_ERROR <= int(word) < _NO_STATUS), None
        )
    kind = next((_BY_WORD[w.lower()] for w in said if w.lower() in _BY_WORD), None) or _BY_STATUS.get(
        status or 0, ProviderError
    )
    return kind(
        message,
        status=status,
        code=said[0] if said else None,
        request_id=request_id,
        retry_after=retry_after,
        retryable=True if any(w.lower() in _TRANSIENT_WORDS for w in said) else None,
    )
