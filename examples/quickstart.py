"""Dual output: live tokens for the one who watches, the whole for the one who waits. One request."""

import asyncio

from rxllm import Model
from rxllm import operators as ops


async def main() -> None:
    async with Model("local", seed=2) as model:
        stream = model.stream("Tell me about the light.", max_tokens=40)
        stream.pipe(ops.smooth(0.05), ops.text()).subscribe(lambda text: print(text, end="", flush=True))
        completion = await stream
    print(f"\n-- {completion.finish_reason}, {completion.usage.output_tokens} tokens, {completion.timing.total:.2f} s")


if __name__ == "__main__":
    asyncio.run(main())
