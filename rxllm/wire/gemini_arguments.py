"""A call's arguments that come as pairs of a JSON path and a value, written as the text of one JSON object."""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeAlias, cast

__all__ = ["Arguments"]

Path: TypeAlias = tuple["str | int", ...]

_SEGMENT: Final = re.compile(
    r"\.([^.\[\]]+)|\[(\d{1,7})\]|\['((?:[^'\\]|\\.)*)'\]|\[\"((?:[^\"\\]|\\.)*)\"\]",
    re.DOTALL,
)
_SINGLE_QUOTED: Final = re.compile(r'\\(.)|"', re.DOTALL)
_DEEPEST: Final = 100
_LONGEST_GAP: Final = 1000


class Arguments:
    """The arguments so far.

    Values that come in the order of a document are written at once. One that comes back to an object already left, or
    leaves out an element of a list, cannot be: from then on nothing is written, and `whole` tells all at the end.

    >>> arguments = Arguments()
    >>> [arguments.take("$.a[0]", "x", more=True), arguments.take("$.a[0]", "y"), arguments.take("$.b", 1)]
    ['{"a":["x', 'y"', '],"b":1']
    >>> arguments.close()
    '}'
    >>> arguments.whole()
    ({'a': ['xy'], 'b': 1}, '{"a":["xy"],"b":1}')
    """

    def __init__(self) -> None:
        self._leaves: dict[Path, Any] = {}
        self._written: list[str] = []
        self._seen: set[Path] = set()
        self._place = ""  # the path of the last value, as it came
        self._last: Path = ()
        self._open = False  # whether the last value is a string that goes on
        self._in_order = True

    def __bool__(self) -> bool:
        return bool(self._leaves)

    def take(self, place: str, value: Any, *, more: bool = False) -> str:
        """Take a value.

        Args:
            place: Its JSON path, as in `$.a[0]`.
            value: A string, which may be the next piece of one, a number, a bool or None.
            more: Whether the string goes on.

        Returns:
            What it adds to the JSON text.

        Raises:
            ValueError: The path cannot be understood.
        """
        if self._open and place == self._place and isinstance(value, str):
            cast("list[str]", self._leaves[self._last]).append(value)
            self._open = more
            return self._write(_escaped(value) + ("" if more else '"'))
        path = self._last if self._last and place == self._place else _parsed(place)
        text = ('"' if self._open else "") + self._way(path)
        self._open = more and isinstance(value, str)
        self._place, self._last = place, path
        self._leaves[path] = [value] if isinstance(value, str) else value
        if isinstance(value, str):
            return self._write(f'{text}"{_escaped(value)}' + ("" if self._open else '"'))
        return self._write(text + json.dumps(value))

    def end_string(self, place: str) -> str | None:
        """Take the end of a string that goes on; None where there is none at this path."""
        return self.take(place, "") if self._open and place == self._place else None

    def close(self) -> str:
        """End what is open.

        Returns:
            What that adds to the JSON text.
        """
        text = '"' if self._open else ""
        self._open = False
        return self._write(text + self._left(0) if self._last else "{}")

    def whole(self) -> tuple[Any, str]:
        """Give the arguments and their JSON text."""
        root: dict[str, Any] = {}
        for path, value in self._leaves.items():
            _put(root, path, "".join(cast("list[str]", value)) if isinstance(value, list) else value)
        if self._in_order:
            return root, self.text
        return root, json.dumps(root, ensure_ascii=False, separators=(",", ":"))

    @property
    def text(self) -> str:
        """What was written."""
        return "".join(self._written)

    def _write(self, text: str) -> str:
        if not self._in_order:
            return ""
        self._written.append(text)
        return text

    def _left(self, depth: int) -> str:
        """Leave the objects and lists around the last value that are deeper than this."""
        return "".join(["]" if isinstance(step, int) else "}" for step in reversed(self._last[depth:])])

    def _way(self, path: Path) -> str:
        """Write what stands between the last value and the one at a path."""
        last = self._last
        common = next(
            (at for at, (a, b) in enumerate(zip(last, path, strict=False)) if a != b), min(len(last), len(path))
        )
        here, before = path[common : common + 1], last[common : common + 1]
        if (
            path[: common + 1] in self._seen
            or (last and (not here or not before or isinstance(here[0], int) != isinstance(before[0], int)))
            or (here and isinstance(here[0], int) and here != (cast("int", before[0]) + 1 if before else 0,))
            or any(isinstance(step, int) and step for step in path[common + 1 :])
        ):
            self._in_order = False
            return ""
        self._seen.update(path[: end + 1] for end in range(common, len(path)))
        text = self._left(common + 1) + "," if last else "{"
        for depth in range(common, len(path)):
            step = path[depth]
            if depth > common:
                text += "[" if isinstance(step, int) else "{"
            if isinstance(step, str):
                text += json.dumps(step, ensure_ascii=False) + ":"
        return text


def _parsed(place: str) -> Path:
    """Read a JSON path that leads to one value."""
    if not isinstance(place, str) or not place.startswith("$"):  # pyright: ignore[reportUnnecessaryIsInstance] - it is the wire's
        raise ValueError(f"{place!r:.60} is no JSON path")
    path: list[str | int] = []
    at = 1
    while at < len(place):
        match = _SEGMENT.match(place, at)
        if match is None or len(path) == _DEEPEST:
            raise ValueError(f"{place!r:.60} is no JSON path to one value")
        name, index, single, double = match.groups()
        if name is not None:
            path.append(name)
        elif index is not None:
            path.append(int(index))
        else:
            quoted = double if single is None else _SINGLE_QUOTED.sub(_requoted, single)
            path.append(str(json.loads(f'"{quoted}"', strict=False)))
        at = match.end()
    if not path or isinstance(path[0], int):
        raise ValueError(f"{place!r:.60} does not lead into an object")
    return tuple(path)


def _requoted(match: re.Match[str]) -> str:
    if match[0] == '"':
        return '\\"'
    return "'" if match[1] == "'" else match[0]


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _put(root: dict[str, Any], path: Path, value: Any) -> None:
    """Put a value at its place, and whatever must be around it."""
    node: Any = root
    for depth, step in enumerate(path):
        if isinstance(step, int):
            if step > len(node) + _LONGEST_GAP:
                raise ValueError(f"a list of arguments has a gap of more than {_LONGEST_GAP} elements")
            node.extend([None] * (step + 1 - len(node)))
        known: Any = node[step] if isinstance(step, int) else node.get(step)
        if depth == len(path) - 1:
            node[step] = value
            return
        inner: Any = [] if isinstance(path[depth + 1], int) else {}
        if {type(known), type(inner)} == {list, dict}:
            raise ValueError("something in the arguments is a list and an object at once")
        if type(known) is not type(inner):
            node[step] = known = inner
        node = known
