"""The numbers that a command takes: click's ranges, in words for people, and without those that are none."""

from __future__ import annotations

import math
from typing import Any

import click

__all__ = ["Count", "Number"]


class Count(click.IntRange):
    """A whole number in a range."""

    name = "whole number"


class Number(click.FloatRange):
    """A number in a range, which `nan` and `inf` are not."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read what was typed."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number.", param, ctx)
        return number
