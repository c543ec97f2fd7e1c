"""`count_tokens`: how many tokens so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxllm.observable import Operator, Sink
from rxllm.operators._ending import Exit, lift_ending
from rxllm.operators._tokens import TokenCount, encoder_of

if TYPE_CHECKING:
    from reactivex import abc

    from rxllm.items import StreamItem, Usage

__all__ = ["count_tokens"]


def count_tokens(encoder: Any = None) -> Operator:
    """Give the `Usage` so far whenever it changes: estimated, until the provider tells its own numbers.

    Unlike `rx.count()` it does not wait for the end, believes the provider where it tells, and forgets what a Rollback
    voids. Without an encoder a delta counts as one token; a late subscriber of a stream gets few large deltas, so give
    it one, or subscribe before the answer begins.

    >>> from reactivex import operators as rx
    >>> from rxllm.testing import play
    >>> so_far = rx.map(lambda usage: f"{'~' if usage.estimated else ''}{usage.output_tokens}")
    >>> play(lambda s: s.pipe(count_tokens(), so_far), "a-b-{usage 9 3}|")
    "'~1'-'~2'-3|"

    Args:
        encoder: A tokenizer, or its function from text to tokens; called with a word or a few, never with the whole.

    Returns:
        An operator from stream items to `Usage`. An exception of `encoder` goes to this pipe's `on_error`.

    Raises:
        ConfigurationError: `encoder` is none.
    """
    encode = encoder_of(encoder)

    def connect(down: Sink, _: abc.SchedulerBase | None, way_out: Exit) -> Sink:
        emit = down.on_next
        count = TokenCount(encode)
        add, usage = count.add, count.usage
        last: Usage | None = None

        def on_next(item: StreamItem) -> None:
            nonlocal last
            if way_out.taken:
                return
            try:
                changed = add(item)
            except Exception as error:  # noqa: BLE001 - a user's encoder may raise anything
                way_out.fail(error)
                return
            if changed and (told := usage()) != last:
                last = told
                emit(told)

        return Sink(on_next, way_out.fail, way_out.complete)

    return lift_ending(connect)
