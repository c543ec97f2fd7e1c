"""Receivers that join and leave while the answer runs; one that fails is not missed by the others."""

import asyncio

from rxllm import Model, StreamItem, TextDelta
from rxllm.senders import BroadcastSender, MemorySender, QueueSender


def breaks(item: StreamItem) -> None:
    raise RuntimeError(f"no place for {item!r}")


async def count(queue: QueueSender) -> int:
    return sum([isinstance(item, TextDelta) async for item in queue])


async def main() -> None:
    everybody = BroadcastSender(memory := MemorySender(), breaks)
    counting = asyncio.create_task(count(everybody.queue(maxsize=100)))
    async with Model("local", seed=2) as model:
        stream = model.stream("Tell me about the sea.", max_tokens=20)
        stream.subscribe(everybody)
        completion = await stream
    print(f"{await counting} deltas counted, {everybody.failures} of {len(everybody.senders)} receivers failed")
    assert memory.text == completion.text


if __name__ == "__main__":
    asyncio.run(main())
