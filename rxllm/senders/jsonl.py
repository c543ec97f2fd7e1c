"""`JsonlSender`: a file, an item a line."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rxllm.items import ProviderEvent
from rxllm.senders.as_json import as_json
from rxllm.senders.sender import Sender

if TYPE_CHECKING:
    import os

__all__ = ["JsonlSender"]


class JsonlSender(Sender):
    """Appends each item to a file as a line of JSON, written out at once, so that `tail -f` shows it.

    Unlike a recording, which keeps the provider's bytes, it keeps the items, also those of agents and a Rollback. A
    stream that failed ends with a line `{"kind":"ProviderEvent","type":"rxllm.error",…}`. Each line can be read back
    with `msgspec.json.decode(line, type=item_union())`.

    >>> from tempfile import TemporaryDirectory
    >>> from rxllm.items import TextDelta
    >>> with TemporaryDirectory() as folder:
    ...     sender = JsonlSender(Path(folder, "a.jsonl"))
    ...     sender.on_next(TextDelta("a")); sender.on_completed()
    ...     print(sender.path.read_text(), end="")
    {"kind":"TextDelta","text":"a"}

    Args:
        path: The file; made with the first item. A folder that is missing fails the sender, not the stream.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self.path = Path(path)
        self._file: IO[bytes] | None = None

    def send(self, value: Any) -> None:
        """Write a line."""
        if self._file is None:
            self._file = self.path.open("ab")
        self._file.write(as_json(value) + b"\n")
        self._file.flush()

    def end(self, error: Exception | None) -> None:
        """Write how it failed, if it did."""
        if error is not None:
            self.send(ProviderEvent("rxllm.error", {"type": type(error).__name__, "message": str(error)}))
        self.close()

    def release(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
