"""A limit of seconds for each token: by the model itself, for everybody, or in one reader's own hands."""

import asyncio

from rxllm import Model, ProgressTimeout

ENDLESS = {"ignore_eos": True}  # llama.cpp's own field: never stop


async def main() -> None:
    async with Model("local", timeouts={"progress": 5.0}, max_tokens=20) as model:
        print("in time:", repr((await model.stream("Who was Moses?")).text))

    async with Model("local", timeouts={"progress": 0.001}, extra=ENDLESS) as model:
        try:
            await model.stream("Who was Moses?")
        except ProgressTimeout as error:
            print(f"no token within {error.seconds} s; kept: {error.partial.text!r}")

    async with Model("local", extra=ENDLESS) as model, model.stream("Who was Moses?") as stream:
        tokens = aiter(stream)
        try:
            while True:
                await asyncio.wait_for(anext(tokens), timeout=0.001)
        except TimeoutError:
            stream.cancel()
        print("by hand:", (await stream).finish_reason)


if __name__ == "__main__":
    asyncio.run(main())
