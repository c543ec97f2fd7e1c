"""`partial`: an object while it is being written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic_core import SchemaError

from rxllm.errors import ConfigurationError
from rxllm.operators._json_documents import Origin, check_tool, documents
from rxllm.operators._json_repair import check_repair, repaired
from rxllm.operators._json_unread import MOST_UNREAD, Unread
from rxllm.operators._numbers import check_count
from rxllm.operators._partial_alike import is_alike
from rxllm.operators._partial_annotation import shape_of
from rxllm.operators._partial_growth import Growing
from rxllm.operators._partial_misfit import misfit
from rxllm.operators._partial_scan import ShapedScanner
from rxllm.operators._partial_shape import Raw, Shape
from rxllm.operators.json_values import JsonValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from rxllm.observable import Operator

__all__ = ["partial"]

_OPENERS: Final[dict[type, str]] = {dict: "{", list: "[", object: "{["}


def partial(of: Any = dict, *, tool: str | None = None, choice: int = 0, repair: bool = False) -> Operator:
    """Give the object that the answer's JSON is, with each delta of it, while it is being written.

    The whole of what `json_values("$")` gives, and validated: only what is complete while it grows, so that no
    validator sees half a value, and the whole at its end. A field that is not there yet has its default, else None, and
    `model_fields_set` knows the difference; a text that is open shows as far as it goes, a number or a date when it is
    complete. Validators of the class itself run on the whole only; what one of them gets before pydantic does, and may
    mend, fails there and not sooner. Unlike the field's helpers it never reads the text again from its beginning. Where
    nobody reads `value`, hardly anything is done; but where nothing in `of` is a union, a Decimal or has a validator of
    its own, a list's members that are models are mostly made as they close, and the whole keeps them.

    Where a document begins and ends: see `json_values`.

    >>> from pydantic import BaseModel
    >>> from reactivex import operators as rx
    >>> from rxllm.testing import play
    >>> class Book(BaseModel):
    ...     title: str
    ...     pages: int
    >>> books = lambda source: source.pipe(partial(Book), rx.map(lambda it: (it.value.title, it.value.pages)))
    >>> play(books, '''-'{"title": "The'-' sea", "pages": 1'-'2}'|''')
    "-{('The', None)}-{('The sea', None)}-{('The sea', 12)}|"

    Args:
        of: A pydantic model, `list[…]` of one, or `dict` for plain values, not validated.
        tool: Read the arguments of this tool's calls, not the text.
        choice: Which of several answers.
        repair: Mend a document that is broken or cut off, once, at its end, by the library json-repair.

    Returns:
        An operator from stream items to `JsonValue`s; it stands last, like `text`. The last one of a document is
        `closed`. JSON that is broken or does not fit is a `DecodeError` in `on_error`, with the place.

    Raises:
        ConfigurationError: `of` is nothing that JSON can become, or json-repair is wanted and not there.
    """
    check_tool("partial(tool=)", tool)
    check_count("partial(choice=)", choice, least=0)
    check_repair(repair=repair)
    shape = shape_of(of)
    openers = _OPENERS.get(shape.opens)
    if openers is None:
        raise ConfigurationError(f"partial(of) takes a pydantic model, list[…] of one, or dict; not {of!r}.")
    try:
        _ = shape.adapter.validator.validate_json  # it is built when it is wanted
        if is_alike(shape.adapter.core_schema):
            shape.be_alike()
    except (PydanticUserError, PydanticUndefinedAnnotation, SchemaError) as error:
        raise ConfigurationError(f"partial(of={of!r}) cannot be validated: {error}") from error
    if tool is not None:
        openers = ""

    def begin(origin: Origin, emit: Callable[[object], None]) -> _Growth:
        return _Growth(shape, openers, origin, emit, repair=repair)

    return documents(begin, tool, choice)


class _Growth:
    """Reads one document and gives its handle with each piece."""

    def __init__(
        self, shape: Shape, openers: str, origin: Origin, emit: Callable[[object], None], *, repair: bool
    ) -> None:
        self._shape = shape
        self._openers = openers
        self._emit = emit
        self._text: list[str] | None = [] if repair else None
        self._scanner = ShapedScanner(shape, openers)
        self._unread = Unread(self._scanner)
        self._pieces = self._unread.pieces
        self._growing = Growing(shape, self._scanner, self._unread, self._stumble)
        self._handle = JsonValue((), origin, self._snapshot if type(shape) is Raw else self._growing.value)
        self._is_smooth = False  # whether the document is open, without a fault, and not kept for repair

    @property
    def begun(self) -> bool:
        return self._scanner.begun

    def feed(self, piece: str) -> Exception | None:
        self._pieces.append(piece)
        if not self._is_smooth:
            self._unread.weigh(piece)
        elif ("}" not in piece and "]" not in piece and len(self._pieces) < MOST_UNREAD) or self._unread.weigh(piece):
            self._emit(self._handle)
            return None if self._is_smooth else self._fault()  # whoever read the value may have found one
        return self._look(piece)

    def _look(self, piece: str) -> Exception | None:
        """See what a piece has changed."""
        if self._text is not None:
            self._text.append(piece)
        scanner = self._scanner
        if scanner.stack:
            self._is_smooth = scanner.fault is None and self._growing.fault is None and self._text is None
            if scanner.fault is None:
                self._emit(self._handle)
        else:
            self._is_smooth = False
            if scanner.closed and not self._handle.closed:
                return self._close(scanner.root) or self._fault()
        return None if self._is_smooth else self._fault()

    def _fault(self) -> Exception | None:
        """Tell why it cannot go on."""
        return (self._scanner.fault if self._text is None else None) or self._growing.fault

    def _snapshot(self) -> Any:
        """Show plain values."""
        value = self._unread.snapshot()
        if self._scanner.fault is not None:
            self._stumble()
        return value

    def _stumble(self) -> None:
        """Note a fault that was found by looking."""
        self._is_smooth = False

    def end(self, *, was_cut: bool) -> Exception | None:
        scanner = self._scanner
        self._unread.catch_up()
        if self._handle.closed:
            return None
        if self._text is not None:
            value = repaired("".join(self._text), self._openers)
            if value is not None:
                return self._close(value)
        if not was_cut:
            scanner.end()
        return self._close(scanner.root) if scanner.closed else scanner.fault

    def _close(self, value: Any) -> Exception | None:
        try:
            whole = self._shape.whole(value)
        except Exception as error:  # noqa: BLE001 - a user's validator may raise anything
            return misfit(error, ())
        self._handle.close(whole)
        self._emit(self._handle)
        return None
