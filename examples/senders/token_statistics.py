"""Statistics every 20 tokens: how many, how many characters, how fast."""

import asyncio

from rxllm import Model, Stamped, TextDelta


class Statistics:
    """An observer of stamped items, which know when they were read."""

    def __init__(self) -> None:
        self.tokens = self.chars = 0
        self.first: float | None = None

    def on_next(self, stamped: Stamped) -> None:
        if isinstance(stamped.item, TextDelta):
            self.first = stamped.at if self.first is None else self.first
            self.tokens += 1
            self.chars += len(stamped.item.text)
            if self.tokens % 20 == 0:
                self.show(stamped.at - self.first)

    def show(self, seconds: float) -> None:
        rate = f"{(self.tokens - 1) / seconds:.0f} tokens/s" if seconds else "in one read"
        print(f"{self.tokens} tokens, {self.chars} chars, {rate}")


async def main() -> None:
    async with Model("local", seed=2) as model:
        stream = model.stream("Tell me a long story about the sea.", max_tokens=60)
        stream.stamped().subscribe(statistics := Statistics())
        await stream
    print(f"in all: {statistics.tokens} tokens of {statistics.chars / statistics.tokens:.1f} chars")


if __name__ == "__main__":
    asyncio.run(main())
