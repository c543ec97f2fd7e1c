"""Two models' streams in one pipe; a bare `reactivex.merge(a, b)` would need a scheduler of its own."""

import asyncio

from reactivex import operators as rx

from rxllm import Model
from rxllm import operators as ops


async def main() -> None:
    async with Model("local", seed=2, temperature=0.5) as calm, Model("local", seed=3) as lively:
        a = calm.stream("Tell me about the fire.", max_tokens=15)
        b = lively.stream("Tell me about the fire.", max_tokens=15)
        said_a = a.pipe(ops.text(), rx.map(lambda text: ("calm", text)))
        said_b = b.pipe(ops.text(), rx.map(lambda text: ("lively", text)))
        said_a.pipe(rx.merge(said_b)).subscribe(lambda said: print(f"{said[0]:>6}: {said[1]!r}"))
        first, second = await asyncio.gather(a, b)
    print(f"calm said {len(first.text)} characters, lively {len(second.text)}")


if __name__ == "__main__":
    asyncio.run(main())
