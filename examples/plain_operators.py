"""Plain reactivex on a stream: buffer_with_time, scan, share, take_until, last. No thread, no second request."""

import asyncio

from reactivex import operators as rx
from reactivex.subject import Subject

from rxllm import Completion, Model, accumulate
from rxllm import operators as ops


async def main() -> None:
    async with Model("local", seed=2) as model:
        stream = model.stream("Tell me about the wind.", max_tokens=40)
        stop: Subject[None] = Subject()

        words = stream.pipe(ops.text(), rx.share())
        words.pipe(rx.buffer_with_time(0.02), rx.filter(bool)).subscribe(
            lambda tokens: print("batch:", "".join(tokens))
        )
        words.pipe(rx.scan(lambda total, text: total + len(text), 0), rx.last()).subscribe(
            lambda total: print("characters:", total)
        )
        stream.pipe(rx.take_until(stop), rx.scan(accumulate, Completion()), rx.last()).subscribe(
            lambda seen: print("until stopped:", seen.text)
        )
        stream.pipe(ops.text(), rx.take(5)).subscribe(on_next=print, on_completed=lambda: stop.on_next(None))
        await stream


if __name__ == "__main__":
    asyncio.run(main())
