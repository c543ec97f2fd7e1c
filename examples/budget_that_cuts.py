"""Guards before the multicast: the budget closes the provider's socket for everybody, and the partial is kept."""

import asyncio

from rxllm import Model
from rxllm import operators as ops


async def main() -> None:
    async with Model("local", seed=2) as model:
        guards = [ops.repetition_guard(), ops.budget(tokens=12, seconds=30)]
        stream = model.stream("Tell me about the sea.", max_tokens=200, through=guards)
        stream.pipe(ops.text()).subscribe(lambda text: print(text, end="", flush=True))
        completion = await stream
    usage = completion.usage
    print(f"\n-- {completion.finish_reason} ({completion.raw_finish_reason}), {usage.output_tokens} tokens, estimated")
    assert usage.estimated


if __name__ == "__main__":
    asyncio.run(main())
