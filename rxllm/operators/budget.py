"""`budget`: so many tokens or seconds, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reactivex.disposable import SerialDisposable

from rxllm.errors import ConfigurationError
from rxllm.items import Finish, StreamItem
from rxllm.observable import Operator, Sink
from rxllm.operators._ending import Exit, lift_ending
from rxllm.operators._numbers import check_count, check_seconds
from rxllm.operators._tokens import TokenCount, encoder_of

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["budget"]


def budget(tokens: int | None = None, *, seconds: float | None = None, encoder: Any = None) -> Operator:  # noqa: C901 - closures and no class, so that an item costs one call
    """End the pipe at a limit: what came stays, and a `Finish("length")` with the estimated usage ends it.

    Unlike `max_tokens` it holds over all attempts and turns of a stream, all of which are paid for, and in time. In
    `through=` it closes the socket, for everybody; in a subscriber's pipe it ends that pipe only.

    >>> from rxllm.testing import play
    >>> play(budget(tokens=2), "abcd|")
    'a(b{finish length budget_tokens {usage output_tokens=2 estimated=True}}|)'

    Args:
        tokens: The limit; a delta counts as one until the provider tells its own count, which wins.
        seconds: The limit from the subscription on.
        encoder: A tokenizer, or its function from text to tokens, to count by.

    Returns:
        An operator over stream items. An exception of `encoder` goes to this pipe's `on_error`.

    Raises:
        ConfigurationError: No limit is given, or one that is not positive; `encoder` is none; or `seconds` without a
            clock: subscribe with `scheduler=`, or to a stream of ours.
    """
    if tokens is None and seconds is None:
        raise ConfigurationError("budget takes a limit as tokens=, seconds= or both; got none.")
    if tokens is not None:
        check_count("budget(tokens=)", tokens)
    if seconds is not None:
        check_seconds("budget(seconds=)", seconds)
    most = float("inf") if tokens is None else tokens
    encode = encoder_of(encoder)

    def connect(down: Sink, scheduler: abc.SchedulerBase | None, way_out: Exit) -> Sink:
        emit = down.on_next
        count = TokenCount(encode)
        add = count.add
        timer = SerialDisposable()
        finished = False

        def cut(reason: str) -> None:
            way_out.complete(Finish("length", reason, count.usage()))

        def run_out(_scheduler: abc.SchedulerBase, _state: object = None) -> None:
            cut("budget_seconds")

        def on_next(item: StreamItem) -> None:
            nonlocal finished
            if way_out.taken:
                return
            try:
                counted = add(item)
            except Exception as error:  # noqa: BLE001 - a user's encoder may raise anything
                way_out.fail(error)
                return
            if type(item) is Finish:  # it has ended by itself, and nothing is left to save
                finished = True
                timer.dispose()
            emit(item)
            if counted and count.output + count.void >= most and not finished:
                cut("budget_tokens")

        if seconds is not None:
            if scheduler is None:
                raise ConfigurationError("budget(seconds=) needs a clock: subscribe with scheduler=…, or to a stream.")
            timer.disposable = scheduler.schedule_relative(seconds, run_out)
        return Sink(on_next, way_out.fail, way_out.complete, timer.dispose)

    return lift_ending(connect)
