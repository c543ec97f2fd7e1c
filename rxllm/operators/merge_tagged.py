"""`merge_tagged`: several streams as one, each item with the name of its own."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any, cast

from reactivex import Observable
from reactivex.disposable import CompositeDisposable

from rxllm.errors import ConfigurationError
from rxllm.observable import Lifted, Sink, at_home
from rxllm.operators.tag import tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

    from rxllm.operators.tag import Tagged

__all__ = ["merge_tagged"]


def merge_tagged(**streams: Observable[Any]) -> Observable[Tagged]:  # noqa: C901 - closures, so that an item costs one call
    """Watch several streams side by side: what each emits, at once, with its name.

    Unlike `reactivex.merge(a, b)` it needs no scheduler of its own to stay on the streams' loop, takes no lock an item,
    and tells whose item it is. Like it, it completes when all have, and fails when the first does.

    >>> from rxllm.testing import play
    >>> from reactivex import operators as rx
    >>> said = rx.map(lambda tagged: f"{tagged.name}:{tagged.item.text}")
    >>> play(lambda a, b: merge_tagged(a=a, b=b).pipe(said), "a--c|", "-x---y|")
    "'a:a''b:x'-'a:c'-'b:y'|"

    Args:
        streams: The streams by their names; names that are no identifiers are given as `**{"gpt-4o": stream}`.

    Returns:
        An observable of `Tagged`, hot where the streams are, on the loop of the first.

    Raises:
        ConfigurationError: There is no stream, or something that is none.
    """
    wrong = [name for name, stream in streams.items() if not isinstance(cast("object", stream), Observable)]
    if wrong or not streams:
        raise ConfigurationError(f"merge_tagged takes streams by name, as a=stream, b=other; wrong: {wrong or 'none'}.")
    sources = [stream.pipe(tag(name)) for name, stream in streams.items()]

    def merged(first: Observable[Any]) -> Observable[Any]:
        def core(down: Sink, scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
            subscriptions = CompositeDisposable()
            running = len(sources)
            ended = False

            def on_next(tagged: Tagged) -> None:
                if not ended:
                    down.on_next(tagged)

            def on_error(error: Exception) -> None:
                nonlocal ended
                if not ended:
                    ended = True
                    subscriptions.dispose()
                    down.on_error(error)

            def on_completed() -> None:
                nonlocal ended, running
                running -= 1
                if not running and not ended:
                    ended = True
                    down.on_completed()

            sink = Sink(*[_here(tell, scheduler) for tell in (on_next, on_error, on_completed)])
            for source in (first, *sources[1:]):
                if not ended:
                    subscriptions.add(source.subscribe(cast("Any", sink), scheduler=scheduler))
            return subscriptions

        return Lifted(core)

    # Through the first stream's own `pipe`, so that the result stays on its loop.
    return sources[0].pipe(merged)


def _here(tell: Callable[..., None], scheduler: abc.SchedulerBase | None) -> Callable[..., None]:
    """Bring to this thread what a stream of another loop tells; where it is told here, that costs one comparison."""
    thread = get_ident()

    def told(*value: Any) -> None:
        if get_ident() == thread:
            tell(*value)
        else:
            at_home(scheduler, lambda: tell(*value))

    return told
