from __future__ import annotations

import importlib

import msgspec
import pytest

from rxllm.items import (
    ChoiceFinished,
    Finish,
    Logprobs,
    Media,
    Ping,
    ProviderEvent,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Rollback,
    ServerToolCall,
    ServerToolResult,
    Source,
    Started,
    StreamItem,
    TextDelta,
    Timing,
    ToolCall,
    ToolCallDelta,
    Usage,
    item_types,
    item_union,
    joined,
    part,
)
from rxllm.operators import CodeBlock, MarkdownBlock, Tagged
from rxllm.turn_items import (
    AgentCompleted,
    StageCompleted,
    StageStarted,
    ToolApprovalRequested,
    ToolCompleted,
    ToolProgress,
    ToolStarted,
    TurnCompleted,
    TurnStarted,
)

EXAMPLES: dict[type[StreamItem], StreamItem] = {
    type(item): item
    for item in [
        Started("1", "m"),
        TextDelta("é\u2028", 1),
        ReasoningDelta("hm"),
        Reasoning("hm", "sig", None, 0, {"id": "x"}),
        RefusalDelta("no"),
        ToolCallDelta(1, "f", '{"a"', 0, "id"),
        ToolCall(1, "id", "f", {"a": [1, None]}, '{"a":[1,null]}', 0, "sig", {"x": 1}),
        ServerToolCall("id", "search", {"q": "x"}, 0, {"x": 1}),
        ServerToolResult("id", "search", [{"url": "u"}], is_error=True),
        Source("u", "t", "x", 0, {"i": 1}),
        Media("image/png", "AAAA"),
        Logprobs([{"token": "a", "logprob": -0.5}]),
        ProviderEvent("new", {"a": 1}),
        Usage(1, 2, 3, 4, 5, 6, 7, estimated=True, extra={"x": 1}),
        Ping(),
        ChoiceFinished(1, "length", "max"),
        Finish("stop", "STOP", Usage(1), {"timings": {}}, Timing(0.1, 0.2, 0.3)),
        Rollback(2),
        TurnStarted(1),
        ToolApprovalRequested(1, "f", {"a": 1}, "id"),
        ToolStarted(1, "f", {"a": 1}, "id"),
        ToolProgress(1, "f", 0.5),
        ToolCompleted(1, "f", 1.5, {"a": 1}, None, "id"),
        TurnCompleted(1, Usage(1)),
        AgentCompleted(1.5, Usage(1), {"a": 1}),
        StageStarted("s"),
        StageCompleted("s", 1.5),
        MarkdownBlock("code", "x", 1, "c", closed=False),
        CodeBlock("c", "x", 1, closed=False),
        Tagged("a", {"kind": "TextDelta", "text": "x"}),
    ]
}
DELTAS = [TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta]


@pytest.mark.parametrize("kind", item_types(), ids=lambda kind: kind.__name__)
def test_every_item_survives_json(kind):
    item = EXAMPLES[kind]
    assert msgspec.json.decode(msgspec.json.encode(item), type=item_union()) == item


@pytest.mark.parametrize("kind", item_types(), ids=lambda kind: kind.__name__)
def test_every_item_is_public_and_has_its_name_as_tag(kind):
    assert kind.__name__ in importlib.import_module(kind.__module__).__all__
    assert msgspec.to_builtins(EXAMPLES[kind])["kind"] == kind.__name__


@pytest.mark.parametrize("kind", [kind for kind in item_types() if kind.__struct_fields__])
def test_every_item_is_frozen(kind):
    with pytest.raises(AttributeError):
        setattr(EXAMPLES[kind], kind.__struct_fields__[0], "other")


@pytest.mark.parametrize("kind", item_types(), ids=lambda kind: kind.__name__)
def test_only_deltas_are_pieces_of_a_part(kind):
    assert (part(EXAMPLES[kind]) is not None) == (kind in DELTAS)


@pytest.mark.parametrize("kind", DELTAS)
def test_every_delta_has_its_choice(kind):
    assert "choice" in kind.__struct_fields__
    one, other = EXAMPLES[kind], msgspec.structs.replace(EXAMPLES[kind], choice=7)
    assert part(one) != part(other)


def test_no_two_kinds_of_delta_share_a_part():
    assert len({part(EXAMPLES[kind]) for kind in DELTAS}) == len(DELTAS)


def test_deltas_of_two_tool_calls_are_two_parts():
    assert part(ToolCallDelta(0)) != part(ToolCallDelta(1))


def test_one_delta_joined_is_itself():
    delta = TextDelta("a")
    assert joined([delta]) is delta


@pytest.mark.parametrize("kind", [TextDelta, ReasoningDelta, RefusalDelta])
def test_joined_deltas_keep_their_text_and_choice(kind):
    assert joined([kind("a", 1), kind("", 1), kind("b", 1)]) == kind("ab", 1)


def test_joined_tool_call_deltas_keep_the_name_and_id_that_any_of_them_knew():
    pieces = [ToolCallDelta(3, None, "{"), ToolCallDelta(3, "f", "", 0, None), ToolCallDelta(3, None, "}", 0, "id")]
    assert joined(pieces) == ToolCallDelta(3, "f", "{}", 0, "id")
