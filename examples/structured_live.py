"""A pydantic object while it is being written: read when the screen wants it, validated when it is complete."""

import asyncio
from typing import Annotated

from pydantic import BaseModel, Field
from reactivex import operators as rx

from rxllm import Model
from rxllm import operators as ops


class Story(BaseModel):
    """What the model is held to."""

    title: Annotated[str, Field(max_length=30)]
    text: Annotated[str, Field(max_length=120)]


async def main() -> None:
    async with Model("local", seed=2) as model:
        stream = model.stream("Tell me a story.", response_format=Story, max_tokens=200)
        stories = stream.pipe(ops.partial(Story), rx.share())
        stories.pipe(rx.sample(0.02)).subscribe(
            lambda story: print("so far:", story.value.model_dump(exclude_unset=True)),
            on_error=lambda error: print("no story:", error),
        )
        stories.pipe(rx.last()).subscribe(lambda story: print("whole:", repr(story.value)), on_error=lambda _: None)
        await stream


if __name__ == "__main__":
    asyncio.run(main())
