"""Pause, resume, cancel: paused, nothing is read from the socket; cancelled, what came is the value."""

import asyncio

from reactivex import operators as rx

from rxllm import Model
from rxllm import operators as ops


async def main() -> None:
    async with Model("local", seed=2) as model:
        stream = model.stream("Tell me about the mountains.", max_tokens=400)
        text: list[str] = []
        some = asyncio.Event()
        stream.pipe(ops.text(), rx.do_action(text.append), rx.skip(4), rx.take(1)).subscribe(lambda _: some.set())

        await some.wait()
        stream.pause()
        seen = len(text)
        await asyncio.sleep(0.05)
        print(f"paused at {seen} deltas, and still at {len(text)}")
        stream.resume()

        stream.cancel()
        completion = await stream  # no exception: a cancel was asked for
        print(f"{completion.finish_reason}: {completion.text!r}, {completion.usage}")


if __name__ == "__main__":
    asyncio.run(main())
