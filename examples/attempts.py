"""More than one attempt: the same model again, the next one when one fails, the next one too when one is slow."""

import asyncio

from rxllm import Model, Retry, TransportError, fallback, hedge


async def main() -> None:
    nowhere = "http://127.0.0.1:9/v1"
    async with Model("llama_cpp:any", base_url=nowhere, retry=Retry(attempts=3, delay=0.05)) as stubborn:
        try:
            await stubborn.stream("Is anybody there?")
        except TransportError as error:
            print("after three attempts:", error)

    away, here = Model("llama_cpp:any", base_url=nowhere), Model("local", seed=2)
    async with fallback(away, here) as model:
        stream = model.stream("Tell me about the sea.", max_tokens=15)
        print((await stream).text)
        print("answered by", stream.answered_by)

    async with hedge(Model("local", seed=2), Model("local", seed=3), after=0) as race:
        stream = race.stream("Tell me about the sky.", max_tokens=15)
        await stream
        print("the race was won by", stream.answered_by)


if __name__ == "__main__":
    asyncio.run(main())
