"""Tools at work: tasks, threads, limits, and nothing left of them."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from virtual_loop import virtually

from rxllm.errors import ConfigurationError, ToolError, TransportError
from rxllm.tools import as_tool, tool
from rxllm.tools.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 5.0  # seconds: a bound, not a wait


class Watched:
    """A job and what it told."""

    def __init__(self, function: Any) -> None:
        made = as_tool(function)
        self.told: list[Any] = []
        self.over = asyncio.Event()
        self.job = Job(
            made,
            made.bind({}, None),
            started=lambda: self.told.append("started"),
            progress=self.told.append,
            ended=self._ended,
            lost=self._lost,
        )

    def _ended(self, result: Any, error: Exception | None) -> None:
        self.told.append(error or (result,))
        self.over.set()

    def _lost(self, error: Exception) -> None:
        self.told.append(error)
        self.over.set()

    async def end(self) -> list[Any]:
        async with asyncio.timeout(PATIENCE):
            await self.over.wait()
        return self.told


def told_by(function: Any) -> list[Any]:
    """Run a tool to its end in virtual time."""

    async def run() -> list[Any]:
        watched = Watched(function)
        await watched.over.wait()
        return watched.told

    return virtually(run())


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - threads set no event of ours
            await asyncio.sleep(0.001)


async def gone(name: str) -> None:
    await until(lambda: not any(thread.name == f"rxllm tool {name}" for thread in threading.enumerate()))


def sync_result() -> int:
    return 1


async def async_result() -> int:
    return 1


def awaitable_result() -> Any:
    return async_result()


def sync_steps():
    yield "a"
    yield "b"


def sync_steps_and_a_result():
    yield "a"
    return "b"


async def async_steps():
    yield "a"
    yield "b"


class Sayer:
    async def __call__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (sync_result, ["started", (1,)]),
        (async_result, ["started", (1,)]),
        (awaitable_result, ["started", (1,)]),
        (Sayer(), ["started", (1,)]),
        (sync_steps, ["started", "a", "b", ("b",)]),
        (sync_steps_and_a_result, ["started", "a", ("b",)]),
        (async_steps, ["started", "a", "b", ("b",)]),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_every_kind_of_function_runs(function: Any, told: list[Any]):
    made = tool(name="f")(function)
    assert told_by(made) == told


@pytest.mark.parametrize("error", [ValueError("x"), TimeoutError("own"), ToolError("said")])
@pytest.mark.parametrize("is_async", [True, False])
def test_what_a_tool_raises_is_told_as_it_is(error: Exception, is_async: bool):  # noqa: FBT001 - a parameter of pytest
    def sync() -> None:
        raise error

    async def not_sync() -> None:
        raise error

    assert told_by(tool(timeout=5)(not_sync if is_async else sync))[-1] is error


@pytest.mark.parametrize("error", [StopIteration(3), SystemExit(2), GeneratorExit()])
def test_what_no_future_could_hold_is_wrapped(error: BaseException):
    def sync() -> None:
        raise error

    assert f"sync raised {error!r}" in str(told_by(sync)[-1])


def test_a_timeout_stops_a_generator_in_its_thread_at_its_next_yield():
    closed = threading.Event()
    go_on = threading.Event()

    @tool(timeout=0.01)
    def endless():
        try:
            while True:
                go_on.wait(PATIENCE)
                yield 1
        finally:
            closed.set()

    async def run() -> list[Any]:
        told = await Watched(endless).end()
        go_on.set()
        await gone("endless")
        return told

    told = asyncio.run(run())
    assert str(told[-1]) == "endless did not end within 0.01 s."
    assert closed.is_set()


def test_a_cancel_stops_the_task_and_tells_nobody():
    async def run() -> list[Any]:
        ended: list[str] = []

        async def hang() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("cleaned")

        watched = Watched(hang)
        await asyncio.sleep(1)
        watched.job.cancel()
        watched.job.cancel()
        await asyncio.sleep(1)
        return [watched.told, ended]

    assert virtually(run()) == [["started"], ["cleaned"]]


def test_a_cancel_before_the_first_step_runs_nothing():
    ran: list[int] = []

    async def run() -> list[Any]:
        async def note() -> None:
            ran.append(1)

        watched = Watched(note)
        watched.job.cancel()
        await asyncio.sleep(1)
        return watched.told

    assert (virtually(run()), ran) == ([], [])


@pytest.mark.parametrize("is_async", [True, False])
def test_a_cancel_by_whoever_is_told_of_the_start_runs_nothing(is_async: bool):  # noqa: FBT001 - a parameter of pytest
    ran: list[int] = []

    def note() -> None:
        ran.append(1)

    async def note_too() -> None:
        ran.append(1)

    async def run() -> list[Any]:
        made = as_tool(note_too if is_async else note)
        told: list[Any] = []
        job = Job(
            made,
            made.bind({}, None),
            started=lambda: job.cancel(),  # noqa: PLW0108 - there is no job yet
            progress=told.append,
            ended=lambda *_: told.append("ended"),
            lost=told.append,
        )
        await asyncio.sleep(1)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("rxllm tool note")]
        return told

    assert (virtually(run()), ran) == ([], [])


def test_a_cancel_from_within_progress_ends_an_async_generator_at_once():
    async def run() -> list[Any]:
        async def steps():
            for number in range(5):
                yield number

        made = as_tool(steps)
        told: list[Any] = []
        job: Job

        def progress(value: Any) -> None:
            told.append(value)
            job.cancel()

        job = Job(
            made,
            made.bind({}, None),
            started=list,
            progress=progress,
            ended=lambda *_: told.append("ended"),
            lost=told.append,
        )
        await asyncio.sleep(1)
        return told

    assert virtually(run()) == [0]


def test_a_thread_that_cannot_be_stopped_is_not_heard_any_more():
    release = threading.Event()

    def work() -> int:
        release.wait(PATIENCE)
        return 1

    async def run() -> list[Any]:
        watched = Watched(work)
        await until(lambda: watched.told)
        watched.job.cancel()
        release.set()
        await gone("work")
        await asyncio.sleep(0)
        return watched.told

    assert asyncio.run(run()) == ["started"]


def test_a_cancel_by_somebody_else_is_told_as_the_loops_end():
    async def run() -> Any:
        async def hang() -> None:
            await asyncio.Event().wait()

        watched = Watched(hang)
        await asyncio.sleep(1)
        watched.job._task.cancel()
        await watched.over.wait()
        return watched.told[-1]

    assert type(virtually(run())) is TransportError


def test_a_generator_in_a_thread_ends_when_its_loop_is_closed():
    release = threading.Event()
    closed = threading.Event()

    def endless():
        try:
            while True:
                release.wait(PATIENCE)
                yield 1
        finally:
            closed.set()

    loop = asyncio.new_event_loop()

    async def begin() -> Watched:
        watched = Watched(endless)
        await until(lambda: watched.told)
        return watched

    watched = loop.run_until_complete(begin())
    watched.job._over = threading.Event()  # nobody cancels it: only the loop has gone
    watched.job._task.cancel()
    loop.run_until_complete(asyncio.wait([watched.job._task]))
    watched.job._over.clear()
    loop.close()
    release.set()
    assert closed.wait(PATIENCE)


def test_waiting_for_a_place_is_not_within_the_timeout():
    @tool(max_concurrency=1, timeout=2)
    async def work() -> str:
        await asyncio.sleep(1.5)
        return "done"

    async def run() -> list[Any]:
        both = [Watched(work), Watched(work)]
        for each in both:
            await each.over.wait()
        return [each.told[-1] for each in both]

    assert virtually(run()) == [("done",), ("done",)]


def test_a_limit_keeps_no_loop_alive():
    @tool(max_concurrency=1)
    async def work() -> None:
        await asyncio.sleep(0)

    def in_a_loop() -> weakref.ref[Any]:
        async def run() -> weakref.ref[Any]:
            both = [Watched(work), Watched(work)]
            for each in both:
                await each.over.wait()
            return weakref.ref(asyncio.get_running_loop())

        return asyncio.run(run())

    before = in_a_loop()
    in_a_loop()
    gc.collect()
    assert before() is None


def test_a_sync_tool_sees_the_context_variables_of_its_caller():
    variable = contextvars.ContextVar("variable", default="")

    def read() -> str:
        return variable.get()

    async def run() -> list[Any]:
        variable.set("seen")
        return await Watched(read).end()

    assert asyncio.run(run())[-1] == ("seen",)


def test_without_a_loop_it_says_so():
    with pytest.raises(ConfigurationError, match="No event loop is running here, and tool sync_result needs one"):
        Job(as_tool(sync_result), sync_result, started=list, progress=list, ended=lambda *_: None, lost=list)


def test_threads_do_not_outlive_their_calls():
    async def run() -> None:
        await asyncio.gather(*(Watched(sync_result).end() for _ in range(20)))
        await gone("sync_result")

    asyncio.run(run())
