"""Where in a JSON document: the small part of JSONPath that can be told while the document is being read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from rxllm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EACH", "Path", "Place", "Step", "every", "parse_path", "path_text"]


class Each:
    """The step `[*]`."""

    def __repr__(self) -> str:
        return "[*]"


EACH: Final = Each()
Step: TypeAlias = str | int | Each
Path: TypeAlias = tuple[Step, ...]
"""What to look for."""
Place: TypeAlias = tuple[str | int, ...]
"""Where something was found."""

_PLAIN: Final = re.compile(r"[^\s.\[\]*'\"$]+")
_STEP: Final = re.compile(
    rf"""\.(?P<name>{_PLAIN.pattern}) | \[(?P<index>\d+)\] | (?P<each>\[\*\])
    | \[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]""",
    re.VERBOSE,
)


def parse_path(path: str) -> Path:
    """Read a path.

    >>> parse_path("$.a.b[0]['c d'][*]")
    ('a', 'b', 0, 'c d', [*])

    Args:
        path: `$`, then any of `.name`, `['any name']`, `[3]` and `[*]`.

    Returns:
        Its steps.

    Raises:
        ConfigurationError: It is none of these; the message tells the place.
    """
    if not isinstance(cast("object", path), str):
        raise ConfigurationError(f"json_values(path) takes a str, e.g. '$.items[*].title'; got {path!r}.")
    steps: list[Step] = []
    at = 1
    while path[:1] == "$" and at < len(path) and (found := _STEP.match(path, at)):
        index, key = found["index"], found["key"]
        steps.append(EACH if found["each"] else int(index) if index else cast("str", found["name"] or key))
        at = found.end()
    if path[:1] != "$" or at < len(path):
        where = "at the beginning" if path[:1] != "$" else f"at character {at}, {path[at:]!r}"
        raise ConfigurationError(
            f"The path {path!r} cannot be read {where}. Expected '$', then any of .name, ['any name'], [3] and [*], "
            "e.g. '$.items[*].title'; filters, slices and '..' are not known."
        )
    return tuple(steps)


def path_text(place: Path | Place) -> str:
    """Write a path.

    >>> path_text(("items", 3, "a b"))
    "$.items[3]['a b']"

    Args:
        place: The steps.

    Returns:
        What `parse_path` reads.
    """
    return "$" + "".join(
        ("." + step if _PLAIN.fullmatch(step) else f"[{step!r}]")
        if isinstance(step, str)
        else "[*]"
        if isinstance(step, Each)
        else f"[{step}]"
        for step in place
    )


def every(value: Any, path: Path, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Find all that a path tells in a whole document.

    >>> list(every({"a": [1, 2]}, parse_path("$.a[*]")))
    [(('a', 0), 1), (('a', 1), 2)]

    Args:
        value: The document, or the part of it at `place`.
        path: The steps from there.
        place: Where `value` stands.

    Yields:
        Each place with its value, in order.
    """
    if not path:
        yield place, value
        return
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        if isinstance(value, dict) and step in value:
            yield from every(cast("Any", value[step]), rest, (*place, step))
    elif isinstance(value, list):
        members = cast("list[Any]", value)
        chosen = range(len(members)) if isinstance(step, Each) else range(step, min(step + 1, len(members)))
        for index in chosen:
            yield from every(members[index], rest, (*place, index))
