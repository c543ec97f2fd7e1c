"""Retry, fallback, hedge and race as pictures: what is heard, and when each candidate is held and let go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from reactivex import Observable

from rxllm import Retry, Rollback, Timeouts, TransportError
from rxllm.attempts import Race, Succession
from rxllm.stream import CompletionStream
from rxllm.testing import lifetimes, play

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

    from rxllm.origin import Inlet, Origin


class Drawn:
    """An origin that says what a diagram says; its `#` is a failure of the network."""

    def __init__(self, source: Observable[Any]) -> None:
        self._source = source

    def start(self, inlet: Inlet) -> None:
        def fail(_error: Exception) -> None:
            inlet.fail(TransportError("The diagram says '#' here."))

        self._subscription = self._source.subscribe(lambda item: inlet.push([item]), fail, inlet.complete)

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        self._subscription.dispose()


def of(
    make: Callable[[list[Callable[[], Origin]], Any], Origin],
) -> Callable[..., Observable[Any]]:
    """The stream of several drawn candidates, as `play` and `lifetimes` want it."""

    def operator(*sources: Observable[Any]) -> Observable[Any]:
        def subscribe(observer: Any, scheduler: Any = None) -> abc.DisposableBase:
            origin = make([partial(Drawn, source) for source in sources], scheduler)
            return CompletionStream(origin, scheduler=scheduler).subscribe(observer)

        return Observable(subscribe)

    return operator


def retry(*, after_content: bool = False, **limits: float) -> Callable[..., Observable[Any]]:
    policy = Retry(delay=2, max_delay=2)  # frames, neither more nor less
    return succession(policy.wait, after_content=after_content, **limits)


def fallback(*, after_content: bool = False, **limits: float) -> Callable[..., Observable[Any]]:
    return succession(lambda _number, _error: 0.0, after_content=after_content, **limits)


def succession(
    wait: Callable[[int, Exception], float | None], *, after_content: bool, **limits: float
) -> Callable[..., Observable[Any]]:
    return of(
        lambda made, clock: Succession(
            made, clock, wait, after_content=after_content, timeouts=[Timeouts(**limits)] * len(made)
        )
    )


def race(after: float = 0, **limits: float) -> Callable[..., Observable[Any]]:
    return of(lambda made, clock: Race(made, clock, after, timeouts=[Timeouts(**limits)] * len(made)))


@pytest.mark.parametrize(
    ("operator", "candidates", "heard", "held"),
    [
        (retry(), ["-ab|", "-----c|"], "-ab|", ["^--!", ""]),
        (retry(), ["-#", "-----ab|"], "-----ab|", ["^!", "---^---!"]),
        (
            retry(),
            ["-#", "----#", "-------ab|"],
            "-------ab|",
            ["^!", "---^!", "------^--!"],
        ),
        (retry(), ["-#", "----#", "-------#"], "-------#", ["^!", "---^!", "------^!"]),
        (retry(), ["-a#", "-----b|"], "-a#", ["^-!", ""]),
        (retry(after_content=True), ["-a#", "-----b|"], "-aR--b|", ["^-!", "----^-!"]),
        (fallback(), ["-#", "---ab|"], "---ab|", ["^!", "-^---!"]),
        (fallback(), ["-a#", "---b|"], "-a#", ["^-!", ""]),
        (fallback(after_content=True), ["-a#", "---b|"], "-aRb|", ["^-!", "--^-!"]),
        (race(3), ["-ab|", "-----c|"], "-ab|", ["^--!", ""]),
        (race(3), ["----a-b|", "-----c|"], "----a-b|", ["^------!", "---^!"]),
        (race(3), ["------a|", "-----c|"], "-----c|", ["^----!", "---^--!"]),
        (race(3), ["-#", "--c|"], "--c|", ["^!", "-^-!"]),
        (race(), ["---a-b|", "-c--d|"], "-c--d|", ["^!", "^----!"]),
        (race(), ["-#", "--#", "---c|"], "---c|", ["^!", "^-!", "^---!"]),
        (race(), ["-#", "--#"], "--#", ["^!", "^-!"]),
        (race(), ["-a#", "---b|"], "-a#", ["^-!", "^!"]),
        (race(), ["-|", "--b|"], "--b|", ["^!", "^--!"]),
        (race(), ["-|", "--#"], "--|", ["^!", "^-!"]),
        (race(), ["-#", "--|"], "--|", ["^!", "^-!"]),
        (race(3), ["-|", "--b|"], "--b|", ["^!", "-^-!"]),
        (retry(first_item=3), ["------a|", "-------b|"], "-------b|", ["^--!", "-----^--!"]),
        (
            retry(first_item=3),
            ["----#", "--------#", "-------------#"],
            "-------------#",
            ["^--!", "-----^--!", "----------^--!"],
        ),
        (retry(progress=3), ["-a----b|", "--------c|"], "-a--#", ["^---!", ""]),
        (retry(after_content=True, progress=3), ["-a----b|", "--------c|"], "-a--R---c|", ["^---!", "------^--!"]),
        (fallback(first_item=3), ["------a|", "-----b|"], "-----b|", ["^--!", "---^--!"]),
        (fallback(first_item=3), ["-a-----b|", "-----c|"], "-a-----b|", ["^-------!", ""]),
        (race(2, first_item=3), ["------a|", "----b|"], "----b|", ["^--!", "--^--!"]),
        (race(9, first_item=3), ["------a|", "----b|"], "----b|", ["^--!", "---^-!"]),
        (race(9, progress=3), ["-a----b|", "--c|"], "-a--#", ["^---!", ""]),
    ],
)
def test_what_is_heard_and_who_is_held(
    operator: Callable[..., Observable[Any]],
    candidates: list[str],
    heard: str,
    held: list[str],
):
    assert play(operator, *candidates, R=Rollback(1)) == heard
    assert lifetimes(operator, *candidates, R=Rollback(1)) == held


@pytest.mark.parametrize("operator", [retry(), fallback(), race(), race(3)])
def test_whoever_leaves_lets_all_candidates_go(
    operator: Callable[..., Observable[Any]],
):
    held = lifetimes(operator, "-------a|", "-------b|", until=5)
    assert all(each == "" or each.index("!") == 5 for each in held)
