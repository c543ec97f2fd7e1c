"""Where an answer appears while it is being written: a terminal, or whatever reads a pipe."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, TextIO

from rxllm import operators as ops
from rxllm.items import ReasoningDelta, RefusalDelta, TextDelta, ToolCall
from rxllm.senders.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rxllm.items import StreamItem
    from rxllm.stream import CompletionStream

__all__ = ["Screen", "dimmed"]

_SMOOTH: Final = 0.05  # seconds between two writes: more cannot be read, and costs


class Screen:
    """Shows one answer on stdout as it arrives.

    On a terminal it shows the reasoning too, dimmed and above the answer, and no control character of the model's gets
    through; in a pipe it is the text and nothing else, unchanged.
    """

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._section: type[StreamItem] | None = None
        self._last = "\n"
        self._stop: Callable[[], None] | None = None
        self.failure: OSError | None = None
        """Why stdout takes no more; the stream was cancelled then."""

    def show(self, stream: CompletionStream) -> None:
        """Subscribe to a stream.

        Args:
            stream: What is shown; it is cancelled when nobody can read it any more.
        """
        self._stop = stream.cancel
        smoothed = stream.pipe(ops.smooth(_SMOOTH))
        if self._terminal:
            smoothed.subscribe(self._show)
        else:
            smoothed.pipe(ops.text()).subscribe(self._write)

    def end(self) -> None:
        """End the answer's last line."""
        if self._last != "\n":
            self._write("\n")

    def _show(self, item: StreamItem) -> None:
        if isinstance(item, ToolCall) and item.choice == 0:
            self._enter(ToolCall)
            self._write(dimmed(printable(f"calls {item.name}({item.arguments_raw})"), sys.stdout) + "\n")
        elif isinstance(item, (TextDelta, ReasoningDelta, RefusalDelta)) and item.choice == 0:
            self._enter(type(item))
            text = printable(item.text)
            if isinstance(item, ReasoningDelta):
                self._write(dimmed(text, sys.stdout), last=text[-1:])
            else:
                self._write(text)

    def _enter(self, section: type[StreamItem]) -> None:
        """Begin a section on a line of its own, with an empty line above it."""
        if self._section not in (None, section):
            self._write("\n" if self._last == "\n" else "\n\n")
        self._section = section

    def _write(self, text: str, last: str | None = None) -> None:
        if not text or self.failure is not None:
            return
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError as error:
            self.failure = error
            # What is left in the buffer would be complained about once more at the interpreter's exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if self._stop is not None:
                self._stop()
        self._last = last or text[-1:]


def dimmed(text: str, file: TextIO) -> str:
    """Dim a text where `file` is a terminal that can.

    Args:
        text: Without controls.
        file: stdout or stderr.

    Returns:
        The text with what dims it, or as it is.
    """
    if not text or not file.isatty():
        return text
    from rich.console import Console  # a pipe need not wait for it
    from rich.style import Style

    return text if Console(file=file).is_dumb_terminal else Style(dim=True).render(text)
