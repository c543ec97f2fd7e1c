"""Two models asked the same, watched side by side: each token with its name, and who was how fast."""

import asyncio

from reactivex import operators as rx

from rxllm import Model, TextDelta
from rxllm import operators as ops


async def main() -> None:
    async with Model("local", seed=2, temperature=0.5) as calm, Model("local", seed=3) as lively:
        asked = {"calm": calm, "lively": lively}
        streams = {name: model.stream("Tell me about the fire.", max_tokens=15) for name, model in asked.items()}
        answers = ops.merge_tagged(**streams)
        answers.pipe(rx.filter(lambda said: isinstance(said.item, TextDelta))).subscribe(
            lambda said: print(f"{said.name:>6}: {said.item.text!r}")
        )
        rates = [stream.pipe(ops.measure(), rx.last()) for stream in streams.values()]
        for name, metrics in zip(streams, await asyncio.gather(*rates), strict=True):
            print(f"{name}: first token after {metrics.first_content:.3f} s, {metrics.tokens_per_second:.0f} tokens/s")


if __name__ == "__main__":
    asyncio.run(main())
