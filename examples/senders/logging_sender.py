"""A sender of your own: it logs each piece; what it raises is its own affair."""

import asyncio
import logging

from rxllm import Model, StreamItem, TextDelta
from rxllm.senders import Sender


class LoggingSender(Sender):
    """Logs text as it comes, and how the answer ended."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self.logger = logger

    def send(self, value: StreamItem) -> None:
        if isinstance(value, TextDelta):
            self.logger.info("piece %r", value.text)

    def end(self, error: Exception | None) -> None:
        self.logger.info("ended: %s", error or "complete")
        super().end(error)


async def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    async with Model("local", seed=2) as model:
        stream = model.stream("Tell me about the wind.", max_tokens=8)
        stream.subscribe(LoggingSender(logging.getLogger("answers")))
        print("answer:", (await stream).text)


if __name__ == "__main__":
    asyncio.run(main())
