"""A pipeline with branches, over many values: some at a time, and with progress."""

import asyncio

from rxllm import Model, parallel, pipeline, when

WIDTH = 24


def too_long(text: str) -> bool:
    return len(text) > WIDTH


async def main() -> None:
    async with Model("local", seed=2, max_tokens=12) as model:
        ask = pipeline(name="ask").map(lambda word: f"Tell me of the {word}.").prompt(model)
        both = ask.chain(when(too_long, lambda text: text[:WIDTH] + "…")).chain(
            parallel(text=str.strip, words=lambda text: len(text.split()))
        )
        told = await both.call_many(
            ["sea", "fire", "wind", "house"],
            concurrency=2,
            progress=lambda done, total: print(f"{done} of {total}"),
        )
    for each in told:
        print(f"{each['words']:>3} words: {each['text']!r}")


if __name__ == "__main__":
    asyncio.run(main())
