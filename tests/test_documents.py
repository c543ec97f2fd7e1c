"""The Python in README and docs is run as it stands, on the embedded model."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rxllm import Agent, Completion, Pipeline, Runtime, Tool, items, operators, senders, testing, turn_items
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
async def test_a_block_of_python_runs_as_it_stands(block, real_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write a file
    program = compile(block, "<document>", "exec", dont_inherit=True)  # not with our own `from __future__`
    await asyncio.to_thread(exec, program, {"__name__": "__main__"})


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


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def words(text: str) -> set[str]:
    """The names in the code of a page, in backticks or in blocks."""
    return {name for code in re.findall(r"`+[^`]+`+", text) for name in re.findall(r"\w+", code)}


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if name[0] != "_" and name not in ("as_stage", "origin", "aclose")}


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ("streams.md", {name for name in items.__all__ if name[0].isupper() and name not in ("Delta", "StreamItem")}),
        ("streams.md", {*turn_items.__all__, *public(Completion) - {"plus"}}),
        ("agents.md", set(turn_items.__all__) - {"StageStarted", "StageCompleted"}),
        ("senders.md", set(senders.__all__)),
        ("testing.md", set(testing.__all__)),
        ("pipelines.md", public(Pipeline) - {"watchers"} | {"watch", "runs", "stop", "stop_all"}),
    ],
)
def test_every_public_name_is_in_its_document(document, names):
    assert names - words(page(document)) == set()


@pytest.mark.parametrize(
    ("document", "function"),
    [
        ("agents.md", Agent),
        ("agents.md", Tool),
        *[("pipelines.md", function) for function in (Pipeline.prompt, Pipeline.stream, Pipeline.call_many)],
        ("pipelines.md", Runtime.watch),
        *[("senders.md", getattr(senders, name)) for name in senders.__all__],
        *[("testing.md", getattr(testing, name)) for name in testing.__all__],
    ],
    ids=lambda given: getattr(given, "__qualname__", None),
)
def test_every_option_is_in_its_document(document, function):
    parameters = set(inspect.signature(function).parameters) - {"self", "given", "function", "values"}
    assert parameters - words(page(document)) == set()


def test_every_link_of_a_document_leads_somewhere():
    pages = [*PAGES, ROOT / "CONTRIBUTING.md"]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())]
    assert links
    assert [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()] == []
