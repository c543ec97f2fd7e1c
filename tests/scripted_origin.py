"""An origin that does what a test tells it, and remembers what the stream told it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reactivex.scheduler import VirtualTimeScheduler

from rxllm.items import Finish, StreamItem, TextDelta, Usage
from rxllm.stream import CompletionStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from rxllm.origin import Inlet


class ScriptedOrigin:
    """Records `start`, `pause`, `resume` and `close`; sends what it is told."""

    def __init__(self, *, at_once: Callable[[ScriptedOrigin], None] | None = None) -> None:
        self.calls: list[str] = []
        self.at_once = at_once
        self.inlet: Inlet

    def start(self, inlet: Inlet) -> None:
        self.calls.append("start")
        self.inlet = inlet
        if self.at_once is not None:
            self.at_once(self)

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def close(self) -> None:
        self.calls.append("close")

    def send(self, *items: StreamItem | str) -> None:
        """What one read brought; a str is a text delta."""
        self.inlet.push([TextDelta(item) if isinstance(item, str) else item for item in items])

    def finish(self, *items: StreamItem | str, reason: str = "stop", usage: Usage | None = None) -> None:
        """The last read, with the Finish at its end."""
        self.send(*items, Finish(reason, usage=usage))
        self.inlet.complete()

    def fail(self, error: Exception) -> None:
        self.inlet.fail(error)


class Seen(list[Any]):
    """An observer: the items as a list, and how it was told the end."""

    def __init__(self) -> None:
        super().__init__()
        self.completed = 0
        self.errors: list[BaseException] = []

    def on_next(self, item: Any) -> None:
        self.append(item)

    def on_error(self, error: BaseException) -> None:
        self.errors.append(error)

    def on_completed(self) -> None:
        self.completed += 1

    @property
    def text(self) -> str:
        return "".join(item.text for item in self if isinstance(item, TextDelta))

    @property
    def cut(self) -> list[str]:
        """The text deltas as they came."""
        return [item.text for item in self if isinstance(item, TextDelta)]


def scripted(origin: ScriptedOrigin | None = None, **settings: Any) -> tuple[ScriptedOrigin, CompletionStream]:
    """Make a stream of a scripted origin; on virtual time, unless a scheduler is given."""
    origin = origin or ScriptedOrigin()
    settings.setdefault("scheduler", VirtualTimeScheduler())
    return origin, CompletionStream(origin, **settings)


def watch(observable: Any) -> Seen:
    """Subscribe and give what is seen."""
    seen = Seen()
    observable.subscribe(seen)
    return seen
