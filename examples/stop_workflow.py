"""A running workflow is stopped by its id, from anywhere in the process; what had been said is kept."""

import asyncio

from reactivex import operators as rx

from rxllm import Agent, Model, RunItem, Runtime, RxllmError, TextDelta, pipeline


async def main() -> None:
    async with Model("local", seed=2, extra={"ignore_eos": True}) as model:  # llama.cpp's own field: never stop
        workflow = pipeline(name="tale").prompt(Agent(model, "Tell a long tale.", name="teller")).map(str.upper)
        runtime = Runtime()
        runtime.watch(workflow)  # one observer for every run of the process
        texts = runtime.pipe(rx.filter(lambda seen: isinstance(seen.item, TextDelta)))

        def stop(seen: RunItem) -> None:
            print(f"stopping {seen.name} {seen.run_id} at item {seen.position}")
            runtime.stop(seen.run_id)  # as workflow.stop(seen.run_id) does; any thread may

        texts.pipe(rx.skip(19), rx.take(1)).subscribe(stop)
        try:
            await workflow.call("Tell me about the sea.", run_id="run-1")
        except RxllmError as error:
            print(error)
            print(f"kept: {error.partial.text!r}")


if __name__ == "__main__":
    asyncio.run(main())
