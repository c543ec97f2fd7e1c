"""Imports go down only; this is the table of the house, and it fails on a breach."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent / "rxllm"
ROOMS = (  # noqa: SIM905 - read as one line of text; each may import itself and those before it
    "errors items turn_items kinds messages completion marbles wire transport guard observable mailbox operators "
    "hub limits holders origin reader through passage stream loop pump map_async bridge senders askable attempts "
    "providers local model threads tools agent pipelines runtime testing cli"
).split()
ONLY = {
    "transport": {"errors"},
    "operators": {"errors", "items", "turn_items", "kinds", "completion", "mailbox", "observable"},
}
FORBIDDEN = {"wire": {"asyncio", "aiohttp", "reactivex"}, "operators": {"asyncio", "aiohttp"}}
WITH_ASYNCIO = {
    *(
        "transport",
        "reader",
        "loop",
        "pump",
        "map_async",
        "bridge",
        "senders",
        "local",
        "threads",
        "tools",
        "pipelines",
        "cli",
    ),
}
ABOVE_ALL = {"__init__", "__main__"}  # the public names; the command


class Import(NamedTuple):
    """What a line imports, and within which function."""

    name: str
    line: int
    function: str | None


def imports(tree: ast.AST, function: str | None = None) -> Iterator[Import]:
    """Everything that is imported when the module runs; what only the type checker reads is not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from (found for other in node.orelse for found in imports(other, function))
        elif isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, function) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            if node.module == "rxllm":
                yield from (Import(f"rxllm.{alias.name}", node.lineno, function) for alias in node.names)
            else:
                yield Import(node.module or "", node.lineno, function)
        else:
            name = node.name if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else function
            yield from imports(node, name)


def breaches(source: str, room: str) -> list[str]:
    """What a module of this room imports and must not."""
    found: list[str] = []
    for name, line, function in imports(ast.parse(source)):
        top, _, rest = name.partition(".")
        if top == "rxllm":
            other = rest.partition(".")[0]
            if room in (other, "__init__") or (room, other) in {("__main__", "cli"), ("items", "turn_items")}:
                continue
            if other not in ROOMS:
                found.append(f"{line}: {name} is in no room")
            elif other in {"testing", "cli"}:
                found.append(f"{line}: nothing imports {other}")
            elif room not in ABOVE_ALL and ROOMS.index(other) > ROOMS.index(room):
                found.append(f"{line}: {room} imports {other}, which is above it")
            elif room in ONLY and other not in ONLY[room]:
                found.append(f"{line}: {room} imports {other}")
        elif top in FORBIDDEN.get(room, ()):
            found.append(f"{line}: {room} imports {top}")
        elif top == "asyncio" and room not in WITH_ASYNCIO and (room, function) != ("stream", "__await__"):
            found.append(f"{line}: {room} imports asyncio")
    return found


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


MODULES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path):
    assert breaches(path.read_text(encoding="utf-8"), room_of(path)) == []


def test_every_module_has_its_room():
    assert {room_of(path) for path in MODULES} <= {*ROOMS, *ABOVE_ALL}


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("errors", "from rxllm.items import Ping"),
        ("wire", "import asyncio"),
        ("wire", "from reactivex import Observable"),
        ("wire", "def feed():\n    import aiohttp.client"),
        ("operators", "from asyncio import sleep"),
        ("operators", "from rxllm.stream import CompletionStream"),
        ("operators", "from rxllm.messages import Message"),
        ("transport", "from rxllm.items import Ping"),
        ("stream", "import asyncio"),
        ("stream", "def start():\n    import asyncio"),
        ("hub", "from rxllm import stream"),
        ("model", "from rxllm.testing import play"),
        ("model", "from rxllm.nowhere import x"),
        ("__main__", "from rxllm import testing"),
        ("messages", "try:\n    import asyncio\nexcept ImportError:\n    pass"),
    ],
)
def test_a_planted_breach_is_found(room, source):
    assert breaches(source, room)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("errors", "if TYPE_CHECKING:\n    from rxllm.completion import Completion"),
        ("stream", "def __await__(self):\n    import asyncio"),
        ("operators", '"""\n>>> from rxllm.testing import play\n"""'),
        ("operators", "from rxllm.operators.text import text"),
        ("__main__", "from rxllm.cli import main"),
    ],
)
def test_what_is_allowed_is_no_breach(room, source):
    assert breaches(source, room) == []
