"""What a new operator or provider must not forget, and that every public name is there."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import rxllm
from rxllm import operators
from rxllm.providers import PROVIDERS

ROOT = Path(rxllm.__file__).parent
TESTS = Path(__file__).parent


def modules(room: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / room).glob("*.py") if not path.stem.startswith("_"))


@pytest.mark.parametrize("name", modules("operators"))
def test_every_operator_is_exported_by_its_files_name(name):
    assert name in operators.__all__
    assert getattr(operators, name) is getattr(importlib.import_module(f"rxllm.operators.{name}"), name)


@pytest.mark.parametrize("name", modules("operators"))
def test_every_operator_has_its_test_file(name):
    assert (TESTS / "operators" / f"test_{name}.py").is_file()


def test_nothing_else_is_exported_as_an_operator():
    assert [name for name in operators.__all__ if name.islower()] == modules("operators")


@pytest.mark.parametrize("name", sorted(set(modules("providers")) - {"provider"}))
def test_every_provider_is_registered(name):
    provider = importlib.import_module(f"rxllm.providers.{name}").PROVIDER
    assert PROVIDERS[provider.name] is provider


def test_no_two_providers_share_a_name():
    assert len(PROVIDERS) == len(modules("providers")) - 1


def test_every_public_name_is_there():
    assert [name for name in rxllm.__all__ if not hasattr(rxllm, name)] == []


def test_a_type_checker_sees_the_same_names_in_the_same_rooms():
    tree = ast.parse(Path(rxllm.__file__).read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module != "typing"]
    told = {alias.name: node.module for node in imports for alias in node.names if node.module.startswith("rxllm")}
    assert sorted(told) == sorted(rxllm.__all__)
    found = {name: getattr(importlib.import_module(room), name) for name, room in told.items()}
    assert [name for name, value in found.items() if getattr(rxllm, name) is not value] == []


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'rxllm' has no attribute 'Modle'"):
        _ = rxllm.Modle


def test_importing_rxllm_waits_for_no_room_until_a_name_of_it_is_asked_for():
    looked = """
import sys, rxllm
assert not [name for name in sys.modules if name.startswith("rxllm.")]
assert "aiohttp" not in sys.modules and "reactivex" not in sys.modules
assert rxllm.TextDelta("a").text == "a" and rxllm.items.TextDelta is rxllm.TextDelta
assert sorted(name for name in sys.modules if name.startswith("rxllm.")) == ["rxllm.items"]
assert set(rxllm.__all__) <= set(dir(rxllm))
"""
    subprocess.run([sys.executable, "-c", looked], check=True, cwd=ROOT.parent)  # noqa: S603 - our own words


def test_it_logs_nothing_until_it_is_told_to():
    logged = """
import sys, rxllm
from loguru import logger
said = []
logger.remove()
logger.add(said.append, format="{message}")
def log(): exec(compile("logger.warning('heard')", "x", "exec"), {"__name__": "rxllm.hub", "logger": logger})
log()
assert said == []
logger.enable("rxllm")
assert rxllm.Model
log()
assert said == ["heard\\n"], said
"""
    subprocess.run([sys.executable, "-c", logged], check=True, cwd=ROOT.parent)  # noqa: S603 - our own words


def test_the_public_names_are_sorted_and_told_once():
    assert len(set(rxllm.__all__)) == len(rxllm.__all__)
    assert sorted(rxllm.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)) == rxllm.__all__


@pytest.mark.parametrize("room", ["errors", "items"])
def test_everything_that_flows_and_everything_that_is_raised_is_public(room):
    module = importlib.import_module(f"rxllm.{room}")
    classes = {name for name in module.__all__ if isinstance(getattr(module, name), type)}
    assert classes <= set(rxllm.__all__)


def test_every_public_name_says_what_it_is():
    named = [getattr(rxllm, name) for name in rxllm.__all__ if name != "PROVIDERS"]
    assert [value for value in named if not value.__doc__] == []
