"""What a `StdoutSender` shows on a terminal; takes rich."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reactivex.subject import Subject
from rich.console import Console
from rich.markdown import Markdown

from rxllm.items import (
    ReasoningDelta,
    RefusalDelta,
    Rollback,
    StreamItem,
    TextDelta,
    ToolCall,
)
from rxllm.operators.markdown_blocks import MarkdownBlock, markdown_blocks
from rxllm.senders.as_json import as_json
from rxllm.senders.printable import printable
from rxllm.senders.spinner import Spinner
from rxllm.turn_items import ToolApprovalRequested, ToolCompleted, ToolProgress, ToolStarted

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["Terminal"]

_RESULT: Final = 200  # characters of a tool's result that are shown


class Terminal:
    """Sections of reasoning, text and tools.

    Args:
        file: A terminal.
        markdown: Render the text.
    """

    def __init__(self, file: TextIO, *, markdown: bool) -> None:
        self._console = Console(file=file, highlight=False)
        self._spinner = Spinner(self._console)
        self._section = ""
        self._last = "\n"
        self._shown = False  # of this attempt
        self._blocks: Subject[StreamItem] | None = None
        if markdown:
            self._blocks = Subject()
            self._blocks.pipe(markdown_blocks()).subscribe(self._show, on_error=_raise)

    def show(self, item: StreamItem) -> None:
        """Show an item, in Markdown when its block is whole."""
        if self._blocks is None:
            self._show(item)
        else:
            self._blocks.on_next(item)

    def end(self, error: Exception | None) -> None:
        """End the last line, and say what went wrong."""
        if self._blocks is not None:
            self._blocks.on_completed()
        self._spinner.stop()
        self._end_line()
        if error is not None:
            self._line(f"✗ {type(error).__name__}: {error}", "red")

    def close(self) -> None:
        """Stop what spins."""
        self._spinner.stop()

    def _show(self, item: StreamItem) -> None:  # noqa: C901 - a case a kind of item
        match item:
            case TextDelta(choice=0) | RefusalDelta(choice=0):
                if self._blocks is None or isinstance(item, RefusalDelta):
                    self._text("text", item.text)
            case MarkdownBlock(choice=0):
                self._enter("text")
                self._console.print(Markdown(printable(item.text), hyperlinks=False))
                self._wrote("\n")
            case ReasoningDelta(choice=0):
                self._text("reasoning", item.text, "dim")
            case ToolCall(choice=0):
                self._enter("tools")
                self._line(f"→ {item.name}({item.arguments_raw})", "dim")
            case ToolApprovalRequested():
                self._enter("tools")
                self._line(f"? {item.name}({_said(item.arguments)}) waits for approval", "yellow")
            case ToolStarted():
                self._enter("tools")
                self._spinner.begin(item.call, printable(item.name))
            case ToolProgress():
                self._spinner.note(item.call, printable(f"{item.name}: {_said(item.progress)}"))
            case ToolCompleted():
                self._completed(item)
            case Rollback():
                self._void(item)
            case _:
                pass

    def _void(self, item: Rollback) -> None:
        self._spinner.stop()  # a tool that began early is cancelled, and tells no end
        if self._shown:
            self._end_line()
            self._line(f"✗ void: what stands above is taken back; attempt {item.attempt} follows", "red")
            self._section, self._shown = "", False

    def _completed(self, item: ToolCompleted) -> None:
        self._enter("tools")
        self._spinner.end(item.call)
        mark, style = ("✓", "green") if item.error is None else ("✗", "red")
        told = _said(item.result) if item.error is None else item.error
        self._line(f"{mark} {item.name} ({item.duration_ms:.0f} ms) {_cut(told)}", style)

    def _text(self, section: str, text: str, style: str | None = None) -> None:
        text = printable(text)
        if text:
            self._spinner.stop()  # text and a line that is drawn anew would stand in each other's way
            self._enter(section)
            self._console.out(text, style=style, end="", highlight=False)
            self._wrote(text)

    def _line(self, text: str, style: str) -> None:
        self._console.out(" ".join(printable(text).split("\n")), style=style, highlight=False)
        self._wrote("\n")

    def _wrote(self, text: str) -> None:
        self._console.file.flush()
        self._last = text[-1]
        self._shown = True

    def _enter(self, section: str) -> None:
        """Begin a section on a line of its own, with an empty line above it."""
        if self._section not in ("", section):
            self._end_line()
            self._console.out("", highlight=False)
        self._section = section

    def _end_line(self) -> None:
        if self._last != "\n":
            self._console.out("", highlight=False)
            self._wrote("\n")


def _said(value: Any) -> str:
    return value if isinstance(value, str) else as_json(value).decode()


def _cut(text: str) -> str:
    return text if len(text) <= _RESULT else text[: _RESULT - 1] + "…"


def _raise(error: Exception) -> None:
    raise error
