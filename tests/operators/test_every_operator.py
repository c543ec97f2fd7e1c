"""Which operators are shown to keep which laws: none is left out."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from rxllm import operators

NAMES = [name for name in operators.__all__ if inspect.isfunction(getattr(operators, name))]
CUTTING = ["lines", "sentences", "paragraphs", "markdown_blocks", "code_blocks", "think_tags", "redact"]


def laws_of(name: str) -> set[str]:
    """What the classes in an operator's own test file inherit from."""
    tree = ast.parse((Path(__file__).parent / f"test_{name}.py").read_text(encoding="utf-8"))
    return {ast.unparse(base) for node in tree.body if isinstance(node, ast.ClassDef) for base in node.bases}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_shown_to_keep_the_laws_of_all_operators(name):
    assert "OperatorLaws" in laws_of(name)


@pytest.mark.parametrize("name", CUTTING)
def test_what_cuts_text_is_shown_to_keep_the_laws_of_cutting(name):
    assert "CuttingLaws" in laws_of(name)
