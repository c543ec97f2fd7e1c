from __future__ import annotations

import pytest
import reactivex
from reactivex.scheduler import VirtualTimeScheduler
from scripted_origin import scripted

from rxllm import operators as ops
from rxllm.errors import ConfigurationError
from rxllm.observable import LoopObservable

PLACES = pytest.mark.parametrize("place", [lambda stream: stream, lambda stream: stream.pipe(ops.smooth(1))])


class OnlyNext:
    def __init__(self):
        self.seen = []

    def on_next(self, item):
        self.seen.append(item)


@PLACES
def test_an_observer_may_lack_what_it_does_not_care_for(place):
    origin, stream = scripted()
    observer = OnlyNext()
    place(stream).subscribe(observer)
    origin.finish("a")
    assert observer.seen[0].text == "a"


@PLACES
@pytest.mark.parametrize("callback", ["foo", 3, [print]])
def test_what_cannot_be_called_is_refused(place, callback):
    _, stream = scripted()
    with pytest.raises(ConfigurationError, match="cannot call"):
        place(stream).subscribe(callback)
    with pytest.raises(ConfigurationError, match="cannot call"):
        place(stream).subscribe(None, callback)


@PLACES
def test_an_async_callback_is_refused_since_nobody_would_await_it(place):
    _, stream = scripted()

    async def show(_):
        pass

    with pytest.raises(ConfigurationError, match="async for"):
        place(stream).subscribe(show)


def test_a_sum_and_a_slice_stay_on_the_loop():
    _, stream = scripted()
    made = [stream + reactivex.of(1), stream[0:2], stream[0]]
    made.append(stream)
    made[-1] += reactivex.of(1)
    assert all(isinstance(each, LoopObservable) for each in made)


def test_what_is_added_comes_after():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    seen = []
    (stream + reactivex.of("more")).subscribe(seen.append)
    clock.advance_by(1)
    origin.finish("a")
    clock.advance_by(1)
    assert seen[-1] == "more"
