"""First item and progress as limits of each attempt, total as the stream's; on virtual time."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest
from reactivex.scheduler import VirtualTimeScheduler
from scripted_origin import ScriptedOrigin, watch
from virtual_loop import virtually

from rxllm import (
    Agent,
    FirstItemTimeout,
    Model,
    ProgressTimeout,
    Retry,
    Rollback,
    Started,
    TextDelta,
    Timeouts,
    TotalTimeout,
    fallback,
    hedge,
)
from rxllm.attempts import Succession
from rxllm.stream import CompletionStream
from rxllm.testing import ScriptedModel

MUTE = "----------|"
NEVER = [math.inf]


def chunk(**delta: Any) -> bytes:
    made = {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta}]}
    return b"data: " + json.dumps(made).encode() + b"\n\n"


STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
QUICK = [chunk(role="assistant"), chunk(content="Hi"), STOP]
HEAD_FIRST = [1.0, chunk(role="assistant"), 6.0, chunk(content="Hi"), 2.0, STOP]


class Paced:
    """A transport whose answers, one a request in their order, are bytes and the seconds between them."""

    def __init__(self, *answers: list[bytes | float]) -> None:
        self.answers = list(answers)
        self.asked_at: list[float] = []
        self.open_bodies = 0

    async def open(self, _request: object) -> PacedBody:
        self.asked_at.append(asyncio.get_running_loop().time())
        self.open_bodies += 1
        return PacedBody(self, list(self.answers[len(self.asked_at) - 1]))

    async def aclose(self) -> None: ...


class PacedBody:
    def __init__(self, transport: Paced, steps: list[bytes | float]) -> None:
        self.headers: dict[str, str] = {}
        self._transport = transport
        self._steps = steps
        self._open = True

    async def read(self) -> bytes:
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, bytes):
                return step
            await (asyncio.Event().wait() if step == math.inf else asyncio.sleep(step))
        return b""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        if self._open:
            self._open = False
            self._transport.open_bodies -= 1


def paced(*answers: list[bytes | float], retry: Retry | None = None, name: str = "m", **limits: float) -> Any:
    transport = Paced(*answers)
    return Model(f"openai:{name}", transport=transport, retry=retry, timeouts=limits), transport


def asked(model: Any, **options: Any) -> Any:
    """What comes of one question, in virtual time: the completion or the error."""

    async def ask() -> Any:
        return await model.stream("Hi", **options)

    return virtually(ask())


class Course:
    """Some scripted origins one behind the other, with limits; on virtual time."""

    def __init__(self, *, after_content: bool = False, count: int = 3, **limits: float) -> None:
        self.clock = VirtualTimeScheduler()
        self.origins = [ScriptedOrigin() for _ in range(count)]
        origin = Succession(
            [lambda o=o: o for o in self.origins],
            self.clock,
            lambda _number, _error: 0.0,
            after_content=after_content,
            timeouts=[Timeouts(**limits)] * count,
        )
        self.stream = CompletionStream(origin, scheduler=self.clock, timeouts=Timeouts(total=limits.get("total")))
        self.seen = watch(self.stream)

    @property
    def calls(self) -> list[list[str]]:
        return [origin.calls for origin in self.origins]


# ---- an attempt's own


def test_an_attempt_without_a_first_item_is_closed_and_the_next_one_begins():
    course = Course(first_item=3)
    course.clock.advance_by(2.9)
    assert course.calls == [["start"], [], []]
    course.clock.advance_by(0.2)
    assert course.calls == [["start", "close"], ["start"], []]
    course.origins[0].send(Started("a"), "too late")
    course.origins[1].finish("Hi")
    assert (course.seen.text, course.seen.errors) == ("Hi", [])


def test_an_attempt_that_does_not_come_to_its_content_is_closed_and_the_next_one_begins():
    course = Course(progress=3)
    course.clock.advance_by(2)
    course.origins[0].send(Started("a"))
    course.clock.advance_by(1.1)
    assert course.calls == [["start", "close"], ["start"], []]
    assert course.seen == []


def test_each_attempt_has_the_whole_limit():
    course = Course(first_item=3, count=2)
    course.clock.advance_by(5.9)
    assert (course.seen.errors, course.calls) == ([], [["start", "close"], ["start"]])
    course.clock.advance_by(0.2)
    assert [type(error) for error in course.seen.errors] == [FirstItemTimeout]
    assert course.calls[1] == ["start", "close"]


def test_a_head_that_is_kept_back_is_a_first_item():
    course = Course(first_item=3)
    course.origins[0].send(Started("a"))
    course.clock.advance_by(60)
    course.origins[0].finish("Hi")
    assert (course.seen.text, course.calls) == ("Hi", [["start"], [], []])


def test_no_progress_after_content_fails_unless_asked():
    course = Course(progress=3)
    course.origins[0].send("Hel")
    course.clock.advance_by(3.1)
    assert [type(error) for error in course.seen.errors] == [ProgressTimeout]
    assert course.seen.errors[0].partial.text == "Hel"
    assert course.calls == [["start", "close"], [], []]


def test_no_progress_after_content_is_rolled_back_when_asked():
    course = Course(progress=3, after_content=True)
    course.origins[0].send("Hel")
    course.clock.advance_by(3.1)
    course.origins[1].finish("Bye")
    assert course.seen[:3] == [TextDelta("Hel"), Rollback(1), TextDelta("Bye")]
    assert course.calls == [["start", "close"], ["start"], []]


def test_the_total_limit_is_the_whole_streams():
    course = Course(first_item=3, total=7)
    course.clock.advance_by(6.9)
    assert (course.seen.errors, course.calls[2]) == ([], ["start"])
    course.clock.advance_by(0.2)
    assert [type(error) for error in course.seen.errors] == [TotalTimeout]
    assert course.calls[2] == ["start", "close"]


def test_the_total_limit_alone_ends_no_attempt_before_the_stream():
    course = Course(total=7)
    course.clock.advance_by(7.1)
    assert [type(error) for error in course.seen.errors] == [TotalTimeout]
    assert course.calls == [["start", "close"], [], []]


@pytest.mark.parametrize("limit", ["first_item", "progress"])
def test_paused_costs_no_attempt_its_limit(limit):
    course = Course(**{limit: 3})
    course.clock.advance_by(2)
    course.stream.pause()
    course.clock.advance_by(100)
    course.stream.resume()
    course.clock.advance_by(0.9)
    assert course.calls[0] == ["start", "pause", "resume"]
    course.clock.advance_by(2.2)
    assert course.calls[:2] == [["start", "pause", "resume", "close"], ["start"]]


def test_an_attempt_that_begins_while_it_is_paused_has_its_time_from_then_on():
    course = Course(first_item=3)
    course.stream.pause()
    course.origins[0].fail(FirstItemTimeout("mine", 1))
    course.clock.advance_by(100)
    assert course.calls[1] == ["pause", "start"]
    course.stream.resume()
    course.clock.advance_by(2.9)
    assert course.calls[1] == ["pause", "start", "resume"]
    course.clock.advance_by(0.2)
    assert course.calls[1] == ["pause", "start", "resume", "close"]


@pytest.mark.parametrize("end", ["finish", "finish without a word", "cancel", "fail"])
def test_after_the_end_no_limit_of_an_attempt_is_reached(end):
    course = Course(first_item=3, progress=3, count=1)
    match end:
        case "finish":
            course.origins[0].finish("a")
        case "finish without a word":
            course.origins[0].finish()
        case "cancel":
            course.stream.cancel()
        case _:
            course.origins[0].fail(ValueError("mine"))
    calls = list(course.calls[0])
    course.clock.advance_by(10)
    assert course.calls == [calls]
    assert [type(error) for error in course.seen.errors] == ([ValueError] if end == "fail" else [])


# ---- each model's own


@pytest.mark.parametrize("group", [fallback, lambda *models: hedge(*models, after=60)], ids=["fallback", "hedge"])
def test_each_model_of_a_group_has_its_own_limits(group):
    clock = VirtualTimeScheduler()
    models = [
        ScriptedModel(MUTE, timeouts=Timeouts(first_item=3)),
        ScriptedModel(MUTE, timeouts=Timeouts(first_item=2)),
        ScriptedModel("------'fine'|", timeouts=Timeouts()),
    ]
    seen = watch(group(*models).stream("Hi", scheduler=clock))
    clock.start()
    assert (seen.text, seen.errors, seen[-1].timing.total) == ("fine", [], 3 + 2 + 7)
    assert [model.closed for model in models] == [1, 1, 0]


def test_a_limit_of_the_first_is_none_of_the_second():
    clock = VirtualTimeScheduler()
    models = [ScriptedModel("#", timeouts=Timeouts(first_item=1)), ScriptedModel("------'fine'|")]
    seen = watch(fallback(*models).stream("Hi", scheduler=clock))
    clock.start()
    assert (seen.text, seen.errors) == ("fine", [])


@pytest.mark.parametrize(("total", "end"), [(5, TotalTimeout), (20, None)])
def test_the_total_limit_of_a_group_is_its_firsts(total, end):
    clock = VirtualTimeScheduler()
    models = [
        ScriptedModel(MUTE, timeouts=Timeouts(first_item=3, total=total)),
        ScriptedModel("------'fine'|", timeouts=Timeouts(total=1)),
    ]
    seen = watch(fallback(*models).stream("Hi", scheduler=clock))
    clock.start()
    assert [type(error) for error in seen.errors] == ([end] if end else [])
    assert [model.closed for model in models] == [1, 1 if end else 0]


# ---- a model that is asked again


def test_a_model_is_asked_again_when_its_first_item_does_not_come():
    model, transport = paced(NEVER, QUICK, retry=Retry(delay=1, max_delay=1), first_item=3)
    assert asked(model).text == "Hi"
    assert (transport.asked_at, transport.open_bodies) == ([0, 4], 0)


def test_a_model_that_is_asked_once_fails_with_its_limit():
    model, transport = paced(NEVER, first_item=3)
    with pytest.raises(FirstItemTimeout):
        asked(model)
    assert transport.open_bodies == 0


def test_behind_a_fallback_a_model_is_asked_again_as_often_as_it_wants():
    patient, first = paced(NEVER, NEVER, retry=Retry(attempts=2, delay=1, max_delay=1), first_item=3)
    other, second = paced(QUICK)
    assert asked(fallback(patient, other)).text == "Hi"
    assert (first.asked_at, second.asked_at) == ([0, 4], [7])
    assert (first.open_bodies, second.open_bodies) == (0, 0)


def test_in_an_agents_turn_a_model_is_asked_again_when_its_first_item_does_not_come():
    model, transport = paced(NEVER, QUICK, retry=Retry(delay=1, max_delay=1), first_item=3)
    assert asked(Agent(model)).text == "Hi"
    assert transport.asked_at == [0, 4]


# ---- what is taken down

WAYS = {
    "alone": lambda: paced(HEAD_FIRST, first_item=3)[0],
    "with retry": lambda: paced(HEAD_FIRST, retry=Retry(), first_item=3)[0],
    "with fallback": lambda: fallback(paced(HEAD_FIRST, first_item=3)[0], paced(QUICK, name="n")[0]),
    "with retry behind a fallback": lambda: fallback(
        paced(HEAD_FIRST, retry=Retry(), first_item=3)[0], paced(QUICK, name="n")[0]
    ),
    "as a hedge": lambda: hedge(paced(HEAD_FIRST, first_item=3)[0], paced(QUICK, name="n")[0], after=60),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_head_counts_as_the_first_item_whoever_keeps_it_back(way):
    timing = asked(WAYS[way]()).timing
    assert (timing.first_item, timing.first_content, timing.total) == (1, 7, 9)


@pytest.mark.parametrize("way", WAYS)
def test_the_head_counts_as_the_first_item_also_where_no_content_came(way):
    async def ask() -> Any:
        stream = WAYS[way]().stream("Hi").start()
        await asyncio.sleep(5)
        stream.cancel()
        return await stream

    timing = virtually(ask()).timing
    assert (timing.first_item, timing.first_content, timing.total) == (1, None, 5)


def test_the_first_item_is_that_of_the_attempt_that_is_heard():
    cut = [1.0, chunk(role="assistant"), 1.0]
    model, _ = paced(cut, HEAD_FIRST, retry=Retry(delay=1, max_delay=1))
    timing = asked(model).timing
    assert (timing.first_item, timing.first_content) == (2 + 1 + 1, 2 + 1 + 7)


def test_after_a_rollback_the_first_item_is_still_the_one_that_was_heard_first():
    cut = [1.0, chunk(role="assistant"), 1.0, chunk(content="Hel")]
    model, _ = paced(cut, HEAD_FIRST, retry=Retry(delay=1, max_delay=1, after_content=True))
    timing = asked(model).timing
    assert (timing.first_item, timing.first_content) == (1, 2)


def test_the_end_of_a_choice_is_no_content():
    model, _ = paced([1.0, STOP], retry=None)
    assert asked(model).timing.first_content is None


def test_an_agents_first_content_is_what_its_model_says():
    model, _ = paced(HEAD_FIRST)
    assert asked(Agent(model)).timing.first_content == 7
