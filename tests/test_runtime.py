from __future__ import annotations

import asyncio
import gc
import math
import threading
from typing import Any

import pytest
from loop_clock import turns
from reactivex import operators as rx

from rxllm.agent import Agent
from rxllm.errors import ConfigurationError, ProviderError
from rxllm.items import Finish, Started, TextDelta
from rxllm.pipelines import pipeline
from rxllm.runtime import RunItem, Runtime
from rxllm.testing import ScriptedModel
from rxllm.turn_items import StageStarted


def watched(*sources: Any, **names: Any) -> tuple[Runtime, list[RunItem]]:
    runtime = Runtime()
    runtime.watch(*sources, **names)
    seen: list[RunItem] = []
    runtime.subscribe(seen.append)
    return runtime, seen


async def test_one_observer_sees_every_watched_run_with_its_position_and_time():
    model, agent = ScriptedModel("a|", name="writer"), Agent(ScriptedModel("b|"), name="reader")
    _, seen = watched(model, agent)
    one, other = model.stream("q"), agent.stream("q")
    await one
    await other
    assert [(i.name, i.position) for i in seen if i.name == "writer"] == [("writer", 0), ("writer", 1)]
    assert [i.item for i in seen if type(i.item) is TextDelta] == [TextDelta("a"), TextDelta("b")]
    assert len({i.run_id for i in seen}) == 2
    assert all(i.at >= 0 for i in seen)
    assert sum(type(i.item) is Finish for i in seen) == 2


async def test_watching_starts_nothing_and_holds_nothing():
    model = ScriptedModel(["a", math.inf])
    runtime, seen = watched(model)
    stream = model.stream("q")
    await turns()
    assert (model.requests, seen) == ([], [])
    subscription = stream.subscribe()
    await turns()
    subscription.dispose()
    assert model.closed == 1
    assert seen[-1].item.reason == "cancelled"
    assert runtime.runs == []


async def test_a_run_is_stopped_by_its_id_from_a_thread():
    model = ScriptedModel(["a", math.inf], ["b", math.inf])
    runtime, seen = watched(model)
    one, other = model.stream("q").start(), model.stream("q").start()
    await turns()
    assert sorted(runtime.runs) == sorted({i.run_id for i in seen})
    assert await asyncio.to_thread(runtime.stop, seen[0].run_id)
    assert (await asyncio.wait_for(one, 5)).finish_reason == "cancelled"
    assert runtime.runs == [seen[1].run_id]
    runtime.stop_all()
    assert (await asyncio.wait_for(other, 5)).finish_reason == "cancelled"
    assert runtime.stop(seen[0].run_id) is False


async def test_a_failed_run_ends_with_its_error():
    model = ScriptedModel([Started("r"), "a", ProviderError("overloaded", status=529)])
    runtime, seen = watched(model)
    with pytest.raises(ProviderError):
        await model.stream("q")
    assert (type(seen[-1].item), seen[-1].position) == (ProviderError, 2)
    assert runtime.runs == []


async def test_a_pipelines_run_has_the_same_id_here_and_there():
    p = pipeline(name="flow").prompt(ScriptedModel("a|"))
    _, seen = watched(p)
    await p.call("q", run_id="mine")
    assert {(i.run_id, i.name) for i in seen} == {("mine", "flow")}
    assert type(seen[0].item) is StageStarted


async def test_an_agent_in_a_pipeline_is_a_run_of_its_own_and_stopping_it_lets_the_next_stage_go_on():
    slow = ScriptedModel([Started("r"), "half", math.inf])
    runtime, seen = watched(slow)
    task = asyncio.create_task(pipeline().prompt(slow).map(str.upper).call("q"))
    await turns(20)
    assert runtime.stop(seen[0].run_id)
    assert await asyncio.wait_for(task, 5) == "HALF"


async def test_an_observer_that_raises_disturbs_neither_the_run_nor_the_others():
    model = ScriptedModel("ab|")
    runtime, seen = watched(model)
    errors: list[Exception] = []
    runtime.subscribe(lambda _: 1 / 0, errors.append)
    assert (await model.stream("q")).text == "ab"
    assert [type(e) for e in errors] == [ZeroDivisionError]
    assert len(seen) == 3


async def test_it_pipes_as_any_observable_and_a_gone_observer_is_told_nothing():
    model = ScriptedModel("a|", "b|")
    runtime, _ = watched(model, name="m")
    texts: list[str] = []
    piped = runtime.pipe(rx.filter(lambda i: type(i.item) is TextDelta), rx.map(lambda i: f"{i.name}:{i.item.text}"))
    with piped.subscribe(texts.append):
        await model.stream("q")
    await model.stream("q")
    assert texts == ["m:a"]


async def test_a_stream_that_nobody_ever_used_is_forgotten():
    model = ScriptedModel("a|")
    runtime, _ = watched(model)
    model.stream("q")
    gc.collect()
    assert runtime.runs == []


async def test_what_is_watched_twice_is_told_once_by_its_last_name():
    model = ScriptedModel("a|")
    runtime, seen = watched(model)
    runtime.watch(model, name="again")
    await model.stream("q")
    assert [i.name for i in seen] == ["again", "again"]


async def test_two_runtimes_may_watch_one_source():
    model = ScriptedModel("a|")
    _, one = watched(model)
    _, other = watched(model)
    await model.stream("q")
    assert len(one) == len(other) == 2


async def test_a_run_that_begins_at_once_is_seen_from_its_first_item():
    model = ScriptedModel("ab|")
    _, seen = watched(model)
    await model.stream("q", to=lambda _: None, replay=False)
    assert [i.position for i in seen] == [0, 1, 2]


@pytest.mark.parametrize("wrong", ["model", None, print])
def test_what_begins_no_runs_is_refused_and_nothing_else_is_watched(wrong):
    model = ScriptedModel()
    with pytest.raises(ConfigurationError, match="watches models, agents and pipelines"):
        Runtime().watch(model, wrong)
    assert model.watchers == ()


async def test_a_time_operator_starts_no_thread():
    model = ScriptedModel("ab|")
    runtime, _ = watched(model)
    before = threading.active_count()
    batches: list[list[RunItem]] = []
    told = asyncio.Event()

    def take(batch: list[RunItem]) -> None:
        if batch:
            batches.append(batch)
            told.set()

    with runtime.pipe(rx.buffer_with_time(0.001)).subscribe(take):
        await model.stream("q")
        await asyncio.wait_for(told.wait(), 5)
        assert threading.active_count() == before
    assert sum(map(len, batches)) == 3


def test_a_pipe_may_be_made_before_there_is_a_loop():
    model = ScriptedModel("a|")
    runtime, _ = watched(model)
    names: list[str] = []
    runtime.pipe(rx.map(lambda seen: type(seen.item).__name__)).subscribe(names.append)

    async def run() -> None:
        await model.stream("q")

    asyncio.run(run())
    assert names == ["TextDelta", "Finish"]
