"""`StdoutSender`: an answer while it is being written, on a terminal or into a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, TextIO, cast

from rxllm.errors import ConfigurationError
from rxllm.items import RefusalDelta, Rollback, Stamped, StreamItem, TextDelta
from rxllm.senders.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StdoutSender"]


class Display(Protocol):
    """Where items are shown."""

    def show(self, item: StreamItem) -> None:
        """Show an item, if it is one to be seen."""
        ...

    def end(self, error: Exception | None) -> None:
        """End the last line, and say what went wrong."""
        ...

    def close(self) -> None:
        """Leave nothing that moves."""
        ...


class StdoutSender(Sender):
    r"""Shows the answer of the first choice as it arrives.

    On a terminal (which takes rich) the reasoning stands dimmed in a section of its own, a tool has a spinner with the
    time elapsed, then a line with ✓, its milliseconds and its result, and no control character of the model's gets
    through. Into a pipe goes the text and nothing else, unchanged. What a Rollback voids stays where it was written,
    and a line below says so, in a pipe too. What the file's encoding has no word for is a "?" there.

    Unlike a `print` as a subscriber it keeps lines whole; put `ops.smooth(0.05)` before it where tokens come fast.

    >>> from rxllm.items import ReasoningDelta
    >>> sender = StdoutSender()
    >>> for item in (ReasoningDelta("hm"), TextDelta("Blue"), TextDelta(".\n")): sender.on_next(item)
    Blue.

    Args:
        file: Where to, by default stdout as it is now.
        markdown: Render Markdown, block by block as each is whole; on a terminal only.

    Raises:
        ConfigurationError: It is a terminal, and rich is not installed.
    """

    def __init__(self, file: TextIO | None = None, *, markdown: bool = False) -> None:
        super().__init__()
        out = cast("TextIO", _Tolerant(sys.stdout if file is None else file))
        self._display: Display = _terminal(out, markdown=markdown) if out.isatty() else _Plain(out)

    def send(self, value: Any) -> None:
        """Show an item; a str of `ops.text()` is text."""
        if isinstance(value, Stamped):
            value = value.item
        self._display.show(TextDelta(value) if isinstance(value, str) else value)

    def end(self, error: Exception | None) -> None:
        """End the last line."""
        self._display.end(error)
        self.close()

    def release(self) -> None:
        """Stop what spins; the file stays open."""
        self._display.close()


def _terminal(file: TextIO, *, markdown: bool) -> Display:
    try:
        from rxllm.senders.terminal import Terminal
    except ModuleNotFoundError as error:
        raise ConfigurationError("A StdoutSender on a terminal takes rich: pip install 'rxllm[cli]'.") from error
    return Terminal(file, markdown=markdown)


class _Tolerant:
    """A file that no letter can fail: half a surrogate pair, or an emoji where the terminal speaks Latin."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write the text, as far as the file has words for it."""
        try:
            return self._file.write(text)
        except UnicodeEncodeError as error:
            return self._file.write(text.encode(error.encoding, "replace").decode(error.encoding))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Plain:
    """A pipe."""

    def __init__(self, file: TextIO) -> None:
        self._write: Callable[[str], int] = file.write
        self._flush = file.flush
        self._last = "\n"
        self._shown = False  # of this attempt

    def show(self, item: StreamItem) -> None:
        if isinstance(item, (TextDelta, RefusalDelta)):
            if item.choice == 0 and item.text:
                self._put(item.text)
                self._shown = True
        elif isinstance(item, Rollback) and self._shown:
            self._end_line()
            self._put(f"[void: the text above is taken back; attempt {item.attempt} follows]\n")
            self._shown = False

    def end(self, error: Exception | None) -> None:
        del error  # whoever awaits the stream has it; a pipe's reader wants the text
        self._end_line()

    def close(self) -> None:
        """Do nothing: a pipe holds nothing."""

    def _end_line(self) -> None:
        if self._last != "\n":
            self._put("\n")

    def _put(self, text: str) -> None:
        self._write(text)
        self._flush()
        self._last = text[-1]
