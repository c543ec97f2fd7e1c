"""The tools of a turn: all at once, each in its own time, answered in the model's order."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_loop import played

from rxllm import Finish, Rollback, Started, TextDelta, ToolCall, Usage
from rxllm.agent import Agent
from rxllm.testing import ScriptedModel
from rxllm.tools import Tool, tool


def call(name: str, number: int = 0, **arguments: Any) -> ToolCall:
    return ToolCall(number, f"id_{number}", name, arguments, "{}")


@tool
async def wait(seconds: float) -> float:
    """Take so many seconds."""
    await asyncio.sleep(seconds)
    return seconds


@tool
async def fail(why: str = "no reason") -> None:
    """Fail."""
    raise ValueError(why)


@tool
async def count(upto: int):
    """Tell how far it is."""
    for number in range(upto):
        await asyncio.sleep(1)
        yield number


def agent(*answers: Any, tools: Any = (wait, fail, count), **options: Any) -> Agent:
    return Agent(ScriptedModel(*answers), tools=tools, **options)


def results(asked: Agent, turn: int = 1) -> list[tuple[str | None, Any]]:
    """What the model was told in a turn."""
    model: Any = asked.model
    return [(m.tool_call_id, m.content) for m in model.requests[turn].messages if m.role == "tool"]


def test_tools_of_a_turn_run_at_once_and_answer_in_the_models_order():
    asked = agent([call("wait", 0, seconds=3), call("wait", 1, seconds=1)], ["ok"])
    assert played(asked) == [
        "0 turn 1",
        "0 call wait 0",
        "0 call wait 1",
        "0 start wait 0",
        "0 start wait 1",
        "1 wait 1 gave 1.0",
        "3 wait 0 gave 3.0",
        "3 turn 1 done",
        "3 turn 2",
        "3 'ok'",
        "3 turn 2 done",
        "3 answered after 3 s",
        "3 finish stop",
    ]
    assert results(asked) == [("id_0", "3.0"), ("id_1", "1.0")]


def test_no_tool_starts_before_the_models_finish():
    lines = played(agent([call("wait", seconds=1), 5.0, Finish("tool_calls")], ["ok"]))
    assert "5 start wait 0" in lines


def test_a_retried_attempt_runs_no_tool_twice():
    void = [Started("a"), call("wait", seconds=1), 1.0, Rollback(1), Started("b"), call("wait", seconds=2)]
    lines = played(agent(void, ["ok"]))
    assert [line for line in lines if "start" in line] == ["1 start wait 0"]
    assert "3 wait 0 gave 2.0" in lines


def test_a_tool_that_fails_is_told_to_the_model_and_stops_no_other():
    asked = agent([call("fail", 0, why="full"), call("wait", 1, seconds=1)], ["ok"])
    assert "0 fail 0 failed: fail failed: ValueError: full" in played(asked)
    assert results(asked) == [("id_0", "fail failed: ValueError: full"), ("id_1", "1.0")]


def test_a_tool_that_hangs_is_ended_by_its_timeout():
    @tool(timeout=2)
    async def hang() -> None:
        await asyncio.sleep(math.inf)

    asked = agent([call("hang")], ["ok"], tools=[hang])
    assert "2 hang 0 failed: hang did not end within 2 s." in played(asked)


def test_a_tool_that_is_cancelled_from_within_is_a_failed_one():
    @tool
    async def give_up() -> None:
        raise asyncio.CancelledError

    asked = agent([call("give_up")], ["ok"], tools=[give_up])
    assert "0 give_up 0 failed: give_up was cancelled from within." in played(asked)
    assert results(asked) == [("id_0", "give_up was cancelled from within.")]


def test_bad_arguments_are_told_to_the_model_and_nothing_runs():
    asked = agent([call("wait", seconds="long")], ["ok"])
    lines = played(asked)
    assert not [line for line in lines if "start" in line]
    ((_, told),) = results(asked)
    assert "seconds: Input should be a valid number" in told
    assert "call again" in told


def test_arguments_that_are_no_json_are_told_and_the_call_goes_back_without_them():
    asked = agent([ToolCall(0, "x", "wait", None, '{"seconds":')], ["ok"])
    played(asked)
    assert "not a JSON object" in results(asked)[0][1]
    model: Any = asked.model
    (back,) = model.requests[1].messages[1].tool_calls
    assert (back.id, back.arguments) == ("x", "{}")


def test_an_unknown_tool_is_told_with_those_that_there_are():
    asked = agent([call("guess")], ["ok"])
    played(asked)
    assert results(asked) == [("id_0", "There is no tool 'guess'. There are: wait, fail, count.")]


def test_of_two_calls_with_one_id_the_first_runs_and_has_the_one_result():
    twice = [ToolCall(n, "same", "wait", {"seconds": n + 1}, f'{{"seconds": {n + 1}}}') for n in range(2)]
    asked = agent(twice, ["ok"])
    lines = played(asked)
    assert [line for line in lines if "start" in line] == ["0 start wait 0"]
    assert "0 wait 1 failed: The id same was used for two calls; only the first was run." in lines
    assert results(asked) == [("same", "1.0")]
    model: Any = asked.model
    assert [c.arguments for c in model.requests[1].messages[1].tool_calls] == ['{"seconds": 1}']


def test_calls_without_an_id_each_have_their_result():
    asked = agent([ToolCall(n, None, "wait", {"seconds": n}) for n in range(2)], ["ok"])
    played(asked)
    model: Any = asked.model
    assert [c.id for c in model.requests[1].messages[1].tool_calls] == [id_ for id_, _ in results(asked)]
    assert len({id_ for id_, _ in results(asked)}) == 2


def test_what_a_tool_yields_is_progress_and_its_last_the_result():
    lines = played(agent([call("count", upto=2)], ["ok"]))
    assert lines[2:6] == ["0 start count 0", "1 count says 0", "2 count says 1", "2 count 0 gave 1"]


def test_a_sync_tool_runs_beside_the_loop():
    import threading

    threads: list[str] = []

    @tool
    def work() -> str:
        threads.append(threading.current_thread().name)
        return "done"

    assert "0 work 0 gave done" in played(agent([call("work")], ["ok"], tools=[work]))
    assert threads == ["rxllm tool work"]


def test_no_more_calls_run_at_once_than_the_tool_allows():
    limited = Tool(wait.function, max_concurrency=2)
    lines = played(agent([call("wait", n, seconds=1) for n in range(5)], ["ok"], tools=[limited]))
    assert [line[0] for line in lines if "start" in line] == ["0", "0", "1", "1", "2"]


def test_calls_are_numbered_through_the_whole_run():
    lines = played(agent([call("wait", seconds=1)], [call("wait", seconds=1)], ["ok"]))
    assert [line for line in lines if "start" in line] == ["0 start wait 0", "1 start wait 1"]


def test_too_many_failures_fail_the_run_and_name_the_last():
    asked = agent(*[[call("fail", why=str(n))] for n in range(3)], max_tool_errors=1)
    lines = played(asked)
    assert lines[-1].startswith("0 ToolError: 2 tool calls or answers failed, and max_tool_errors is 1. The last: 1")


def test_a_result_that_cannot_be_written_is_a_failure_the_model_is_told():
    class Unsaid:
        def __str__(self) -> str:
            raise OSError("gone")

    @tool
    async def odd() -> Any:
        return Unsaid()

    asked = agent([call("odd")], ["ok"], tools=[odd])
    played(asked)
    assert "odd failed" in results(asked)[0][1]


@pytest.mark.parametrize("reason", ["length", "content_filter", "refusal"])
def test_calls_of_an_answer_that_was_cut_do_not_run_nor_go_back(reason):
    asked = agent(["so", call("wait", seconds=1), Finish(reason)])
    lines = played(asked)
    assert not [line for line in lines if "start" in line]
    assert lines[-1] == f"0 finish {reason}"


def test_a_forced_choice_holds_for_the_first_turn_only():
    asked = agent([call("wait", seconds=1)], ["ok"])
    played(asked, tool_choice="required")
    model: Any = asked.model
    assert [request.tool_choice for request in model.requests] == ["required", None]


def test_a_script_that_ends_too_early_fails_the_run_and_hangs_nobody():
    assert "has 1 answers and is asked for number 2" in played(agent([call("wait", seconds=1)]))[-1]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["wait", "fail", "none"])), min_size=1, max_size=5))
def test_every_call_has_one_start_at_most_one_end_and_one_result_in_order(wanted):
    calls = [
        call(name, n, **({"seconds": seconds} if name == "wait" else {})) for n, (seconds, name) in enumerate(wanted)
    ]
    asked = agent(calls, ["ok"], max_tool_errors=9)
    lines = played(asked)
    ends = [line.split()[2] for line in lines if " gave " in line or " failed: " in line]
    assert sorted(ends) == sorted(str(n) for n in range(len(calls)))
    assert [id_ for id_, _ in results(asked)] == [each.id for each in calls]
    slowest = max([seconds for seconds, name in wanted if name == "wait"], default=0)
    assert lines[-1] == f"{slowest} finish stop"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.builds(Usage, st.integers(0, 9), st.integers(0, 9) | st.none()), min_size=1, max_size=4))
def test_usage_adds_up_over_turns(usages):
    *before, last = usages
    answers = [[call("fail"), Finish("tool_calls", usage=usage)] for usage in before]
    asked = agent(*answers, ["ok", Finish("stop", usage=last)], max_tool_errors=9)
    seen: list[Any] = []
    played(asked, lambda _, item: seen.append(item))
    finish = seen[-1]
    assert finish.usage.input_tokens == sum(u.input_tokens for u in usages)
    assert (finish.usage.output_tokens or 0) == sum(u.output_tokens or 0 for u in usages)
    assert seen[-2].usage == finish.usage


def test_text_before_a_call_is_not_the_answer():
    import virtual_loop

    async def run() -> Any:
        return await agent([TextDelta("Let me see"), call("wait", seconds=1)], ["Sun."]).stream("go")

    completion = virtual_loop.virtually(run())
    assert completion.text == "Sun."
    assert [turn.text for turn in completion.turns] == ["Let me see", "Sun."]


def test_a_call_that_the_provider_ran_itself_is_not_run_again():
    theirs = ToolCall(0, "x", "wait", {"seconds": 1}, '{"seconds": 1}', extra={"execution": "server"})
    lines = played(agent([theirs, "ok"]))
    assert not [line for line in lines if "start" in line]
    assert lines[-1] == "0 finish tool_calls"
