"""JSON read into the objects that it stands for, where that costs no more: `ShapedScanner`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rxllm.operators._json_leap import begins_next, whole_members
from rxllm.operators._json_scan import COMMA_OR_END, Container, JsonScanner
from rxllm.operators._partial_model import ModelOf
from rxllm.operators._partial_shape import Raw, Shape

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ShapedScanner"]


class ShapedScanner(JsonScanner):
    """A scanner that makes instances of a list's members, where it reads them whole and they need not be made again.

    >>> from pydantic import BaseModel
    >>> from rxllm.operators._partial_annotation import shape_of
    >>> class Row(BaseModel):
    ...     id: int
    >>> shape = shape_of(list[Row])
    >>> shape.be_alike()
    >>> scanner = ShapedScanner(shape)
    >>> scanner.feed('[{"id": 1}')
    >>> scanner.leap_members(', {"id": 2}'), scanner.snapshot()
    (True, [{'id': 1}, Row(id=2)])

    Args:
        shape: Of the whole.
        openers: As for `JsonScanner`.
    """

    def __init__(self, shape: Shape, openers: str = "") -> None:
        super().__init__(openers)
        self._shape = shape
        self._innermost: Container | None = None  # the list of whose members it is known how they are made
        self._parse: Callable[[str], list[Any]] | None = None  # what makes instances of those that are whole
        self._read_open: Callable[[str], Any] | None = None  # and of one that is open

    def read_members(self, text: str, deepest: int) -> list[Any] | None:
        if self._innermost is not self.stack[-1]:
            self._see_innermost()
        parse = self._parse
        if parse is None or "NaN" in text or "Infinity" in text:  # which pydantic takes for numbers
            return whole_members(text, deepest)
        try:
            return whole_members(text, deepest, parse)
        except Exception:  # noqa: BLE001 - it does not fit, or a user's class raised: told by who validates plain values
            return whole_members(text, deepest)

    def begun_members(self, text: str) -> list[Any] | None:
        if self.stack and self._innermost is not self.stack[-1]:
            self._see_innermost()
        read = self._read_open
        if read is not None and self._expected == COMMA_OR_END and begins_next(text):
            try:
                return [read(text[1:])]
            except ValidationError:  # or it cannot be shown yet
                pass
        return super().begun_members(text)

    def _see_innermost(self) -> None:
        self._innermost = self.stack[-1]
        member = self._member()
        self._parse = self._read_open = None
        if member is not None:
            self._parse, self._read_open = member.parse, member.read_open

    def _member(self) -> ModelOf | None:
        """Give the shape of the innermost list's members, if that is a model, and all may be made of instances."""
        shape = self._shape
        if not shape.is_alike:
            return None
        for raw, key in zip(self.stack, [*self.keys[1:], ""], strict=True):
            if type(shape) is Raw or shape.is_lenient or shape.opens is not type(raw):
                return None
            shape = shape.member(key)
        return shape if isinstance(shape, ModelOf) and not shape.is_lenient else None
