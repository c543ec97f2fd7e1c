"""Operators over stream items, one a file: `from rxllm import operators as ops`."""

from rxllm.operators.aggregate import aggregate
from rxllm.operators.final import final
from rxllm.operators.smooth import smooth
from rxllm.operators.text import text

__all__ = ["aggregate", "final", "smooth", "text"]
