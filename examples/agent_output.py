"""An answer that is an instance of your own type: live while it is written, validated at the end."""

import asyncio
from typing import Annotated

from pydantic import BaseModel, Field
from reactivex import operators as rx

from rxllm import Agent, Model
from rxllm import operators as ops


class Person(BaseModel):
    """Whom the answer is about; the limits keep a small model from going on and on."""

    name: Annotated[str, Field(max_length=20)]
    people: Annotated[str, Field(max_length=20, description="To whom they belonged.")]
    age: Annotated[int, Field(ge=0, le=150)]


async def main() -> None:
    async with Model("local", seed=2, max_tokens=200) as model:
        stream = Agent(model, "Answer shortly.", output=Person).stream("Who was Moses?")
        stream.pipe(ops.partial(Person), rx.sample(0.02)).subscribe(
            lambda part: print("so far:", part.value.model_dump(exclude_unset=True))
        )
        completion = await stream
        person: Person = completion.output
        print(f"validated: {person!r}, in {len(completion.turns)} turn(s)")


if __name__ == "__main__":
    asyncio.run(main())
