"""`json_values`: what stands at a path in JSON, while it is being written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxllm.operators._json_documents import Origin, check_tool, documents
from rxllm.operators._json_path import EACH, Path, Place, every, parse_path, path_text
from rxllm.operators._json_repair import check_repair, repaired
from rxllm.operators._json_track import PathScanner
from rxllm.operators._numbers import check_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from rxllm.observable import Operator

__all__ = ["JsonValue", "json_values"]


class JsonValue:
    """A light handle on a value in JSON that is being written: nothing is built until `value` is read.

    It is one and the same handle as its value grows, so read `value` in `on_next`; read later, it tells what there is
    by then. A value once read never changes: it is a snapshot. Snapshots share the parts that had closed, so copy
    before you change one.

    Args:
        place: Where the value stands, e.g. `("items", 3)`.
        origin: Which document it stands in.
        read: Builds the value while it is open.
    """

    __slots__ = ("_read", "_value", "attempt", "call", "closed", "place")

    def __init__(self, place: Place, origin: Origin, read: Callable[[], Any]) -> None:
        self.place = place
        """Where it stands, e.g. `("items", 3)`."""
        self.call = origin.call
        """The number of the tool call whose arguments it stands in; None in text."""
        self.attempt = origin.attempt
        """How many rollbacks were before it: what an earlier attempt gave is void."""
        self.closed = False
        """Whether the value is whole."""
        self._read = read
        self._value: Any = None

    @property
    def path(self) -> str:
        """Where it stands, e.g. `$.items[3]`."""
        return path_text(self.place)

    @property
    def value(self) -> Any:
        """What there is."""
        return self._value if self.closed else self._read()

    def close(self, value: Any) -> None:
        """Take the whole value; only the operator that made the handle calls it."""
        self._value = value
        self.closed = True

    def __repr__(self) -> str:
        return f"JsonValue({self.path}, {'closed' if self.closed else 'open'})"


def json_values(path: str, *, tool: str | None = None, choice: int = 0, repair: bool = False) -> Operator:
    """Give what stands at a path in the answer's JSON, while it is being written.

    With `[*]` in the path: each value as soon as it closes. Without: the one value with each delta that it grows by,
    the last time `closed`. Unlike `json.loads` on the text so far it looks at each character once, whatever the length.

    In text, the document begins at the first `{` (or `[`, where the path begins with an index), so that prose and a
    ```` ```json ```` fence before it do no harm, and what follows its end is not read. A number closes by the character
    behind it, half a surrogate pair becomes U+FFFD, of two members with one key the later one stands. A new turn begins
    a new document; where an agent asks again, what was wrong with the last one is no error. A cancelled stream may end
    within one.

    >>> from reactivex import operators as rx
    >>> from rxllm.testing import play
    >>> rows = lambda source: source.pipe(json_values("$.rows[*]"), rx.map(lambda row: (row.path, row.value)))
    >>> play(rows, '''-'{"rows": [1'-', {}'-']}'|''')
    "---({('$.rows[0]', 1)}{('$.rows[1]', {})})--|"
    >>> play(lambda s: s.pipe(json_values("$.title"), rx.map(lambda it: it.value)), '''-'{"title": "The'-' sea"'--|''')
    "-'The'-'The sea'--|"

    Args:
        path: `$`, then any of `.name`, `['any name']`, `[3]` and `[*]`.
        tool: Look into the arguments of this tool's calls, not into the text.
        choice: Which of several answers.
        repair: Mend a document that is broken or cut off, once, at its end, by the library json-repair: what was not
            yet given comes then. Without it, broken JSON is a `DecodeError` in `on_error`, with the place.

    Returns:
        An operator from stream items to `JsonValue`s; it stands last, like `text`.

    Raises:
        ConfigurationError: The path cannot be read, or json-repair is wanted and not there.
    """
    check_tool("json_values(tool=)", tool)
    check_count("json_values(choice=)", choice, least=0)
    steps = parse_path(path)
    check_repair(repair=repair)
    openers = "" if tool is not None else "{[" if not steps else "{" if isinstance(steps[0], str) else "["

    def begin(origin: Origin, emit: Callable[[object], None]) -> _Looking:
        return _Looking(steps, openers, origin, emit, repair=repair)

    return documents(begin, tool, choice)


class _Looking:
    """Reads one document and gives what stands at the path."""

    def __init__(
        self, path: Path, openers: str, origin: Origin, emit: Callable[[object], None], *, repair: bool
    ) -> None:
        self._path = path
        self._openers = openers
        self._origin = origin
        self._emit = emit
        self._text: list[str] | None = [] if repair else None
        self._scanner = PathScanner(path, openers)
        self._grows = EACH not in path
        self._growing: JsonValue | None = None
        self._given = 0

    @property
    def begun(self) -> bool:
        return self._scanner.begun

    def feed(self, piece: str) -> Exception | None:
        scanner = self._scanner
        if self._text is not None:
            self._text.append(piece)
        scanner.take(piece)
        if scanner.hits:
            hits, scanner.hits = scanner.hits, []
            for place, value in hits:
                self._close(place, value)
        if scanner.fault is not None:
            return scanner.fault if self._text is None else None
        if self._grows and scanner.is_open():
            if self._growing is None:
                self._growing = self._handle(scanner.open_hit())
            self._emit(self._growing)
        return None

    def end(self, *, was_cut: bool) -> Exception | None:
        scanner = self._scanner
        scanner.unread.catch_up()
        if scanner.closed:
            return None
        if self._text is not None:
            value = repaired("".join(self._text), self._openers)
            if value is not None:
                for place, found in list(every(value, self._path))[self._given :]:
                    self._close(place, found)
                return None
        if not was_cut:
            scanner.end()
            for place, value in scanner.hits:
                self._close(place, value)
        return scanner.fault

    def _handle(self, place: Place) -> JsonValue:
        scanner, depth = self._scanner, len(self._path)
        return JsonValue(place, self._origin, lambda: scanner.unread.snapshot(depth))

    def _close(self, place: Place, value: Any) -> None:
        handle = self._growing or self._handle(place)
        self._growing = None
        self._given += 1
        handle.close(value)
        self._emit(handle)
