"""Where JSON stands in a stream: in the text of a choice, or in the arguments of a tool's calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rxllm.errors import ConfigurationError
from rxllm.items import Finish, Rollback, StreamItem, TextDelta, ToolCall, ToolCallDelta
from rxllm.kinds import BEGINNINGS
from rxllm.observable import Operator, Sink, lift
from rxllm.turn_items import AgentCompleted, TurnStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

__all__ = ["Document", "Origin", "check_tool", "documents"]


class Origin(NamedTuple):
    """Where a document comes from."""

    call: int | None
    """The number of the tool call; None for text."""
    attempt: int
    """How many rollbacks were before it."""


class Document(Protocol):
    """What reads one document and gives what it finds."""

    @property
    def begun(self) -> bool:
        """Whether the document's first character has come."""
        ...

    def feed(self, piece: str) -> Exception | None:
        """Take the next piece, give what can be given, and tell why it cannot go on."""
        ...

    def end(self, *, was_cut: bool) -> Exception | None:
        """Take note that no more comes; where it was cut on purpose, an open document is no fault."""
        ...


def documents(begin: Callable[[Origin, Callable[[object], None]], Document], tool: str | None, choice: int) -> Operator:
    """Make an operator of what reads one document.

    Each turn's text is a document, or each call of the tool. A rollback and a new turn forget what is open; in an
    agent's stream a new turn forgets, too, that the last one's document was no good, since the agent has asked again.

    Args:
        begin: Makes a document's reader, of where it comes from and whom it gives what it finds.
        tool: The tool's name; None for the text.
        choice: Of which answer.

    Returns:
        An operator from stream items to what the readers give.
    """

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:
        reading = _Reading(down, begin, tool, choice)
        document_of = reading.open.get

        def on_call(item: Any) -> None:
            if item.__class__ is ToolCallDelta and item.choice == choice:  # `type(item)` would be a type of Any
                document = document_of(item.call)
                if document is not None:
                    error = document.feed(item.arguments)
                    if error is not None:
                        reading.fail(error, item.call)
                    return
            reading.take(item)

        def on_text(item: Any) -> None:
            if item.__class__ is TextDelta and item.choice == choice:
                document = document_of(None)
                if document is not None:
                    error = document.feed(item.text)
                    if error is not None:
                        reading.fail(error, None)
                    return
            reading.take(item)

        return Sink(on_text if tool is None else on_call, reading.on_error, reading.on_completed)

    return lift(connect)


def check_tool(what: str, tool: object) -> None:
    """Refuse what is no tool's name.

    Args:
        what: The argument as a user writes it.
        tool: What was given.

    Raises:
        ConfigurationError: It is neither a str nor None.
    """
    if tool is not None and not isinstance(tool, str):
        raise ConfigurationError(f"{what} takes a tool's name, or None for the text; got {tool!r}.")


class _Reading:
    """The documents of one subscription."""

    __slots__ = (
        "_attempt",
        "_begin",
        "_choice",
        "_down",
        "_failed",
        "_has_turns",
        "_named",
        "_over",
        "_tool",
        "_unnamed",
        "_untold",
        "open",
    )

    def __init__(
        self,
        down: Sink,
        begin: Callable[[Origin, Callable[[object], None]], Document],
        tool: str | None,
        choice: int,
    ) -> None:
        self._down = down
        self._begin = begin
        self._tool = tool
        self._choice = choice
        self._attempt = 0
        self._failed = False
        self._has_turns = False
        self._untold: Exception | None = None  # an agent may ask again
        self.open: dict[int | None, Document] = {}
        self._over: set[int | None] = set()  # documents that have ended, or were no good
        self._named: dict[int, bool] = {}  # whether a call is one of the tool's
        self._unnamed: dict[int, list[str]] = {}  # what came of a call before its name

    def take(self, item: StreamItem) -> None:
        """Take what goes to no document that is open."""
        kind = type(item)
        if isinstance(item, ToolCallDelta):
            self._begin_call(item)
        elif isinstance(item, TextDelta):
            if self._tool is None and item.choice == self._choice and item.text:
                self._open_with(None, item.text)
        elif kind in BEGINNINGS or kind is Rollback:
            self._has_turns |= kind is TurnStarted
            self._attempt += kind is Rollback
            self._untold = None
            self._forget()
        elif isinstance(item, ToolCall):
            self._end_call(item)
        elif isinstance(item, Finish):
            self._end_all(item.reason)
            self._tell()
        elif kind is AgentCompleted:
            self._tell()

    def _begin_call(self, delta: ToolCallDelta) -> None:
        call = delta.call
        if self._tool is None or delta.choice != self._choice:
            return
        if delta.name is not None:
            self._named[call] = delta.name == self._tool
        is_ours = self._named.get(call)
        if is_ours is None:
            self._unnamed.setdefault(call, []).append(delta.arguments)
        if is_ours:
            piece = "".join([*self._unnamed.pop(call, ()), delta.arguments])
            if piece:
                self._open_with(call, piece)

    def _open_with(self, call: int | None, piece: str) -> None:
        if self._failed or call in self._over:
            return
        document = self.open[call] = self._begin(Origin(call, self._attempt), self._down.on_next)
        error = document.feed(piece)
        if error is not None:
            self.fail(error, call)

    def _end_call(self, whole: ToolCall) -> None:
        if whole.name != self._tool or whole.choice != self._choice:
            return
        if whole.call not in self.open:  # no delta told of it, or none had arguments, which is an empty object
            self._open_with(whole.call, whole.arguments_raw.strip() or "{}")
        self._end(whole.call, was_cut=False)

    def _end_all(self, reason: str | None) -> None:
        """End what is open; prose with a tool call, say, need not hold a document, but one that began must end."""
        was_cut = reason is None or reason == "cancelled"
        for call, document in list(self.open.items()):
            self._end(call, was_cut=was_cut or not (document.begun or reason == "stop"))
        self._forget()

    def _end(self, call: int | None, *, was_cut: bool) -> None:
        document = self.open.pop(call, None)
        if document is not None:
            self._over.add(call)
            error = document.end(was_cut=was_cut)
            if error is not None:
                self.fail(error, call)

    def _forget(self) -> None:
        self.open.clear()
        self._over.clear()
        self._named.clear()
        self._unnamed.clear()

    def fail(self, error: Exception, call: int | None) -> None:
        """Give up a document; where an agent may ask again, it is told when it has not."""
        self.open.pop(call, None)
        self._over.add(call)
        self._untold = self._untold or error
        if not self._has_turns:
            self._tell()

    def _tell(self) -> None:
        error, self._untold = self._untold, None
        if error is not None and not self._failed:
            self._failed = True
            self._forget()
            self._down.on_error(error)

    def on_error(self, error: Exception) -> None:
        if not self._failed:
            self._down.on_error(error)

    def on_completed(self) -> None:
        self._end_all(None)
        self._tell()
        if not self._failed:
            self._down.on_completed()
