"""What must not be seen is masked before anybody sees it: `through=` stands before all observers and the value."""

import asyncio
import re

from rxllm import Model
from rxllm import operators as ops

HOLY = re.compile(r"\b(?:god|lord|jesus|christ)\b", re.IGNORECASE)  # this model's favourite words
MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


def starred(match: re.Match[str]) -> str:
    return "*" * len(match[0])


async def main() -> None:
    async with Model("local", seed=2) as model:
        guards = [ops.redact([HOLY, MAIL, "sk-demo-key"], starred, longest=100)]
        stream = model.stream("Tell me about the Lord.", max_tokens=60, through=guards)
        stream.pipe(ops.text()).subscribe(lambda text: print(text, end="", flush=True))
        completion = await stream
    print(f"\n-- redacted: {completion.text.count('*')} characters")
    assert not HOLY.search(completion.text)


if __name__ == "__main__":
    asyncio.run(main())
