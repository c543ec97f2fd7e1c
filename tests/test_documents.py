"""The Python in README and docs is run as it stands, on the embedded model."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rxllm import items, operators
from rxllm.testing import play

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


def drawn(block: str) -> Iterator[tuple[dict[str, str], str, str]]:
    """Read pictures: the sources by name, then what pipes make of `source`."""
    for picture in block.strip().split("\n\n"):
        sources: dict[str, str] = {}
        for line in picture.splitlines():
            name, diagram = re.split(r"\s{2,}", line, maxsplit=1)
            if name.isidentifier():
                sources[name] = diagram
            else:
                yield dict(sources), name, diagram


@pytest.mark.parametrize("block", BLOCKS)
async def test_a_block_of_python_runs_as_it_stands(block, real_model):
    await asyncio.to_thread(exec, compile(block, "<document>", "exec"), {"__name__": "__main__"})


DIAGRAMS = [
    pytest.param(sources, pipe, result, id=pipe)
    for block in re.findall(
        r"^```text\n(.*?)^```$", (ROOT / "docs" / "operators.md").read_text(), re.DOTALL | re.MULTILINE
    )
    for sources, pipe, result in drawn(block)
]


@pytest.mark.parametrize(("sources", "pipe", "result"), DIAGRAMS)
def test_a_diagram_shows_what_happens(sources, pipe, result):
    def piped(*observables):
        named = dict(zip(sources, observables, strict=True))
        operator = eval(pipe, {**vars(items), **vars(operators), **named})  # noqa: S307 - our own document
        return named["source"].pipe(operator)

    assert play(piped, *sources.values(), F=False, T=True) == result


def test_every_operator_is_in_the_document_and_all_but_a_few_are_drawn():
    page = (ROOT / "docs" / "operators.md").read_text()
    functions = {name for name in operators.__all__ if name.islower()}
    assert {name for name in functions if f"| `{name}(" not in page} == set()
    drawn_ones = {parameter.values[1].partition("(")[0] for parameter in DIAGRAMS}
    seen_by_what_is_read_of_them = {"aggregate", "final", "turns", "json_values", "partial", "measure", "tag"}
    assert functions - drawn_ones == {*seen_by_what_is_read_of_them, "merge_tagged"}


def test_every_link_of_a_document_leads_somewhere():
    pages = [*PAGES, ROOT / "CONTRIBUTING.md"]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())]
    assert links
    assert [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()] == []
