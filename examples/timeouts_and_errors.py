"""Every way to fail is a typed error that keeps what had arrived."""

import asyncio

from rxllm import ConfigurationError, Model, RxllmError, TotalTimeout, TransportError
from rxllm import operators as ops


async def main() -> None:
    try:
        Model("opnai:gpt-4o-mini")
    except ConfigurationError as error:
        print("before a byte is sent:", error)

    async with Model("llama_cpp:any", base_url="http://127.0.0.1:9/v1") as nobody:
        try:
            await nobody.stream("Is anybody there?")
        except TransportError as error:
            print("no server:", error)

    async with Model("local", timeouts={"total": 0.4}) as model:
        stream = model.stream("Tell me everything.", extra={"ignore_eos": True})  # llama.cpp's own field: never stop
        stream.pipe(ops.text()).subscribe(on_error=lambda error: print("each observer is told:", type(error).__name__))
        try:
            await stream
        except TotalTimeout as error:
            print(f"after {error.seconds} s, with {len(error.partial.text)} characters kept")
        except RxllmError as error:  # the root of all
            print("something else:", error)


if __name__ == "__main__":
    asyncio.run(main())
