"""The errors that providers send under HTTP 200, in the form that most formats share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from rxllm.errors import provider_error

if TYPE_CHECKING:
    from rxllm.errors import ProviderError

__all__ = ["error_in", "fault_of"]

Json: TypeAlias = "dict[str, Any]"
_WORD: Final = 100


def error_in(value: Any) -> Any:
    """Find the error in a JSON document, as compatible servers send them.

    >>> error_in({"error": {"message": "no"}}), error_in({"object": "error", "message": "no"}), error_in({"id": 1})
    ({'message': 'no'}, {'object': 'error', 'message': 'no'}, None)

    Args:
        value: The document.

    Returns:
        The error's object or text, or None.
    """
    if isinstance(value, list) and len(cast("list[Any]", value)) == 1:
        value = cast("list[Any]", value)[0]
    if not isinstance(value, dict):
        return None
    fields = cast("Json", value)
    if fields.get("object") == "error" or fields.get("type") == "error" or "error_code" in fields:
        return fields.get("error") or fields
    return fields.get("error") or None


def fault_of(error: Any) -> ProviderError:
    """Make an exception of a provider's error.

    Args:
        error: Its object, or its text.

    Returns:
        The exception.
    """
    if not isinstance(error, dict):
        return provider_error(error if isinstance(error, str) else f"The provider reported an error: {error!s:.200}")
    fields = cast("Json", error)
    message = next(
        (m for m in (fields.get("message"), fields.get("detail"), fields.get("text")) if isinstance(m, str) and m), None
    )
    given = [fields.get(name) for name in ("code", "type", "status", "status_code", "error_code")]
    words = [w for w in given if isinstance(w, (str, int)) and w != "error" and len(str(w)) <= _WORD]
    return provider_error(message or f"The provider reported an error without a message: {fields!s:.200}", words=words)
