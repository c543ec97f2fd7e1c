"""A conversation: each answer goes back into the history as the provider's own rules want it."""

import asyncio

from rxllm import Message, Model


async def main() -> None:
    history = [Message.system("Be brief.")]
    async with Model("local", seed=2, max_tokens=30) as model:
        for question in ("Who was Moses?", "And who was his brother?"):
            history.append(Message.user(question))
            completion = await model.stream(history)
            history.append(completion.to_message())
    for message in history:
        print(f"{message.role}: {message.content}")


if __name__ == "__main__":
    asyncio.run(main())
