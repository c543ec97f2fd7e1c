"""What a provider says when it refuses: an HTTP response that is not 2xx becomes a typed `ProviderError`.

Pure functions of status, headers and body, so that a recording is refused in the same words as the network.
"""

from __future__ import annotations

import html
import json
import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, cast
from urllib.parse import parse_qsl, urlsplit

from rxllm.errors import ProviderError, provider_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rxllm.transport.exchange import HttpRequest

__all__ = ["refusal", "secrets_of"]

_SNIPPET: Final = 300
_SHORTEST_SECRET: Final = 4  # masking "x", which local servers take for a key, would mask half the message
_SECRET_NAMES: Final = ("auth", "key", "token", "secret", "cookie", "password", "credential", "signature")
_REQUEST_IDS: Final = ("x-request-id", "request-id", "x-ms-request-id", "cf-ray")
_VAGUE: Final = frozenset({"invalid_request_error", "invalid_argument"})
_SECONDS: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")
_SYNONYMS: Final = {"api_key_invalid": "invalid_api_key"}  # Gemini, under a 400 that says INVALID_ARGUMENT


def secrets_of(request: HttpRequest) -> list[str]:
    """List what in a request must not be shown, also where the provider says it back to us.

    >>> from rxllm.transport.exchange import HttpRequest
    >>> secrets_of(HttpRequest("POST", "https://a.example/v1?key=k-123", {"Authorization": "Bearer sk-123"}))
    ['Bearer sk-123', 'sk-123', 'k-123']

    Args:
        request: What is sent; its headers and the query of its URL are searched.

    Returns:
        The values, those that contain others first.
    """
    found: list[str] = []
    for name, value in (*request.headers.items(), *parse_qsl(urlsplit(request.url).query)):
        if any(word in name.lower() for word in _SECRET_NAMES):
            found += [value.strip(), value.rpartition(" ")[2].strip()]
    unique = {value for value in found if len(value) >= _SHORTEST_SECRET}
    return sorted(unique, key=lambda value: (-len(value), value))


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    place: str,
    reason: str | None = None,
    secrets: Sequence[str] = (),
) -> ProviderError:
    """Make the typed error of a response that is not 2xx.

    Knows the JSON of OpenAI, Anthropic, Gemini, Ollama, FastAPI and their relatives; of anything else it shows the
    beginning, without tags.

    >>> error = refusal(429, {"Retry-After": "2"}, b'{"error": {"message": "Slow down"}}', place="api.example:443")
    >>> type(error).__name__, str(error), error.retry_after
    ('RateLimitError', 'Slow down', 2.0)

    Args:
        status: The HTTP status.
        headers: The response's headers.
        body: The response's body, or its beginning.
        place: Who answered, host and port.
        reason: The words beside the status.
        secrets: What to show as `***`.

    Returns:
        The error, to be raised by the caller.
    """

    def masked(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    known = {name.lower(): value for name, value in headers.items()}
    said = _said(body)
    if said.message:
        message = masked(said.message)
    else:
        message = _undescribed(f"{place} answered {status} {_phrase(status, reason)}", status, known, body, masked)
    # "invalid_request_error" is also what OpenAI calls a missing key (401): where the status says more, it decides.
    telling = said.words if status in {400, 404, 413, 422} else [w for w in said.words if w.lower() not in _VAGUE]
    error = provider_error(
        message,
        status=status,
        words=telling,
        request_id=next((known[name] for name in _REQUEST_IDS if name in known), said.request_id),
        retry_after=said.retry_after if (asked := _retry_after(known)) is None else asked,
    )
    error.code = masked(said.words[0]) if said.words else None
    return error


class _Said(NamedTuple):
    """What a body says, as far as it is known."""

    message: str = ""
    words: list[str] = []  # noqa: RUF012 - never changed
    request_id: str | None = None
    retry_after: float | None = None


def _said(body: bytes) -> _Said:
    try:
        root: object = json.loads(body)
    except (ValueError, RecursionError):
        return _Said()
    if isinstance(root, str):
        return _Said(root)
    outer = _fields(next(iter(_entries(root)), root))  # Gemini's stream without alt=sse is a list
    inner = _fields(outer.get("error"))
    said = (inner.get("message"), outer.get("error"), outer.get("message"))
    message = next((text for text in said if isinstance(text, str) and text), "")
    return _Said(
        message or _detail(outer.get("detail")),
        _words(inner, outer),
        _text(outer.get("request_id")),
        _retry_delay(_entries(inner.get("details"))),
    )


def _retry_delay(details: list[object]) -> float | None:
    """Find how many seconds Google asks us to wait, which stands in no header: `{"retryDelay": "2.5s"}`."""
    delays = (_SECONDS.fullmatch(str(_fields(detail).get("retryDelay"))) for detail in details)
    return next((float(delay[1]) for delay in delays if delay), None)


def _words(inner: dict[str, object], outer: dict[str, object]) -> list[str]:
    """List the codes and types, the most telling first, numbers last."""
    reasons = [str(_fields(detail).get("reason", "")) for detail in _entries(inner.get("details"))]
    whole = {} if inner else outer  # Anthropic's outer type is only "error"
    named = [each.get(name) for each in (inner, whole) for name in ("code", "status", "type", "error_type")]
    telling = [_SYNONYMS.get(reason.lower(), reason) for reason in reasons]
    words = [str(word) for word in (*telling, *named) if isinstance(word, (str, int)) and word not in {"", "error"}]
    return sorted(words, key=str.isdecimal)


def _detail(detail: object) -> str:
    """Read FastAPI's `detail`: a text, or a list of fields and what is wrong with each."""
    if isinstance(detail, str):
        return detail
    complaints = [
        ": ".join(filter(None, (".".join(str(step) for step in _entries(entry.get("loc"))), _text(entry.get("msg")))))
        for entry in map(_fields, _entries(detail))
    ]
    return "; ".join(complaints) or _text(_fields(detail).get("message")) or ""


def _fields(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _entries(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _phrase(status: int, reason: str | None) -> str:
    return reason or next((known.phrase for known in HTTPStatus if known == status), "(no reason given)")


def _undescribed(
    answered: str, status: int, headers: Mapping[str, str], body: bytes, masked: Callable[[str], str]
) -> str:
    """Describe a response whose body is no known error: a redirect, a proxy's page, a plain text, nothing."""
    if 300 <= status < 400 and "location" in headers:  # noqa: PLR2004 - the class of redirects
        to = re.split(r"[?#]", headers["location"], maxsplit=1)[0]
        to = re.sub(r"//[^/@]*@", "//", to)
        return masked(
            f"{answered} and sends us to {to}. No key is carried elsewhere: set base_url to where the API is."
        )
    text = body.decode("utf-8", "replace")
    if "<" in text:
        text = html.unescape(re.sub(r"(?is)<(script|style|head)\b.*?</\1\s*>|<[^>]*>", " ", text))
    text = masked(" ".join(text.split()))  # before it is cut: half a key is a key's half too much
    if not text:
        return f"{answered}, with nothing in its body. Is base_url right?"
    return f"{answered}: {text[:_SNIPPET]}{'…' if len(text) > _SNIPPET else ''}"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds the provider asks us to wait; what it says in a form that nobody knows is no wish."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError, IndexError):
        return None
    if date.tzinfo is None:  # "-0000": UTC without a place
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
