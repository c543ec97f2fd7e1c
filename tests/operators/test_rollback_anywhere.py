"""A Rollback at any place of an answer, with any time before it: nothing of the void attempt comes after it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.subject import Subject
from scripted_origin import Seen

from rxllm import operators as ops
from rxllm.completion import fold
from rxllm.items import (
    ChoiceFinished,
    Finish,
    Ping,
    ReasoningDelta,
    Rollback,
    Started,
    StreamItem,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    part,
)

OPERATORS = {
    "smooth": ops.smooth(3),
    "typewriter": ops.typewriter("line", max_lag=3),
    "lines": ops.lines(),
    "sentences": ops.sentences(),
    "paragraphs": ops.paragraphs(),
    "markdown_blocks": ops.markdown_blocks(),
    "code_blocks": ops.code_blocks(),
    "think_tags": ops.think_tags("k"),
    "redact": ops.redact(["secret"], "secret"),
    "stop_at": ops.stop_at(*[f"{end}~" for end in "atow`"]),  # so that nearly every text is held
    "conflate": ops.conflate(3),
    "pausable": ops.pausable(ops.Gate()),
    "tool_ready": ops.tool_ready(),
    "choice": ops.choice(0),
    "budget": ops.budget(tokens=10**6),
    "repetition_guard": ops.repetition_guard(),
    "timeouts": ops.timeouts(total=10**6),
}
TEXTS = ["a", "One. Two", "\n", "\n\n", "- x\n", "```py\n", "x`", "sec", "ret", "now", "here", "| a |", "<b>", ""]
ITEM = st.one_of(
    st.sampled_from(TEXTS).map(TextDelta),
    st.sampled_from(["x", "\n"]).map(lambda text: TextDelta(text, choice=1)),
    st.sampled_from([ReasoningDelta("hm"), Ping(), Usage(1, 2), ChoiceFinished(0)]),
    st.sampled_from(
        [ToolCallDelta(0, "f", '{"a":'), ToolCallDelta(0, arguments="1}"), ToolCall(0, None, "f", {}, "{}")]
    ),
    st.floats(0.5, 4),  # seconds
)
STEPS = st.lists(ITEM, max_size=12)


def played(operator, steps):
    """What comes of items and seconds; the time before a Rollback counts for what comes after it."""
    clock, source, seen = VirtualTimeScheduler(), Subject(), Seen()
    source.pipe(operator).subscribe(seen, scheduler=clock)
    for step in steps:
        if isinstance(step, StreamItem):
            source.on_next(step)
        else:
            clock.advance_by(step)
    source.on_completed()
    assert seen.errors == []
    return [item for item in seen if not isinstance(item, (ops.CodeBlock, ops.MarkdownBlock))]


def pieces(items):
    """All text of each part."""
    found: dict[object, str] = {}
    for item in items:
        if (key := part(item)) is not None:
            found[key] = found.get(key, "") + (item.arguments if isinstance(item, ToolCallDelta) else item.text)
    return {key: text for key, text in found.items() if text}


@pytest.mark.parametrize("name", OPERATORS)
@settings(deadline=None, max_examples=25)
@given(before=STEPS, void=STEPS, living=STEPS)
def test_what_comes_after_a_rollback_is_what_the_living_attempt_alone_gives(name, before, void, living):
    operator = OPERATORS[name]
    answer = [Started("2"), *living, Finish("stop")]
    came = played(operator, [Started("0"), *before, Started("1"), *void, Rollback(1), *answer])
    after = came[came.index(Rollback(1)) + 1 :]
    alone = played(operator, answer)
    assert fold(after) == fold(alone)
    assert pieces(after) == pieces(alone)  # which `fold` would forget at the next Started
    assert [type(item) for item in after if not isinstance(item, DELTAS)] == [
        type(item) for item in alone if not isinstance(item, DELTAS)
    ]


@pytest.mark.parametrize("name", OPERATORS)
@settings(deadline=None, max_examples=25)
@given(before=STEPS, void=STEPS)
def test_what_came_before_the_void_attempt_stays(name, before, void):
    operator = OPERATORS[name]
    turn = [Started("0"), *before]
    came = played(operator, [*turn, Started("1"), *void, Rollback(1)])
    began = next(n for n, item in enumerate(came) if item == Started("1"))
    assert fold(came[:began]) == fold(played(operator, turn))


DELTAS = (TextDelta, ReasoningDelta, ToolCallDelta, Ping, Usage)  # those may be merged, or find another place
