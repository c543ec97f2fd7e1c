"""`async for` over typed items; leaving the loop lets go of the stream, which closes the provider's socket."""

import asyncio

from rxllm import Finish, Model, TextDelta


async def main() -> None:
    async with Model("local", seed=2) as model:
        async for item in model.stream("Tell me about the stars.", max_tokens=30):
            match item:
                case TextDelta(text=text):
                    print(text, end="", flush=True)
                case Finish(reason=reason):
                    print(f"\n-- {reason}")

        stream = model.stream("Tell me about the moon.", max_tokens=400)
        async for item in stream:
            if isinstance(item, TextDelta):
                break  # nobody holds the stream any more
        completion = await stream
        print(f"-- left early: {completion.finish_reason}")


if __name__ == "__main__":
    asyncio.run(main())
