"""Two observers of one request: one shows, one counts; a third comes late and misses nothing."""

import asyncio

from rxllm import Model, TextDelta
from rxllm import operators as ops


async def main() -> None:
    counted = 0

    def count(item: object) -> None:
        nonlocal counted
        counted += isinstance(item, TextDelta)

    async with Model("local", seed=2) as model:
        stream = model.stream("Tell me about the sea.", max_tokens=30)
        stream.pipe(ops.text()).subscribe(lambda text: print(text, end="", flush=True))
        stream.subscribe(count)
        completion = await stream
        late: list[str] = []
        stream.pipe(ops.text()).subscribe(late.append)  # sends nothing: the stream remembers
    print(f"\n-- {counted} deltas live; the late observer got them in {len(late)}")
    assert "".join(late) == completion.text


if __name__ == "__main__":
    asyncio.run(main())
