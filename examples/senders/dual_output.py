"""One answer to two places at once: the screen, and a file of its items."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from rxllm import Model
from rxllm.senders import JsonlSender, StdoutSender, as_sender


async def main() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "answer.jsonl")
        async with Model("local", seed=2) as model:
            stream = model.stream("Tell me about the river.", max_tokens=20)
            stream.subscribe(as_sender([StdoutSender(), JsonlSender(path)]))
            await stream
        lines = path.read_text().splitlines()
    print(f"-- {len(lines)} items in the file; the last: {lines[-1][:40]}")


if __name__ == "__main__":
    asyncio.run(main())
