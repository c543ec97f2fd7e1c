"""JSON read into the objects that it stands for, where that costs no more: `ShapedScanner`."""

from __future__ import annotations

from typing import Any

from rxllm.operators._json_leap import whole_members
from rxllm.operators._json_scan import Container, JsonScanner
from rxllm.operators._partial_model import ModelOf
from rxllm.operators._partial_shape import Raw, Shape

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
        self._innermost: Container | None = None  # the list whose members' shape is known
        self._member: Shape | None = None  # this, if instances are made of it

    def read_members(self, text: str, deepest: int) -> list[Any] | None:
        if self._innermost is not self.stack[-1]:
            self._innermost = self.stack[-1]
            self._member = self._member_shape()
        member = self._member
        if member is None or "NaN" in text or "Infinity" in text:  # which pydantic takes for numbers
            return whole_members(text, deepest)
        try:
            return whole_members(text, deepest, member.parsed)
        except Exception:  # noqa: BLE001 - it does not fit, or a user's class raised: told by who validates plain values
            return whole_members(text, deepest)

    def _member_shape(self) -> Shape | None:
        """Give the shape of the innermost list's members, if that is a model, and all may be made of instances."""
        shape = self._shape
        if not shape.is_alike:
            return None
        for raw, key in zip(self.stack, [*self.keys[1:], ""], strict=True):
            if type(shape) is Raw or shape.is_lenient or shape.opens is not type(raw):
                return None
            shape = shape.member(key)
        return shape if isinstance(shape, ModelOf) and not shape.is_lenient else None
