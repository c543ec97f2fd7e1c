"""Formats by name."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import rxllm.wire
from rxllm.errors import ConfigurationError
from rxllm.wire import FORMATS, find_wire


def test_every_module_with_both_halves_is_listed():
    modules = [m.name for m in pkgutil.iter_modules(rxllm.wire.__path__)]
    found = {name: importlib.import_module(f"rxllm.wire.{name}") for name in modules}
    assert sorted(FORMATS) == sorted(
        name for name, module in found.items() if {"PATH", "path"} & vars(module).keys() and hasattr(module, "Decoder")
    )
    assert all(hasattr(found[name], "encode") for name in FORMATS)


def test_an_unknown_wire_is_told_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"Unknown wire 'sse'\. Available: .*chat_completions"):
        find_wire("sse")
