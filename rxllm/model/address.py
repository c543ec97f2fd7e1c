"""Where a request goes: `address`."""

from __future__ import annotations

__all__ = ["address"]


def address(base: str, path: str) -> str:
    """Put a path behind the place where an API begins, and the queries of both behind that.

    >>> address("https://HOST/openai/deployments/D/?api-version=1", "/chat/completions")
    'https://HOST/openai/deployments/D/chat/completions?api-version=1'

    Args:
        base: A URL; with a query where a gateway or the older Azure asks for one.
        path: What the format adds.

    Returns:
        The URL.
    """
    root, _, asked = base.partition("?")
    path, _, asking = path.partition("?")
    query = "&".join(part for part in (asking, asked) if part)
    return f"{root.rstrip('/')}{path}{'?' + query if query else ''}"
