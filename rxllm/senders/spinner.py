"""A line that tells which tools run, and for how long; takes rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

__all__ = ["Spinner"]


class Spinner:
    """A line a tool, while any runs; rich draws it in a thread, which ends with the last.

    Args:
        console: Where.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._lines: dict[int, TaskID] = {}

    def begin(self, call: int, said: str) -> None:
        """Show a line with the time elapsed since now.

        Args:
            call: The tool call's number.
            said: What the line says.
        """
        if self._progress is None:
            # It must not put itself before sys.stdout, which is not ours.
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._progress.start()
        self._lines[call] = self._progress.add_task(escape(said), total=None)

    def note(self, call: int, said: str) -> None:
        """Let a line say something else.

        Args:
            call: The tool call's number; one without a line is passed over.
            said: What the line says.
        """
        if self._progress is not None and call in self._lines:
            self._progress.update(self._lines[call], description=escape(said))

    def end(self, call: int) -> None:
        """Take a line away.

        Args:
            call: The tool call's number; one without a line is passed over.
        """
        if self._progress is None or call not in self._lines:
            return
        self._progress.remove_task(self._lines.pop(call))
        if not self._lines:
            self.stop()

    def stop(self) -> None:
        """Take all lines away, and end the thread."""
        progress, self._progress = self._progress, None
        self._lines.clear()
        if progress is not None:
            progress.stop()
