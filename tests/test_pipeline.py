from __future__ import annotations

import asyncio
import gc
import math
import threading
from typing import TYPE_CHECKING, Any

import pytest
from loop_clock import turns
from misbehaving_server import hold_head, stall
from pydantic import BaseModel
from reactivex import operators as rx
from scripted_origin import Seen, watch

from rxllm import operators as ops
from rxllm.agent import Agent
from rxllm.bridge import loop_scheduler
from rxllm.completion import fold
from rxllm.errors import ConfigurationError, ProviderError, RxllmError
from rxllm.items import Finish, Started, TextDelta, ToolCall, Usage
from rxllm.model import Model
from rxllm.operators.stop_at import stop_at
from rxllm.operators.tag import Tagged
from rxllm.pipelines import parallel, pipeline, when
from rxllm.senders import MemorySender
from rxllm.testing import ScriptedModel
from rxllm.tools import tool
from rxllm.turn_items import StageCompleted, StageStarted, ToolApprovalRequested, ToolCompleted

if TYPE_CHECKING:
    from collections.abc import Callable


def said(text: str, usage: Usage | None = None) -> list[Any]:
    return [Started("r", "m"), TextDelta(text), *([usage] if usage else []), Finish("stop", usage=usage)]


CHUNK = b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n'


def agent(name: str, *answers: Any, **settings: Any) -> Agent:
    return Agent(ScriptedModel(*answers), name=name, **settings)


def stalled() -> ScriptedModel:
    return ScriptedModel([Started("r"), "so far", math.inf])


async def until(condition: Callable[[], bool]) -> None:
    """Wait, at most five seconds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a condition of no event
            await asyncio.sleep(0.001)


def shape(items: list[Any]) -> list[Any]:
    """The items without what a clock says and what agents add."""
    names = {StageStarted: "+", StageCompleted: "-"}
    return [
        names[type(i)] + i.name if type(i) in names else i.text
        for i in items
        if type(i) in (StageStarted, StageCompleted, TextDelta)
    ]


# ---- the value


async def test_each_stage_gets_what_the_one_before_gave():
    model = ScriptedModel(said("blue"))

    async def shout(text: str) -> str:
        return text.upper()

    p = pipeline().map(lambda x: f"Tell me about {x}").prompt(model).map(shout).map(len)
    assert await p.call("sky") == 4
    assert model.requests[0].messages[0].content == "Tell me about sky"


async def test_an_agent_with_a_type_gives_its_output_and_a_model_after_it_reads_its_json():
    class City(BaseModel):
        name: str

    asked = ScriptedModel(said("ok"))
    p = pipeline().prompt(agent("finder", said('{"name": "Rome"}'), output=City))
    assert await p.prompt(asked).call("Which?") == "ok"
    assert asked.requests[0].messages[0].content == '{"name":"Rome"}'
    assert await pipeline().prompt(agent("finder", said('{"name": "Rome"}'), output=City)).call("?") == City(
        name="Rome"
    )


async def test_an_agent_with_a_type_whose_answer_was_cut_fails_its_stage():
    class Number(BaseModel):
        n: int

    cut = agent("reader", [Started("r"), TextDelta('{"n": 1'), Finish("length")], output=Number)
    with pytest.raises(RxllmError, match="gave no Number: its answer ended with 'length'") as caught:
        await pipeline().prompt(cut).map(str).call("q")
    assert caught.value.partial is not None
    assert caught.value.partial.text == '{"n": 1'


async def test_a_builder_leaves_the_shorter_pipeline_as_it_was():
    short = pipeline().map(str.strip)
    long = short.map(len)
    assert (await short.call(" a "), await long.call(" a ")) == ("a", 1)


async def test_a_pipeline_is_a_stage_of_another():
    inner = pipeline(name="inner").map(str.strip).map(len)
    stream = pipeline().map(lambda x: x + " ").chain(inner).stream(" a")
    seen = watch(stream)
    await stream
    assert stream.value == 1
    assert shape(seen) == ["+map", "-map", "+inner", "+strip", "-strip", "+len", "-len", "-inner"]


async def test_a_sync_function_holds_up_nobody():
    release = threading.Event()
    task = asyncio.create_task(pipeline().map(lambda _: release.wait(5)).call(None))
    await turns()
    assert not task.done()
    release.set()
    assert await task is True


async def test_when_chooses_by_the_value_and_passes_on_what_nobody_wants():
    p = pipeline().chain(when(lambda n: n > 2, lambda n: n * 10, pipeline(name="small").map(lambda n: -n)))
    assert [await p.call(n) for n in (1, 3)] == [-1, 30]
    assert await pipeline().chain(when(lambda n: n > 2, str)).call(1) == 1


# ---- the stream


async def test_the_items_of_all_stages_stand_bare_between_their_marks():
    p = pipeline().prompt(agent("greeter", said("Hi"))).map(str.upper).prompt(ScriptedModel(said("Bye"), name="last"))
    stream = p.stream("x")
    seen = watch(stream)
    completion = await stream
    assert shape(seen) == ["+greeter", "Hi", "-greeter", "+upper", "-upper", "+last", "Bye", "-last"]
    assert [type(i) for i in seen].count(Finish) == 1
    assert type(seen[-1]) is Finish
    assert (completion.text, stream.value) == ("Bye", "Bye")


async def test_the_usage_is_that_of_all_stages_and_the_steps_tell_each():
    p = pipeline().prompt(agent("a", said("x", Usage(1, 2)))).map(str.upper).prompt(agent("b", said("y", Usage(3, 4))))
    stream = p.stream("q")
    completion = await stream
    assert completion.usage == Usage(4, 6)
    assert [(s.name, s.usage, s.value) for s in stream.steps] == [
        ("a", Usage(1, 2), "x"),
        ("upper", None, "X"),
        ("b", Usage(3, 4), "y"),
    ]
    assert all(step.duration_ms >= 0 for step in stream.steps)


async def test_it_ends_as_its_last_model_did():
    cut = [Started("r"), TextDelta("cu"), Finish("length", "max_tokens")]
    for answers, reason in (([cut, said("b")], "stop"), ([said("a"), cut], "length")):
        model = ScriptedModel(*answers)
        assert (await pipeline().prompt(model).prompt(model).map(len).stream("q")).finish_reason == reason
    assert (await pipeline().chain(parallel(ScriptedModel(cut), len)).stream("q")).finish_reason == "stop"


async def test_nothing_runs_before_somebody_listens():
    ran: list[int] = []
    stream = pipeline().map(ran.append).stream(1)
    await turns(20)
    assert ran == []
    await stream
    assert ran == [1]


async def test_every_stage_runs_once_for_many_observers():
    model = ScriptedModel(said("a"))
    stream = pipeline().prompt(model).stream("q")
    one, other = watch(stream), watch(stream)
    await stream
    late = watch(stream)
    assert shape(one) == shape(other) == shape(late)
    assert len(model.requests) == 1


async def test_only_branches_tag_their_items():
    stream = pipeline().chain(parallel(agent("pro", said("yes")), agent("con", said("no")))).stream("?")
    seen = watch(stream)
    await stream
    assert stream.value == ("yes", "no")
    assert [type(i) for i in seen if not isinstance(i, Tagged)] == [StageStarted, StageCompleted, Finish]
    for name, text in (("pro", "yes"), ("con", "no")):
        assert shape([i.item for i in seen if isinstance(i, Tagged) and i.name == name]) == [
            f"+{name}",
            text,
            f"-{name}",
        ]
    assert [step.name for step in stream.steps[0].steps] == ["pro", "con"]


async def test_branches_run_at_once():
    both = asyncio.Barrier(2)

    async def meet(value: str) -> str:
        await both.wait()
        return value

    async with asyncio.timeout(5):
        assert await pipeline().chain(parallel(meet, meet)).call("a") == ("a", "a")


async def test_branches_with_names_give_a_dict_and_those_of_one_name_are_told_apart():
    assert await pipeline().chain(parallel(big=str.upper, long=len)).call("a") == {"big": "A", "long": 1}
    stream = pipeline().chain(parallel(len, len)).stream("a")
    seen = watch(stream)
    await stream
    assert {i.name for i in seen if isinstance(i, Tagged)} == {"len", "len-2"}


async def test_branches_within_branches_are_tagged_once_more():
    stream = pipeline().chain(parallel(outer=parallel(inner=ScriptedModel(said("a"))))).stream("q")
    seen = watch(stream)
    await stream
    assert Tagged("outer", Tagged("inner", TextDelta("a"))) in seen
    assert stream.value == {"outer": {"inner": "a"}}


# ---- operators


@pytest.mark.parametrize("operator", [stop_at("END"), rx.take(2)])
async def test_an_operator_works_on_the_prompt_before_it_and_its_end_ends_that_stage(operator):
    endless = ScriptedModel([Started("r"), "good", "END", math.inf])
    p = pipeline().prompt(endless).chain(operator).map(str.upper)
    assert await p.call("q") == "GOOD"
    assert endless.closed == 1


def test_an_operator_without_a_prompt_before_it_is_refused():
    for stages in (pipeline(), pipeline().map(str.upper)):
        with pytest.raises(ConfigurationError, match="put it behind one"):
            stages.chain(ops.smooth(1))


async def test_operators_work_on_the_whole_stream():
    stream = pipeline().prompt(ScriptedModel(said("a"))).prompt(ScriptedModel(said("b"))).stream("q")
    texts: list[str] = []
    stream.pipe(ops.text()).subscribe(texts.append)
    await stream
    assert texts == ["a", "b"]


# ---- senders


async def test_one_word_makes_a_pipeline_stream_and_leaves_its_value():
    for kind in (Seen, MemorySender):
        to: Any = kind()
        p = pipeline().map(str.strip).prompt(ScriptedModel(said("blue")), to=to).map(str.upper)
        assert await p.call(" why? ") == "BLUE"
        assert fold(to if kind is Seen else to.items).text == "blue"


async def test_the_whole_run_may_be_sent_somewhere():
    memory = MemorySender()
    stream = pipeline().prompt(ScriptedModel(said("a"))).map(str.upper).stream("q", to=[memory])
    await asyncio.wait_for(stream, 5)
    assert (memory.text, stream.value) == ("a", "A")
    assert shape(memory.items) == ["+model", "a", "-model", "+upper", "-upper"]
    with pytest.raises(ConfigurationError, match="Nothing can be sent"):
        pipeline().map(len).stream("q", to=3)


async def test_a_class_makes_a_sender_for_each_run():
    made: list[Any] = []

    class Mine(MemorySender):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    p = pipeline().prompt(ScriptedModel(said("a"), said("b")), to=Mine)
    await p.call_many("12", concurrency=1)
    assert [fold(sender.items).text for sender in made] == ["a", "b"]


async def test_a_sender_that_fails_ends_nothing():
    def broken(_: object) -> None:
        raise ValueError("full")

    assert await pipeline().prompt(ScriptedModel(said("a")), to=broken).call("q") == "a"


def test_what_nothing_can_be_sent_to_is_refused_at_once():
    with pytest.raises(ConfigurationError, match="Nothing can be sent"):
        pipeline().prompt(stalled(), to=3)


# ---- errors


async def test_an_error_names_its_stage_and_keeps_what_had_arrived():
    broken = ScriptedModel([Started("r"), "half", ProviderError("overloaded", status=529)], name="second")
    stream = pipeline(name="all").prompt(ScriptedModel(said("one"))).prompt(broken).stream("q")
    with pytest.raises(ProviderError, match="overloaded") as caught:
        await stream
    assert caught.value.__notes__ == ["This happened in the stage 'second' of a pipeline."]
    assert caught.value.partial is not None
    assert caught.value.partial.text == "half"
    assert "one" in shape(caught.value.partial.items)
    assert [step.value for step in stream.steps] == ["one"]


async def test_a_functions_own_error_stays_what_it_is():
    def divide(n: int) -> float:
        return 1 / n

    with pytest.raises(ZeroDivisionError) as caught:
        await pipeline().map(divide).call(0)
    assert caught.value.__notes__ == ["This happened in the stage 'divide' of a pipeline."]


@pytest.mark.parametrize("raised", [StopIteration(), asyncio.CancelledError(), SystemExit(3)])
async def test_what_would_confuse_the_loop_becomes_an_error_of_ours(raised):
    def odd(_: object) -> None:
        raise raised

    with pytest.raises(RxllmError, match="must return a value"):
        await pipeline().map(odd).call(1)


async def test_a_function_that_cancels_its_own_task_leaves_nobody_waiting():
    async def odd(_: object) -> None:
        raise asyncio.CancelledError

    async with asyncio.timeout(5):
        with pytest.raises(RxllmError, match="was cancelled"):
            await pipeline().map(odd).call(1)


async def test_a_branch_that_fails_stops_the_others_and_is_raised_as_it_is():
    other = stalled()

    async def fail(_: object) -> None:
        await until(lambda: bool(other.requests))
        raise KeyError("x") from OSError("cause")

    with pytest.raises(KeyError) as caught:
        await pipeline().chain(parallel(fail, pipeline().prompt(other, to=Seen()))).call("q")
    assert type(caught.value.__cause__) is OSError
    assert other.closed == 1


async def test_a_branch_that_fails_keeps_what_it_had_said():
    broken = ScriptedModel([Started("r"), "half", ProviderError("overloaded", status=529)])
    with pytest.raises(ProviderError) as caught:
        await pipeline().chain(parallel(broken, str.upper)).call("q")
    assert caught.value.partial is not None
    assert caught.value.partial.text == "half"


async def test_an_agent_that_cannot_be_asked_fails_its_stage_only_then():
    with pytest.raises(ConfigurationError, match="A prompt is a str") as caught:
        await pipeline().map(len).prompt(ScriptedModel(said("a")), name="asked").call("x")
    assert "'asked'" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    "build",
    [
        lambda: pipeline().map("upper"),
        lambda: pipeline().prompt(len),
        lambda: pipeline().chain(3),
        lambda: pipeline().map(lambda _: (yield)),
        parallel,
        lambda: parallel(len, x=len),
        lambda: when("x", len),
    ],
)
def test_what_can_be_no_stage_is_refused_when_it_is_built(build):
    with pytest.raises(ConfigurationError):
        build()


async def test_a_pipeline_without_stages_is_refused():
    with pytest.raises(ConfigurationError, match="no stage"):
        pipeline().stream(1)


# ---- stopping


def alive() -> list[str]:
    tasks = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    return tasks + [t.name for t in threading.enumerate() if t.name == "rxllm stage"]


async def left() -> list[str]:
    """Tasks and threads of ours that are still there though everything has had its time to end."""
    for _ in range(1000):
        if not alive():
            break
        await asyncio.sleep(0.001)  # a thread that has said its last word is there a little longer
    return alive()


async def test_stop_ends_a_call_from_another_task():
    model = stalled()
    p = pipeline().prompt(model).map(str.upper)
    task = asyncio.create_task(p.call("q", run_id="mine"))
    await until(lambda: bool(model.requests))
    assert p.stop("mine")
    with pytest.raises(RxllmError, match="The run mine was stopped") as caught:
        await task
    assert caught.value.partial is not None
    assert model.closed == 1
    assert (p.stop("mine"), p.stop("another")) == (False, False)
    assert await left() == []


async def test_stop_ends_a_run_from_another_thread():
    p = pipeline().prompt(stalled())
    stream = p.stream("q").start()
    seen = watch(stream)
    await until(lambda: "so far" in shape(seen))
    assert await asyncio.to_thread(p.stop, stream.run_id)
    completion = await asyncio.wait_for(stream, 5)
    assert (completion.finish_reason, completion.text) == ("cancelled", "so far")
    with pytest.raises(RxllmError, match="has no value"):
        _ = stream.value


@pytest.mark.parametrize("phase", ["before", "function", "prompt", "branches", "between"])
async def test_a_cancel_in_any_phase_leaves_nothing(phase):
    began = asyncio.Event()
    models = [stalled(), stalled()]

    async def wait(value: str) -> str:
        began.set()
        return await asyncio.Event().wait() and value

    stages = {
        "before": pipeline().map(wait),
        "function": pipeline().map(wait),
        "prompt": pipeline().prompt(models[0]),
        "branches": pipeline().chain(parallel(*models, wait)),
        "between": pipeline().map(str.upper).prompt(models[0]),
    }
    stream = stages[phase].stream("q")
    seen = Seen()
    if phase == "between":
        stream.subscribe(lambda item: stream.cancel() if type(item) is StageCompleted else None)
    stream.subscribe(seen)
    if phase == "function":
        await asyncio.wait_for(began.wait(), 5)
    if phase in ("prompt", "branches"):
        await until(lambda: all(m.requests for m in models[: 1 if phase == "prompt" else 2]))
    if phase != "between":
        stream.cancel()
    completion = await asyncio.wait_for(stream, 5)
    assert completion.finish_reason == "cancelled"
    assert seen.completed == 1
    assert await left() == []
    assert all(model.closed == len(model.requests) for model in models)


@pytest.mark.parametrize("script", [hold_head(), stall(CHUNK)])
async def test_a_stop_leaves_no_socket(misbehaving, script):
    misbehaving.play(script)
    async with Model("openai:m", base_url=misbehaving.url) as model:
        p = pipeline().map(str.upper).chain(parallel(model, Agent(model)))
        task = asyncio.create_task(p.call("hi", run_id="mine"))
        await misbehaving.request(1)
        p.stop("mine")
        await misbehaving.no_sockets()
        with pytest.raises(RxllmError, match="was stopped"):
            await task


async def test_a_cancelled_caller_stops_its_run():
    model = stalled()
    task = asyncio.create_task(pipeline().prompt(model).call("q"))
    await until(lambda: bool(model.requests))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.closed == 1
    assert await left() == []


async def test_a_cancel_amid_the_finish_is_too_late():
    stream = pipeline().map(len).stream("q")
    seen = Seen()
    stream.subscribe(lambda item: stream.cancel() if type(item) is Finish else None)
    stream.subscribe(seen)
    assert (await asyncio.wait_for(stream, 5)).finish_reason == "stop"
    assert ([type(i) for i in seen].count(Finish), seen.completed, stream.value) == (1, 1, 1)
    assert await left() == []


def test_a_loop_that_ends_amid_a_run_tells_whoever_listens():
    seen = Seen()

    async def main() -> None:
        pipeline().prompt(stalled()).stream("q").subscribe(seen)
        await turns()

    asyncio.run(main())
    assert [type(e) for e in seen.errors] == [RxllmError]


async def test_when_the_last_holder_goes_the_model_is_closed_in_the_same_turn():
    model = stalled()
    stream = pipeline().prompt(model).stream("q")
    subscription = stream.subscribe()
    await until(lambda: bool(model.requests))
    subscription.dispose()
    assert model.closed == 1
    assert await left() == []


async def test_a_sync_function_that_is_stopped_ends_unheard():
    release, began = threading.Event(), threading.Event()

    def slow(_: object) -> str:
        began.set()
        release.wait(5)
        raise ValueError("nobody listens")

    stream = pipeline().map(slow).stream("q").start()
    await until(began.is_set)
    stream.cancel()
    assert (await stream).finish_reason == "cancelled"
    release.set()
    await until(lambda: not [t for t in threading.enumerate() if t.name == "rxllm stage"])
    assert await left() == []


# ---- pausing


async def test_a_pause_holds_the_stage_that_speaks_and_the_one_that_follows():
    first, second = ScriptedModel([Started("r"), "a", 0.0, "b"]), ScriptedModel(said("c"))
    stream = pipeline().prompt(first).prompt(second).stream("q")
    seen = watch(stream)
    stream.pipe(rx.filter(lambda item: item == TextDelta("a"))).subscribe(lambda _: stream.pause())
    await until(lambda: stream.is_paused)
    await turns(20)
    assert shape(seen)[-1] == "a"
    assert second.requests == []
    stream.resume()
    assert (await asyncio.wait_for(stream, 5)).text == "c"


async def test_a_model_that_is_asked_amid_a_pause_waits():
    gate = asyncio.Event()
    model = ScriptedModel(said("c"))

    async def wait(value: str) -> str:
        await gate.wait()
        return value

    sent: Any = Seen()
    stream = pipeline().map(wait).prompt(model, to=sent).stream("q")
    seen = watch(stream)
    await turns()
    stream.pause()
    gate.set()
    await turns(20)
    assert (shape(seen), sent) == (["+wait"], [])
    stream.resume()
    assert (await asyncio.wait_for(stream, 5)).text == "c"


# ---- tools


async def test_calls_of_two_agents_have_numbers_of_their_own_and_are_approved_by_them():
    @tool(needs_approval=True)
    async def look(word: str) -> str:
        return word.upper()

    def call(word: str) -> list[Any]:
        return [Started("r"), ToolCall(0, "id", "look", {"word": word}, f'{{"word":"{word}"}}'), Finish("tool_calls")]

    one = agent("one", call("a"), said("x"), tools=[look])
    two = agent("two", call("b"), said("y"), tools=[look])
    stream = pipeline().prompt(one).prompt(two).stream("q")
    asked: list[int] = []

    def answer(item: Any) -> None:
        if type(item) is ToolApprovalRequested:
            asked.append(item.call)
            stream.approve(item) if item.call == 0 else stream.deny(item.call, "No.")

    stream.subscribe(answer)
    seen = watch(stream)
    assert (await asyncio.wait_for(stream, 5)).text == "y"
    assert asked == [0, 1]
    assert [(i.call, i.result, i.error) for i in seen if type(i) is ToolCompleted] == [(0, "A", None), (1, None, "No.")]
    with pytest.raises(ConfigurationError, match="no call 7"):
        stream.approve(7)


async def test_a_models_own_call_cannot_be_approved():
    stream = pipeline().prompt(ScriptedModel([ToolCall(0, "id", "look", {})])).stream("q")
    await stream
    with pytest.raises(ConfigurationError, match="a model's own"):
        stream.approve(0)
    wrong: Any = "id"
    with pytest.raises(ConfigurationError, match="by its number"):
        stream.deny(wrong)


async def test_a_run_that_waits_for_approval_lives_while_nobody_holds_it(caplog: pytest.LogCaptureFixture):
    @tool(needs_approval=True)
    async def look() -> str:
        return "x"

    p = pipeline().prompt(agent("one", [ToolCall(0, "id", "look", {}), Finish("tool_calls")], tools=[look]))
    asked = asyncio.Event()
    p.stream("q", run_id="a").start().pipe(ops.of_type(ToolApprovalRequested)).subscribe(lambda _: asked.set())
    await asyncio.wait_for(asked.wait(), 5)
    gc.collect()
    assert p.stop("a")
    assert await left() == []
    assert caplog.records == []


# ---- many


async def test_many_values_run_some_at_a_time_and_come_in_their_order():
    running = most = 0

    async def work(n: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await turns(5 - n % 5)
        running -= 1
        return n * n

    told: list[tuple[int, int]] = []
    p = pipeline().map(work)
    assert await p.call_many(range(10), concurrency=3, progress=lambda *n: told.append(n)) == [n * n for n in range(10)]
    assert most == 3
    assert told == [(n, 10) for n in range(1, 11)]
    assert await p.call_many([]) == []


async def test_the_first_failure_of_many_stops_the_others_unless_it_is_to_be_returned():
    async def divide(n: int) -> float:
        await turns()
        return 1 / n

    with pytest.raises(ZeroDivisionError):
        await pipeline().map(divide).call_many([1, 0, 2], concurrency=2)
    assert await left() == []
    one, broken, half = await pipeline().map(divide).call_many([1, 0, 2], return_exceptions=True)
    assert (one, type(broken), half) == (1.0, ZeroDivisionError, 0.5)
    for wrong in (0, 1.5, "3"):
        with pytest.raises(ConfigurationError, match="at least 1"):
            await pipeline().map(divide).call_many([1], concurrency=wrong)


async def test_progress_that_nobody_would_await_is_refused():
    async def progress(*_: int) -> None: ...

    with pytest.raises(ConfigurationError, match="sync function"):
        await pipeline().map(len).call_many(["a"], progress=progress)


@pytest.mark.parametrize("wrong", [3, {"totl": 3}])
def test_limits_of_time_are_checked_at_once(wrong):
    with pytest.raises(ConfigurationError):
        pipeline(timeouts=wrong)


# ---- where it runs


async def test_two_runs_may_not_share_an_id_while_both_live():
    p = pipeline().prompt(stalled())
    first = p.stream("q", run_id="a").start()
    with pytest.raises(ConfigurationError, match="a run 'a' already"):
        p.stream("q", run_id="a")
    first.cancel()
    assert p.stream("q", run_id="a").run_id == "a"


async def test_time_limits_are_those_of_the_whole_run():
    stream = pipeline(timeouts={"total": 0.01}).prompt(stalled()).stream("q")
    with pytest.raises(RxllmError, match="The answer was not complete"):
        await asyncio.wait_for(stream, 5)
    assert await left() == []


async def test_a_pipeline_may_be_given_its_scheduler():
    assert (await pipeline().prompt(ScriptedModel(said("a"))).stream("q", scheduler=loop_scheduler())).text == "a"


def test_without_a_loop_it_says_what_is_missing():
    with pytest.raises(ConfigurationError, match="No event loop"):
        pipeline().map(len).stream("q")


def test_a_pipeline_says_what_it_is_made_of():
    assert repr(pipeline().map(str.upper).map(len)) == "Pipeline('pipeline': upper → len)"
