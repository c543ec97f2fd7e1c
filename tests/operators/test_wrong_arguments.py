"""What an operator cannot work with is refused where it is written, by an error that names the operator."""

from __future__ import annotations

import inspect
import math
import re

import pytest

from rxllm import operators as ops
from rxllm.bridge import from_async_iterable, map_async, to_async_iterator
from rxllm.errors import ConfigurationError

NO_COUNT = ("5", 0, -1, 4.5, math.nan, None, True)
NO_CHOICE = ("b", -1, 0.5, None, False)
NO_SECONDS = ("2", 0, -1, math.nan, math.inf)
NO_ENCODER = ("cl100k_base", b"cl100k_base", 5)


def each(name: str, values: tuple[object, ...]) -> list[tuple[tuple[object, ...], dict[str, object]]]:
    return [((), {name: value}) for value in values]


WRONG = {
    "budget": [
        ((), {}),
        *each("tokens", tuple(value for value in NO_COUNT if value is not None)),
        *each("seconds", NO_SECONDS),
        *[((5,), {"encoder": encoder}) for encoder in NO_ENCODER],
    ],
    "cancel_on": [((None,), {}), (("stop",), {})],
    "choice": each("index", NO_CHOICE),
    "conflate": each("every", NO_SECONDS),
    "count_tokens": each("encoder", NO_ENCODER),
    "json_values": [
        *[((path,), {}) for path in ("a b", None, 5)],
        *[(("$.a",), {"choice": choice}) for choice in NO_CHOICE],
        (("$.a",), {"tool": 5}),
    ],
    "measure": [*each("stall", (*NO_SECONDS, None)), *each("encoder", NO_ENCODER)],
    "merge_tagged": [((), {}), ((), {"a": 1})],
    "of_type": [((), {}), (("TextDelta",), {}), ((int,), {})],
    "partial": [((5,), {}), *[((), {"choice": choice}) for choice in NO_CHOICE], ((), {"tool": 5})],
    "pausable": [((None,), {}), ((True,), {})],
    "reasoning": each("choice", NO_CHOICE),
    "redact": [
        ((5,), {}),
        ((["a"], 5), {}),
        *[(("a",), {"longest": longest}) for longest in NO_COUNT],
    ],
    "repetition_guard": [
        *each("times", (*NO_COUNT, 1)),
        *each("min_chars", NO_COUNT),
        *each("max_period", NO_COUNT),
    ],
    "sentences": each("longest", (*NO_COUNT, "x", 50.5, 19)),
    "smooth": each("window", (*NO_SECONDS, None)),
    "stop_at": [((), {}), (("",), {}), ((5,), {}), *[(("a",), {"choice": choice}) for choice in NO_CHOICE]],
    "tee": [((None,), {})],
    "text": each("choice", NO_CHOICE),
    "think_tags": each("tag", ("", "<think>", None, 5, b"think")),
    "timeouts": [((), {}), *each("first", NO_SECONDS), *each("progress", NO_SECONDS), *each("total", NO_SECONDS)],
    "typewriter": [*each("chunk", (b"a", re.compile(b"a"), "(", 5, None)), *each("max_lag", (*NO_SECONDS, None))],
}
TAKES_ANYTHING = {"tag"}


@pytest.mark.parametrize(
    ("name", "arguments", "settings"), [(name, *case) for name, cases in WRONG.items() for case in cases]
)
def test_it_is_refused_at_the_call(name, arguments, settings):
    said = "encoder=" if "encoder" in settings else f"{name}|The path"
    with pytest.raises(ConfigurationError, match=said):
        getattr(ops, name)(*arguments, **settings)


def test_no_operator_is_left_out():
    functions = {name: getattr(ops, name) for name in ops.__all__ if inspect.isfunction(getattr(ops, name))}
    taking = {name for name, function in functions.items() if inspect.signature(function).parameters}
    assert taking - TAKES_ANYTHING == set(WRONG)


@pytest.mark.parametrize(
    ("f", "settings"), [(None, {}), ("f", {}), *[(print, {"concurrency": each}) for each in (*NO_COUNT, "a")]]
)
def test_map_async_refuses_what_it_cannot_call_or_count_by(f, settings):
    with pytest.raises(ConfigurationError, match="map_async"):
        map_async(f, **settings)


@pytest.mark.parametrize("source", [None, [1, 2]])
async def test_what_is_no_source_is_refused_by_both_ways_over_the_bridge(source):
    with pytest.raises(ConfigurationError, match="from_async_iterable"):
        from_async_iterable(source)
    with pytest.raises(ConfigurationError, match="to_async_iterator"):
        to_async_iterator(source)
