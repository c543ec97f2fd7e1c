"""An agent's stream through every operator: turns and tools keep their place among the text."""

from __future__ import annotations

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler
from scripted_origin import watch

from rxllm import Agent
from rxllm import operators as ops
from rxllm.completion import fold
from rxllm.items import (
    Finish,
    ReasoningDelta,
    Rollback,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from rxllm.testing import ScriptedModel
from rxllm.turn_items import AgentCompleted, ToolCompleted, ToolProgress, ToolStarted, TurnCompleted, TurnStarted

BEGINNING = (Started, TurnStarted)
DELTAS = (TextDelta, ReasoningDelta, ToolCallDelta)
MADE = (ops.CodeBlock, ops.MarkdownBlock)  # what an operator adds
KEEPING = {
    "smooth": ops.smooth(5),
    "typewriter": ops.typewriter("line", max_lag=5),
    "lines": ops.lines(),
    "sentences": ops.sentences(),
    "paragraphs": ops.paragraphs(),
    "markdown_blocks": ops.markdown_blocks(),
    "code_blocks": ops.code_blocks(),
    "think_tags": ops.think_tags(),
    "stop_at": ops.stop_at("nowhere"),
    "redact": ops.redact(["nowhere"]),
    "conflate": ops.conflate(5),
    "pausable": ops.pausable(ops.Gate()),
    "tee": ops.tee(lambda _: None),
    "timeouts": ops.timeouts(progress=500),
    "budget": ops.budget(tokens=999),
    "repetition_guard": ops.repetition_guard(),
    "cancel_on": ops.cancel_on(reactivex.never()),
    "choice": ops.choice(0),
    "tool_ready": ops.tool_ready(),
}


@pytest.fixture(params=[True, False], ids=["models that say Started", "models that do not"])
async def stream(request):
    """Two turns, with text that is cut in the middle of everything before and behind the tool's run."""

    async def look(place: str):
        """Look at a place."""
        yield f"going to {place}"
        yield "Sunny"

    asked = [
        ReasoningDelta("hm"),
        *map(TextDelta, ("Let me ", "look at no", "w")),
        ToolCallDelta(0, "look", id="x"),
        ToolCallDelta(0, arguments='{"place": "Rome"}'),
        ToolCall(0, "x", "look", {"place": "Rome"}, '{"place": "Rome"}'),
        Usage(3, 4),
        Finish("tool_calls", usage=Usage(3, 4)),
    ]
    answered = [*map(TextDelta, ("It is `", "sunny` no", "w")), Usage(5, 6), Finish("stop", usage=Usage(5, 6))]
    if request.param:
        asked, answered = [Started("1"), *asked], [Started("2"), *answered]
    agent = Agent(ScriptedModel(asked, answered), tools=[look])
    made = agent.stream("How is Rome?")
    async with made:
        seen = watch(made)
        await made
    assert [type(item) for item in seen if type(item) in {ToolStarted, ToolProgress, ToolCompleted, AgentCompleted}]
    return made, list(seen)


def drawn(items):
    """The items without their cutting: what stands in the text, and the text between."""
    shape: list[object] = [""]
    for item in items:
        if isinstance(item, TextDelta):
            shape[-1] += item.text
        elif not isinstance(item, (*DELTAS, *MADE, Usage, ToolCall)):
            shape += item, ""
    return shape


def played(items, operator):
    clock = VirtualTimeScheduler()
    seen = []
    source = reactivex.from_iterable(items)
    source.pipe(operator).subscribe(seen.append, scheduler=clock)
    clock.start()
    return seen


@pytest.mark.parametrize("name", KEEPING)
async def test_turns_and_tools_keep_their_place_among_the_text(stream, name):
    _, items = stream
    came = played(items, KEEPING[name])
    assert drawn(came) == drawn(items)
    assert fold(item for item in came if not isinstance(item, MADE)) == fold(items)


@pytest.mark.parametrize("name", KEEPING)
async def test_before_the_tool_runs_nothing_of_the_text_before_it_is_held(stream, name):
    _, items = stream
    until = next(n for n, item in enumerate(items) if isinstance(item, ToolStarted))
    source = reactivex.concat(reactivex.from_iterable(items[: until + 1]), reactivex.never())
    seen = []
    source.pipe(KEEPING[name]).subscribe(seen.append, scheduler=(clock := VirtualTimeScheduler()))
    clock.advance_by(20)
    assert drawn(seen) == drawn(items[: until + 1])


@pytest.mark.parametrize("name", KEEPING)
async def test_a_late_subscriber_gets_the_same(stream, name):
    made, items = stream
    late = watch(made.pipe(KEEPING[name]))
    assert drawn(late) == drawn(items)
    assert (late.completed, late.errors) == (1, [])


@pytest.mark.parametrize("name", KEEPING)
async def test_a_rollback_of_the_second_turn_leaves_the_first_and_its_tools(stream, name):
    _, items = stream
    second = max(n for n, item in enumerate(items) if isinstance(item, BEGINNING))
    again = [Started("2b")] if isinstance(items[second], Started) else []
    void = [TextDelta("Rain `"), TextDelta("and\n# no"), Rollback(1), *again]
    came = played([*items[: second + 1], *void, *items[second + 1 :]], KEEPING[name])
    at = next(n for n, item in enumerate(came) if isinstance(item, Rollback))
    began = max(n for n, item in enumerate(came[:at]) if isinstance(item, BEGINNING))
    assert drawn([*came[: began + 1], *came[at + 1 + len(again) :]]) == drawn(items)


async def test_turns_are_those_of_the_completion(stream):
    made, items = stream
    turns = played(items, ops.turns())
    assert turns == (await made).turns
    assert [turn.text for turn in turns] == ["Let me look at now", "It is `sunny` now"]
    assert [call.name for call in turns[0].tool_calls] == ["look"]


async def test_a_turn_is_given_before_the_next_one_begins(stream):
    _, items = stream
    first = next(n for n, item in enumerate(items) if isinstance(item, TurnCompleted))
    assert [type(item) for item in items[first : first + 2]] == [TurnCompleted, TurnStarted]
    source = reactivex.concat(reactivex.from_iterable(items[: first + 1]), reactivex.never())
    seen = []
    source.pipe(ops.turns()).subscribe(seen.append)
    assert [turn.text for turn in seen] == ["Let me look at now"]


async def test_the_last_of_aggregate_and_the_final_are_the_value(stream):
    made, items = stream
    (final,) = played(items, ops.final())
    assert final == played(items, ops.aggregate())[-1] == await made


async def test_usage_and_tokens_are_those_of_all_turns(stream):
    _, items = stream
    assert [each.output_tokens for each in played(items, ops.usage())] == [4, 6, 10]
    counts = [each.output_tokens for each in played(items, ops.count_tokens())]
    assert counts == [1, 2, 3, 4, 5, 6, 4, 5, 6, 7, 10, 10]  # six deltas that were 4 tokens, three that were 6
    assert played(items, ops.measure())[-1].tokens == 10


async def test_a_budget_holds_over_all_turns(stream):
    _, items = stream
    *_, last = came = played(items, ops.budget(tokens=9))  # more than either turn alone
    assert (last.reason, last.raw_reason) == ("length", "budget_tokens")
    assert sum(isinstance(item, TurnStarted) for item in came) == 2


async def test_selecting_gives_what_all_turns_have(stream):
    _, items = stream
    text, reasoning = (
        reactivex.from_iterable(items).pipe(op, rx.to_list()).run() for op in (ops.text(), ops.reasoning())
    )
    assert ("".join(text), "".join(reasoning)) == ("Let me look at nowIt is `sunny` now", "hm")
    assert [call.name for call in played(items, ops.tool_calls())] == ["look"]
