"""A sender of your own is an observer: this one writes each chunk to a file, and notes how it ended."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from rxllm import Model
from rxllm import operators as ops


class FileSender:
    """Writes text chunks to an open file; whatever it raises would end its own subscription only."""

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def on_next(self, text: str) -> None:
        self.file.write(text + "\n")

    def on_error(self, error: Exception) -> None:
        self.file.write(f"[failed: {error}]\n")

    def on_completed(self) -> None:
        self.file.write("[complete]\n")


async def main() -> None:
    with TemporaryDirectory() as folder:
        with (path := Path(folder, "chunks.txt")).open("w") as file:
            async with Model("local", seed=2) as model:
                stream = model.stream("Tell me about the river.", max_tokens=20)
                stream.pipe(ops.text()).subscribe(FileSender(file))
                await stream
        sys.stdout.write(path.read_text())


if __name__ == "__main__":
    asyncio.run(main())
