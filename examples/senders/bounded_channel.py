"""A bounded queue between a fast model and a slow reader: it gets larger pieces, and every character."""

import asyncio

from rxllm import Model, TextDelta
from rxllm.senders import QueueSender


async def main() -> None:
    channel = QueueSender(maxsize=3)
    pieces: list[str] = []
    async with Model("local", seed=2) as model:
        stream = model.stream("Tell me about the bread.", max_tokens=40)
        stream.subscribe(channel)
        async for item in channel:
            if isinstance(item, TextDelta):
                pieces.append(item.text)
                await asyncio.sleep(0.05)  # a reader that cannot keep up
        completion = await stream
    print(f"{completion.usage.output_tokens} tokens came in {len(pieces)} pieces: {pieces}")
    assert "".join(pieces) == completion.text


if __name__ == "__main__":
    asyncio.run(main())
