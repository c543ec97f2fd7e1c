"""Your own struct for each token: when it came, its number, its words, the session it belongs to."""

import asyncio

import msgspec
from reactivex import operators as rx

from rxllm import Model, Stamped, TextDelta


class Chunk(msgspec.Struct):
    """What this application stores."""

    session: str
    number: int
    seconds: float
    text: str
    words: int


def chunk(stamped: Stamped) -> Chunk:
    text = stamped.item.text
    return Chunk("session-1", stamped.seq, round(stamped.at, 4), text, len(text.split()))


async def main() -> None:
    async with Model("local", seed=2) as model:
        stream = model.stream("Tell me about the bread.", max_tokens=12)
        stream.stamped().pipe(rx.filter(lambda stamped: isinstance(stamped.item, TextDelta)), rx.map(chunk)).subscribe(
            lambda it: print(msgspec.json.encode(it).decode())
        )
        await stream


if __name__ == "__main__":
    asyncio.run(main())
