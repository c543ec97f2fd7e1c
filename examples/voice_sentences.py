"""Whole sentences for a voice, as soon as each is certain, while the screen already shows the words."""

import asyncio

from reactivex import operators as rx

from rxllm import Model
from rxllm import operators as ops


def speak(sentence: str) -> None:
    print(f"voice: {sentence!r}")  # here a speech synthesizer would begin


async def main() -> None:
    async with Model("local", seed=2) as model:
        stream = model.stream("Tell me about the river.", max_tokens=80)
        stream.pipe(ops.sentences(longest=120), ops.text(), rx.map(str.strip), rx.filter(bool)).subscribe(speak)
        shown: list[str] = []
        stream.pipe(ops.text()).subscribe(shown.append)
        completion = await stream
    assert "".join(shown) == completion.text
    print(f"screen: {len(shown)} pieces")


if __name__ == "__main__":
    asyncio.run(main())
