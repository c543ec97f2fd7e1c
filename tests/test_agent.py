"""The agent as a stream: its turns, its three levels, its controls and how it fails."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from pydantic import BaseModel
from virtual_loop import played, virtually

from rxllm import Finish, Message, RxllmError, TextDelta, Timeouts, ToolCall, ToolCallDelta, TotalTimeout, Usage
from rxllm import operators as ops
from rxllm.agent import Agent, AgentStream
from rxllm.attempts import fallback, hedge
from rxllm.errors import ConfigurationError, OverloadedError
from rxllm.testing import ScriptedModel
from rxllm.tools import tool
from rxllm.turn_items import ToolApprovalRequested, ToolCompleted, ToolStarted, TurnStarted

WAIT = ToolCall(0, "id_0", "wait", {"seconds": 2}, '{"seconds": 2}')


class Place(BaseModel):
    """An answer."""

    city: str
    people: int


@tool
async def wait(seconds: float) -> float:
    """Take so many seconds."""
    await asyncio.sleep(seconds)
    return seconds


def agent(*answers: Any, **options: Any) -> Agent:
    return Agent(ScriptedModel(*answers), tools=[wait], **options)


def test_three_levels_ask_the_same():
    async def run() -> list[str]:
        asked = agent(["a"], ["b"], ["c"])
        history = [Message.user("Hi"), Message.assistant("Hello")]
        streams = [asked.prompt("x"), asked.chat("x", history), asked.stream("x")]
        return [(await stream).text for stream in streams]

    assert virtually(run()) == ["a", "b", "c"]


def test_instructions_and_tools_stand_in_every_request():
    asked = agent([WAIT], ["ok"], instructions="Be brief.")
    played(asked)
    model: Any = asked.model
    for request in model.requests:
        assert request.messages[0] == Message.system("Be brief.")
        assert [spec.name for spec in request.tools] == ["wait"]


def test_what_the_agent_says_stands_above_the_models_own_settings():
    asked = Agent(ScriptedModel(["ok"], temperature=0.9, tools=[{"name": "other"}]), tools=[wait], temperature=0.1)
    played(asked)
    model: Any = asked.model
    assert model.requests[0].temperature == 0.1
    assert [spec.name for spec in model.requests[0].tools] == ["wait"]


def test_the_messages_of_a_run_go_on_with_the_conversation():
    async def run() -> list[str]:
        stream = agent([WAIT], ["ok"]).stream("go")
        await stream
        return [message.role for message in stream.messages]

    assert virtually(run()) == ["assistant", "tool", "assistant"]


def test_a_run_that_finds_no_answer_ends_at_its_most_turns():
    lines = played(agent([WAIT], [WAIT], [WAIT], max_turns=2))
    assert lines[-1] == (
        "4 RxllmError: The agent agent had no answer after 2 turns. Raise max_turns, or look at what it asks its "
        "tools for."
    )


def test_an_answer_that_pauses_is_asked_again():
    lines = played(agent(["a", Finish("pause")], ["b"]))
    assert [line for line in lines if line.startswith("0 '")] == ["0 'a'", "0 'b'"]
    assert lines[-1] == "0 finish stop"


def test_a_model_that_fails_fails_the_run_with_what_had_come():
    async def run() -> Any:
        with pytest.raises(OverloadedError) as caught:
            await agent([WAIT], ["par", OverloadedError("full")]).stream("go")
        return caught.value.partial

    assert virtually(run()).text == "par"


def test_output_is_an_instance_and_its_partials_are_live():
    partials: list[Any] = []

    async def run() -> Any:
        asked = agent(['{"city": "Ro', 1.0, 'me", "people": 3}'], output=Place)
        stream = asked.stream("go")
        stream.pipe(ops.partial(Place)).subscribe(partials.append)
        return await stream

    completion = virtually(run())
    assert completion.output == Place(city="Rome", people=3)
    assert len(partials) >= 2


def test_an_answer_that_does_not_fit_is_asked_for_again():
    async def run() -> Any:
        asked = agent(['{"city": 1}'], ['{"city": "Rome", "people": 3}'], output=Place)
        stream = asked.stream("go")
        partials: list[Any] = []
        stream.pipe(ops.partial(Place)).subscribe(partials.append)
        completion = await stream
        model: Any = asked.model
        return completion, model.requests[1].messages[-1], partials[-1]

    completion, complaint, last = virtually(run())
    assert completion.output == last.value == Place(city="Rome", people=3)
    assert complaint.content.startswith("The answer does not fit Place: city: Input should be a valid string; people")


def test_answers_that_never_fit_fail_the_run():
    lines = played(agent(*[["no"]] * 2, output=Place, max_tool_errors=1))
    assert lines[-1].startswith("0 ToolError: 2 tool calls or answers failed")


def approve_after_a_second(stream: AgentStream, item: Any) -> None:
    if isinstance(item, ToolApprovalRequested):
        asyncio.get_running_loop().call_later(1, stream.approve, item)


def test_a_tool_that_needs_approval_waits_for_it():
    asked = Agent(ScriptedModel([WAIT], ["ok"]), tools=[tool(needs_approval=True)(wait.function)])
    lines = played(asked, approve_after_a_second)
    assert lines[2:5] == ["0 may wait 0?", "1 start wait 0", "3 wait 0 gave 2.0"]


def test_approval_from_inside_the_delivery_counts():
    asked = Agent(ScriptedModel([WAIT], ["ok"]), tools=[tool(needs_approval=True)(wait.function)])
    lines = played(asked, lambda s, item: s.approve(item) if isinstance(item, ToolApprovalRequested) else None)
    assert "0 start wait 0" in lines


def test_an_agent_in_a_models_place_is_approved_too_and_its_calls_have_numbers_of_their_own():
    asks = tool(needs_approval=True)(wait.function)
    inner = Agent(ScriptedModel([WAIT], ["no"], [WAIT], ['{"city": "Rome", "people": 3}']), tools=[asks])
    lines = played(Agent(inner, output=Place), approve_at_once)
    assert [line for line in lines if " start " in line] == ["0 start wait 0", "2 start wait 1"]
    assert lines[-1] == "4 finish stop"


def test_a_denied_tool_does_not_run_and_the_model_is_told_why():
    asked = Agent(ScriptedModel([WAIT], ["ok"]), tools=[tool(needs_approval=True)(wait.function)], max_tool_errors=0)
    lines = played(asked, lambda s, item: s.deny(0, "Too long.") if isinstance(item, ToolApprovalRequested) else None)
    assert "0 wait 0 failed: Too long." in lines
    assert not [line for line in lines if "start" in line]
    assert lines[-1] == "0 finish stop"


@pytest.mark.parametrize(("limit", "asks"), [(1, True), (5, False)])
def test_approval_may_depend_on_the_arguments(limit, asks):
    guarded = tool(needs_approval=lambda seconds: seconds > limit)(wait.function)
    lines = played(Agent(ScriptedModel([WAIT], ["ok"]), tools=[guarded]), approve_after_a_second)
    assert ("0 may wait 0?" in lines) is asks


def test_a_cancel_while_approval_is_awaited_ends_it():
    asked = Agent(ScriptedModel([WAIT], ["ok"]), tools=[tool(needs_approval=True)(wait.function)])
    lines = played(asked, lambda s, item: s.cancel() if isinstance(item, ToolApprovalRequested) else None)
    assert lines[-1] == "0 finish cancelled"


def test_nothing_is_delivered_while_paused_and_all_after():
    def pause_for_ten(stream: AgentStream, item: Any) -> None:
        if isinstance(item, ToolStarted):
            stream.pause()
            asyncio.get_running_loop().call_later(10, stream.resume)

    lines = played(agent([WAIT], ["ok"]), pause_for_ten)
    assert lines[2:4] == ["0 start wait 0", "10 wait 0 gave 2.0"]
    assert lines[-1] == "10 finish stop"


def test_the_models_time_outs_hold_for_each_turn_and_not_for_the_tools():
    model = ScriptedModel([3.0, WAIT], [3.0, "ok"], timeouts=Timeouts(total=4))
    assert played(Agent(model, tools=[wait]))[-1] == "8 finish stop"
    model = ScriptedModel([3.0, WAIT], [5.0, "ok"], timeouts=Timeouts(total=4))
    assert played(Agent(model, tools=[wait]))[-1].startswith("9 TotalTimeout")


def test_the_agents_total_time_out_holds_for_the_whole_run():
    asked = agent([3.0, WAIT], [3.0, "ok"], timeouts=Timeouts(total=7))

    async def run() -> Any:
        with pytest.raises(TotalTimeout) as caught:
            await asked.stream("go")
        return caught.value.seconds, asyncio.get_running_loop().time()

    assert virtually(run()) == (7, 7)


@pytest.mark.parametrize("group", [fallback, hedge])
def test_several_models_answer_for_one(group):
    options = {"after": 1.0} if group is hedge else {}
    first = ScriptedModel([OverloadedError("full")], [OverloadedError("full")])
    second = ScriptedModel([WAIT], ["ok"])
    lines = played(Agent(group(first, second, **options), tools=[wait]))
    assert lines[-1].endswith("finish stop")


def test_a_call_is_run_early_the_moment_its_arguments_close():
    early = tool(early=True)(wait.function)
    pieces = [ToolCallDelta(0, "wait", '{"seconds"', id="id_0"), 1.0, ToolCallDelta(0, None, ": 2}"), 5.0, WAIT]
    lines = played(Agent(ScriptedModel(pieces, ["ok"]), tools=[early]))
    assert [line for line in lines if "wait 0" in line] == ["1 start wait 0", "3 wait 0 gave 2.0", "6 call wait 0"]


def test_an_early_call_is_run_once_and_late_ones_beside_it():
    early = tool(early=True)(wait.function)

    @tool
    async def late() -> str:
        return "late"

    answer = [ToolCallDelta(0, "wait", '{"seconds": 2}'), 1.0, WAIT, ToolCall(1, "id_1", "late", {})]
    lines = played(Agent(ScriptedModel(answer, ["ok"]), tools=[early, late]))
    assert [line for line in lines if "start" in line] == ["0 start wait 0", "1 start late 1"]


def test_an_early_call_of_a_void_attempt_is_cancelled():
    from rxllm import Rollback, Started

    early = tool(early=True)(wait.function)
    void = [Started("a"), ToolCallDelta(0, "wait", '{"seconds": 9}'), 1.0, Rollback(1), Started("b"), WAIT]
    lines = played(Agent(ScriptedModel(void, ["ok"]), tools=[early]))
    assert [line for line in lines if "wait 0" in line and "piece" not in line] == [
        "0 start wait 0",
        "1 call wait 0",
        "1 start wait 0",
        "3 wait 0 gave 2.0",
    ]


def test_an_early_call_of_an_answer_that_is_cut_is_cancelled_and_says_so():
    early = tool(early=True)(wait.function)
    answer = [ToolCallDelta(0, "wait", '{"seconds": 9}'), 1.0, Finish("length")]
    lines = played(Agent(ScriptedModel(answer), tools=[early]))
    assert "1 wait 0 failed: It began early and was cancelled: the answer ended with 'length'." in lines
    assert lines[-1] == "1 finish length"


def test_an_early_call_that_the_provider_corrects_is_run_anew():
    early = tool(early=True)(wait.function)
    answer = [ToolCallDelta(0, "wait", '{"seconds": 9}'), 1.0, WAIT]
    lines = played(Agent(ScriptedModel(answer, ["ok"]), tools=[early]))
    assert lines[-1] == "3 finish stop"
    assert "3 wait 0 gave 2.0" in lines


def test_a_late_subscriber_gets_the_whole_run():
    async def run() -> list[type]:
        stream = agent([WAIT], ["ok"]).stream("go")
        await stream
        late: list[Any] = []
        stream.subscribe(late.append)
        return [type(item) for item in late]

    kinds = virtually(run())
    assert kinds[0] is TurnStarted
    assert kinds.count(ToolCompleted) == 1
    assert kinds[-1] is Finish


def test_a_tool_may_cancel_its_own_run():
    holder: list[AgentStream] = []

    @tool
    async def stop() -> None:
        holder[0].cancel()
        await asyncio.sleep(1000)

    asked = Agent(ScriptedModel([ToolCall(0, "x", "stop", {})], ["ok"]), tools=[stop])
    lines = played(asked, lambda stream, _: holder.append(stream))
    assert lines[-1] == "0 finish cancelled"


def test_the_context_reaches_the_tools_and_not_the_model():
    @tool
    async def who(ctx: dict[str, str]) -> str:
        return ctx["user"]

    asked = Agent(ScriptedModel([ToolCall(0, "x", "who", {})], ["ok"]), tools=[who])
    assert "0 who 0 gave Ada" in played(asked, ctx={"user": "Ada"})
    model: Any = asked.model
    assert model.requests[0].tools[0].parameters["properties"] == {}


def test_a_context_of_another_type_is_refused_before_anything_is_sent():
    @tool
    async def who(ctx: Place) -> str:
        return ctx.city

    asked = Agent(ScriptedModel(["ok"]), tools=[who])

    async def run() -> None:
        with pytest.raises(ConfigurationError, match="needs a context of type Place, and got NoneType"):
            asked.stream("go")

    virtually(run())


def test_two_tools_of_one_name_are_refused():
    with pytest.raises(ConfigurationError, match="Two tools are called 'wait'"):
        Agent(ScriptedModel(), tools=[wait, wait])


@pytest.mark.parametrize(
    "options",
    [
        *({"max_turns": wrong} for wrong in (0, 2.5, "3")),
        *({"max_tool_errors": -1}, {"temprature": 1}, {"name": None}, {"instructions": 3}),
        *({"output": wrong} for wrong in (dict, "json", list[int])),
        *({"timeouts": wrong} for wrong in (3, {"totl": 3})),
    ],
)
def test_a_wrong_option_is_told_at_once(options):
    with pytest.raises(ConfigurationError):
        agent(**options)


@pytest.mark.parametrize("tools", [wait, "wait", [3]])
def test_what_are_no_tools_is_refused(tools):
    with pytest.raises(ConfigurationError):
        Agent(ScriptedModel(), tools=tools)


def test_what_is_no_model_is_refused():
    given: Any = "openai:gpt-4o-mini"
    with pytest.raises(ConfigurationError, match=r"expected a model, e.g. Model"):
        Agent(given)


def test_timeouts_may_be_a_dict():
    assert agent(timeouts={"total": 3}).timeouts.total == 3


@pytest.mark.parametrize("wrong", ["id_0", None, TextDelta("a")])
def test_what_is_no_call_cannot_be_approved(wrong):
    async def run() -> None:
        stream = Agent(ScriptedModel([WAIT], ["ok"]), tools=[tool(needs_approval=True)(wait.function)]).stream("go")
        with pytest.raises(ConfigurationError, match="by its number"):
            stream.approve(wrong)
        with pytest.raises(ConfigurationError, match="by its number"):
            stream.deny(wrong)

    virtually(run())


def test_approval_may_come_from_another_thread():
    def approve(stream: AgentStream, item: Any) -> None:
        if isinstance(item, ToolApprovalRequested):
            threading.Thread(target=stream.approve, args=(item,)).start()

    asked = Agent(ScriptedModel([WAIT], ["ok"]), tools=[tool(needs_approval=True)(wait.function)])
    assert played(asked, approve)[-1] == "2 finish stop"


def test_a_shut_down_of_the_loop_fails_the_run_and_hangs_nobody():
    async def run() -> str:
        stream = agent([WAIT], ["ok"]).stream("go").start()
        await asyncio.sleep(1)
        (job,) = [task for task in asyncio.all_tasks() if task.get_name() == "rxllm tool wait"]
        job.cancel()
        with pytest.raises(RxllmError) as caught:
            await stream
        return str(caught.value)

    assert virtually(run()) == "The event loop was shut down while tool wait ran."


def test_text_of_all_turns_flows():
    texts: list[str] = []

    async def run() -> None:
        stream = agent([TextDelta("a"), WAIT], ["b"]).stream("go")
        stream.pipe(ops.text()).subscribe(texts.append)
        await stream

    virtually(run())
    assert texts == ["a", "b"]


def everything() -> Agent:
    """Two turns: text, an early tool, a late one, one that asks, one that tells its progress."""
    early, asks = tool(early=True, name="early")(wait.function), tool(needs_approval=True, name="asks")(wait.function)

    @tool
    async def count():
        yield 1
        yield 2

    calls = [ToolCall(n, f"id_{n}", name, {"seconds": n}) for n, name in enumerate(("early", "wait", "asks"))]
    first = ["I", 0.5, ToolCallDelta(0, "early", '{"seconds": 0}'), 0.5, *calls, ToolCall(3, "id_3", "count", {}), 0.5]
    return Agent(ScriptedModel(first, ["so", 0.5, "it"]), tools=[early, wait, asks, count])


def approve_at_once(stream: AgentStream, item: Any) -> None:
    if isinstance(item, ToolApprovalRequested):
        stream.approve(item)


def said(lines: list[str]) -> list[str]:
    """What was told, without the clock."""
    return sorted(line.split(" ", 1)[1] for line in lines if "answered" not in line)


@pytest.mark.parametrize("end", ["resume", "cancel"])
def test_a_pause_at_any_item_delivers_nothing_and_loses_nothing(end):
    whole = played(everything(), approve_at_once)
    assert len(whole) > 20
    for at in range(len(whole) - 1):
        count, paused = 0, False

        def pause(stream: AgentStream, item: Any, at: int = at) -> None:
            nonlocal count, paused
            assert not paused or end == "cancel", item
            count += 1
            approve_at_once(stream, item)
            if count == at + 1:

                def go_on() -> None:
                    nonlocal paused
                    paused = False
                    stream.resume() if end == "resume" else stream.cancel()

                paused = True
                stream.pause()
                asyncio.get_running_loop().call_later(9, go_on)

        lines = played(everything(), pause)
        if end == "resume":
            assert said(lines) == said(whole)
        else:
            assert len(lines) == at + 2
            assert lines[-1].endswith("finish cancelled")


def test_no_request_is_sent_while_paused():
    def pause_for_ten(stream: AgentStream, item: Any) -> None:
        if isinstance(item, ToolStarted):
            stream.pause()
            asyncio.get_running_loop().call_later(5, lambda: asked.append(len(model.requests)))
            asyncio.get_running_loop().call_later(10, stream.resume)

    asked: list[int] = []
    model = ScriptedModel([WAIT], ["ok"])
    assert played(Agent(model, tools=[wait]), pause_for_ten)[-1] == "10 finish stop"
    assert (asked, len(model.requests)) == ([1], 2)


def test_a_cancelled_run_costs_what_was_told_and_what_was_counted():
    async def run() -> Any:
        first = [WAIT, Finish("tool_calls", usage=Usage(10, 20))]
        stream = agent(first, [Usage(7), "a", "b", 1.0, "c"]).stream("go").start()
        await asyncio.sleep(2.5)
        stream.cancel()
        return (await stream).usage

    assert virtually(run()) == Usage(17, 22, estimated=True)


def test_a_run_that_is_cancelled_between_turns_has_lost_no_usage():
    async def run() -> Any:
        stream = agent([WAIT, Finish("tool_calls", usage=Usage(10, 20))]).stream("go").start()
        await asyncio.sleep(1)
        stream.cancel()
        return (await stream).usage

    assert virtually(run()) == Usage(10, 20, estimated=True)


def test_a_choice_that_the_model_itself_is_bound_to_holds_for_the_first_turn_only_too():
    model = ScriptedModel([WAIT], ["ok"], tool_choice="required")
    played(Agent(model, tools=[wait]))
    assert [request.tool_choice for request in model.requests] == ["required", None]


async def test_where_an_agent_fails_before_it_says_anything_the_next_one_is_asked():
    broken = Agent(ScriptedModel("#"), name="broken")
    sound = Agent(ScriptedModel("a|"), name="sound")
    async with fallback(broken, sound) as agents:
        assert (await agents.stream("Go.")).text == "a"


async def test_an_approval_behind_a_fallback_reaches_the_agent_that_asks():
    @tool(needs_approval=True)
    async def book(room: int) -> str:
        return f"booked {room}"

    call = """({call 0 book '{"room":6}' id=c}{tool_call 0 c book {'room':6} '{"room":6}'}{finish tool_calls}|)"""
    broken = Agent(ScriptedModel("#"))
    sound = Agent(ScriptedModel(call, "a({finish stop}|)"), tools=[book])
    async with fallback(broken, sound) as agents:
        stream = agents.stream("Go.")
        stream.pipe(ops.of_type(ToolApprovalRequested)).subscribe(stream.approve)
        async with asyncio.timeout(5):
            completion = await stream
        assert (completion.text, [m.role for m in stream.messages]) == ("a", ["assistant", "tool", "assistant"])
