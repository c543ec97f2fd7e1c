from __future__ import annotations

import asyncio
import threading

import pytest
import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from reactivex.subject import BehaviorSubject, Subject
from scripted_origin import Seen, scripted, watch

from rxllm.bridge import loop_scheduler
from rxllm.completion import fold
from rxllm.errors import ConfigurationError, MailboxOverflowError
from rxllm.items import Finish, ReasoningDelta, Source, TextDelta, ToolCall, Usage
from rxllm.operators.pausable import Gate, pausable
from rxllm.testing import lifetimes, play


def gated(gate, source):
    return source.pipe(pausable(gate))


def shown(gate, source):
    return play(gated, gate, source, C=False, O=True)


class TestLaws(OperatorLaws):
    operator = pausable(Gate())
    source = "a-{usage 1 2}b|"
    played = "a-{usage 1 2}b|"
    failed = "a-{usage 1 2}b#"


def test_what_comes_while_it_is_closed_waits_and_is_merged():
    assert shown("-C---O", "abcdefg|") == "a----('bcde'f)g|"


def test_structural_items_wait_in_their_place():
    assert shown("C----O", "a{source u}b{reason r}-c|") == "-----(a{source u}b{reason r}c)|"


def test_the_text_before_a_tool_call_stays_before_it():
    assert shown("C------O", "ab{ping}{tool_call 0 x f}c-d|") == "-------('ab'{ping}{tool_call 0 x f}'cd'|)"


def test_the_end_waits_too_and_so_does_an_error():
    assert shown("-C----O", "ab|") == "a-----(b|)"
    assert shown("-C----O", "ab#") == "a-----(b#)"


def test_a_gate_that_ends_is_open_for_good():
    assert shown("-C--|", "abc---d|") == "a---'bc'-d|"


def test_a_gate_that_fails_fails_the_pipe_after_what_waits():
    assert play(gated, "-C--#", "abc---d|", C=False) == "a---('bc'#)"


def test_a_rollback_forgets_what_waits():
    assert shown("-C----O", "abc{usage 1 2}{rollback 1}d|") == "a-----({usage 1 2}{rollback 1}d|)"


def test_leaving_it_leaves_both_in_the_same_frame():
    assert lifetimes(gated, "-C-O-C", "abcdef|", until=3, C=False, O=True) == ["^--!", "^--!"]
    assert lifetimes(gated, "-C-O-C", "ab|", C=False, O=True) == ["^--!", "^-!"]


def test_a_gate_that_is_closed_while_it_empties_stops_at_that_item():
    gate, source, seen = Gate(is_open=False), Subject(), Seen()

    def on_next(item):
        seen.append(item)
        gate.clear()

    source.pipe(pausable(gate)).subscribe(on_next)
    for item in (TextDelta("a"), Source(url="u"), TextDelta("b")):
        source.on_next(item)
    gate.set()
    assert seen == [TextDelta("a")]
    gate.set()
    gate.set()
    assert seen == [TextDelta("a"), Source(url="u"), TextDelta("b")]


def test_what_comes_while_it_empties_stands_behind_what_waits():
    gate, source, seen = Gate(is_open=False), Subject(), Seen()

    def on_next(item):
        if not seen:
            gate.set()  # which is no news
            source.on_next(Source(url="new"))
        seen.append(item)

    source.pipe(pausable(gate)).subscribe(on_next)
    source.on_next(TextDelta("a"))
    source.on_next(Source(url="old"))
    gate.set()
    assert seen == [TextDelta("a"), Source(url="old"), Source(url="new")]


def test_one_gate_serves_several_pipes_and_a_late_one():
    gate, source = Gate(), Subject()
    gate.clear()
    first, second = watch(source.pipe(pausable(gate))), watch(source.pipe(pausable(gate)))
    source.on_next(TextDelta("a"))
    assert (first, second, gate.is_set()) == ([], [], False)
    gate.set()
    assert (first.text, second.text, gate.is_set()) == ("a", "a", True)


def test_a_gate_that_is_closed_by_the_first_pipe_it_opens_lets_nothing_through_the_second():
    gate, source = Gate(is_open=False), Subject()
    source.pipe(pausable(gate)).subscribe(lambda _: gate.clear())
    second = watch(source.pipe(pausable(gate)))
    source.on_next(TextDelta("a"))
    gate.set()  # the second pipe is told so after it was told that the gate is closed again
    assert (gate.is_set(), second) == (False, [])
    gate.set()
    assert second.text == "a"


def test_a_gate_that_is_an_observable_may_be_closed_at_first():
    source = Subject()
    seen = watch(source.pipe(pausable(BehaviorSubject(False))))  # noqa: FBT003 - a value that it emits
    source.on_next(TextDelta("a"))
    assert seen == []


def test_too_many_structural_items_fail_that_pipe_after_what_waits():
    items = [Source(url=str(number)) for number in range(10_002)]
    seen = watch(reactivex.from_iterable(items).pipe(pausable(Gate(is_open=False))))
    assert (len(seen), type(seen.errors[0])) == (10_000, MailboxOverflowError)


@pytest.mark.parametrize("gate", [asyncio.Event(), threading.Event(), True])
def test_what_cannot_tell_when_it_is_closed_is_refused(gate):
    with pytest.raises(ConfigurationError, match="pausable takes a Gate"):
        pausable(gate)


async def test_a_gate_may_be_opened_from_another_thread_and_empties_on_the_loop():
    gate = Gate(is_open=False)
    origin, stream = scripted(scheduler=loop_scheduler())
    emptied, seen_on = asyncio.Event(), []

    def on_next(_):
        seen_on.append(threading.get_ident())
        emptied.set()

    stream.pipe(pausable(gate)).subscribe(on_next)
    origin.send("a")
    await asyncio.to_thread(gate.set)
    await asyncio.wait_for(emptied.wait(), 5)
    assert seen_on == [threading.get_ident()]


STEP = st.one_of(
    st.builds(TextDelta, st.text(max_size=3), st.integers(0, 1)),
    st.builds(ReasoningDelta, st.text(max_size=2)),
    st.just(ToolCall(0)),
    st.just(Usage(1)),
    st.booleans(),
)


@given(st.lists(STEP, max_size=30))
@settings(deadline=None, max_examples=60)
def test_however_the_gate_swings_the_whole_is_the_same(steps):
    gate, source, seen = Gate(), Subject(), Seen()
    source.pipe(pausable(gate)).subscribe(seen)
    for step in steps:
        (gate if isinstance(step, bool) else source).on_next(step)
    source.on_completed()
    gate.set()
    sent = [step for step in steps if not isinstance(step, bool)]
    assert fold([*seen, Finish("stop")]) == fold([*sent, Finish("stop")])
    assert seen.completed == 1
