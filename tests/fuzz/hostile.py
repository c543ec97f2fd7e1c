"""Bytes that no server should send: recordings that were damaged, JSON of the wrong shape, and nonsense."""

from __future__ import annotations

import copy
import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st
from official import spoken

from rxllm.wire import anthropic, chat_completions, gemini, ollama, responses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType


class Target(NamedTuple):
    """A decoder to be fuzzed, with how an answer is said to it, and where its recordings are."""

    wire: ModuleType
    say: Callable[[list[spoken.Part]], list[spoken.Event]]
    own: str
    folder: str

    @property
    def name(self) -> str:
        return self.wire.__name__.rpartition(".")[2]


TARGETS = [
    Target(chat_completions, spoken.chat_completions, "llama_cpp/*.sse", "openai-chat"),
    Target(responses, spoken.responses, "llama_cpp/responses-*.body", "openai-responses"),
    Target(anthropic, spoken.anthropic, "llama_cpp/messages-*.body", "anthropic-messages"),
    Target(ollama, spoken.ollama, "ollama/*.ndjson", "ollama-chat"),
    Target(gemini, spoken.gemini, "gemini/*", "gemini"),
]
LONGEST = 20_000
"""Bytes of a recording that are taken, so that a run sees many."""

VALUES = [
    *["null", "true", "0", "-1", "1e999", "-1e999", "NaN", "Infinity", "1.5", "9" * 30, "9" * 5000, '""', "[]", "{}"],
    *['"\\ud83d"', '"\\ude00"', '"\\u0000"', '"\\ud83d\\ude00"', '"\u2028"', '"x"', '"stop"', '"error"', "[null]"],
    *["[" * 400 + "]" * 400, "[" * 5000 + "]" * 5000, '{"a":' * 5000 + "1" + "}" * 5000, '{"\\udc00": "\\udc00"}'],
    *['{"type": "x"}', '[{"index": 1e300}]', '{"index": -9223372036854775809}', '{"error": {"message": [1]}}'],
]
OF_EACH_KIND = [
    "null",
    "true",
    "-1",
    "1.5",
    "1e999",
    "9" * 30,
    '"x"',
    '"\\ud83d"',
    "[]",
    "[null]",
    "{}",
    '{"type": "x"}',
]
PIECES = [
    *[
        b"\n",
        b"\n\n",
        b"\r",
        b"\r\n\r\n",
        b"data: ",
        b"data:",
        b"event: error\n",
        b": ping\n\n",
        b"id: 1\n",
        b"\xef\xbb\xbf",
    ],
    *[
        b"\xff",
        b"\xed\xa0\xbd",
        b"\xf0\x9f",
        b"\x80",
        b"\x00",
        b"\xe2\x80\xa8",
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
    ],
    *[
        b"data: [DONE]\n\n",
        b"data: {}\n\n",
        b"data: null\n\n",
        b'{"error": "x"}\n',
        b"<html>",
        *[v.encode() for v in VALUES],
    ],
]


def recorded(target: Target) -> list[bytes]:
    """Give the recordings of a format, ours and those that `RXLLM_STREAMS` names."""
    found = sorted((Path(__file__).parents[1] / "recordings").glob(target.own))
    if streams := os.environ.get("RXLLM_STREAMS"):
        found += sorted(Path(streams, target.folder).glob("*.bin"))
    return [path.read_bytes()[:LONGEST] for path in found]


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the place of every member of a JSON value, as the keys that lead there."""
    members = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(*at, key) for key, _ in members] + [
        place for key, member in members for place in places(member, (*at, key))
    ]


def parsed(line: bytes) -> tuple[bytes, Any]:
    """Part a line's JSON object from what stands before it; there is none in what is hostile already."""
    head, brace, rest = line.partition(b"{")
    try:
        return head, json.loads(brace + rest)
    except (ValueError, RecursionError):
        return head, None


def spoiled(head: bytes, value: Any, place: tuple[Any, ...], hostile: str) -> bytes:
    """Write a line again with another value at a place of its JSON."""
    *way, last = place
    container = value = copy.deepcopy(value)
    for key in way:
        container = container[key]
    container[last] = "\x00here"
    return head + json.dumps(value).replace('"\\u0000here"', hostile).encode("utf-8", "surrogatepass")


def with_another_value(line: bytes, chance: random.Random) -> bytes:
    """Put a hostile value where another stood in a line's JSON, or a hostile field into an empty one."""
    head, value = parsed(line)
    if value is None:
        return line
    return spoiled(head, value, chance.choice(places(value) or [("x",)]), chance.choice(VALUES))


def kind_of(value: Any, place: tuple[Any, ...]) -> tuple[str, ...]:
    """Spell a place as any other of its kind: without numbers, and with the types of what it lies in."""
    spelt: list[str] = []
    for key in place:
        spelt.append(f"{value.get('type')}.{key}" if isinstance(value, dict) else "*")
        value = value[key]
    return tuple(spelt)


def spoiled_everywhere(recordings: list[bytes]) -> Iterator[bytes]:
    """Give, for each kind of place in a format's JSON, a recording with a value of each kind at that place."""
    known: set[tuple[str, ...]] = set()
    for body in recordings:
        lines = body.split(b"\n")
        for number, line in enumerate(lines):
            head, value = parsed(line)
            for place in places(value):
                if (kind := kind_of(value, place)) not in known:
                    known.add(kind)
                    for hostile in OF_EACH_KIND:
                        yield b"\n".join([*lines[:number], spoiled(head, value, place, hostile), *lines[number + 1 :]])


def damaged(body: bytes, chance: random.Random) -> bytes:
    """Damage a body once: its bytes, its lines, or a value of its JSON."""
    at = chance.randrange(len(body) + 1)
    to = min(len(body), at + chance.choice([0, 1, 2, 10, 100]))
    lines = body.split(b"\n")
    line = chance.randrange(len(lines))
    match chance.randrange(12):  # half of the damage is to values, which gets deepest into a decoder
        case 0:
            return body[:at] + chance.choice(PIECES) + body[to:]
        case 1:
            return body[:at] + chance.randbytes(3) + body[to:]
        case 2:
            return body[:at] + body[to:]
        case 3:
            return body[:at]
        case 4:
            lines.insert(chance.randrange(len(lines)), lines[line])
        case 5:
            lines[line] = b""
        case _:
            lines[line] = with_another_value(lines[line], chance)
    return b"\n".join(lines)


@st.composite
def bodies(draw: st.DrawFn, target: Target, recordings: list[bytes]) -> list[bytes]:
    """Draw responses: nonsense, a recording or a random answer, and the same damaged more and more."""
    kind = draw(st.sampled_from(["nonsense", "answer", *["recording"] * 4]))
    if kind == "nonsense":
        body = b"".join(draw(st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=30)))
    elif kind == "answer" or not recordings:
        body = b"".join(draw(spoken.streams(target.say))[1])
    else:
        body = draw(st.sampled_from(recordings))
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311 - damage, no secret
    drawn = [body]
    for _ in range(draw(st.integers(0, 10))):
        drawn.append(damaged(drawn[-1], chance))
    return drawn
