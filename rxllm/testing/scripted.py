"""`ScriptedModel`: answers that you write, at the times that you say."""

from __future__ import annotations

import math
from collections import deque
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

from reactivex.disposable import SerialDisposable

from rxllm.askable import Askable
from rxllm.errors import ConfigurationError, RxllmError
from rxllm.items import Finish, StreamItem, TextDelta, ToolCall
from rxllm.marbles import Mark, parse
from rxllm.messages import ChatRequest, Prompt, Timeouts, chat_request
from rxllm.observable import HomeScheduler

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reactivex import abc

    from rxllm.origin import Inlet, Origin

__all__ = ["Answer", "ScriptedModel", "Step"]

Step: TypeAlias = "StreamItem | str | float | Exception"
"""An item, a text delta in short, seconds that pass, or how it fails."""

Answer: TypeAlias = "str | Iterable[Step]"
"""A marble diagram, or steps."""


_Event: TypeAlias = "StreamItem | Exception | Mark"
_Moments: TypeAlias = "list[tuple[float, bool, list[_Event]]]"
"""What one read brings: after how much, whether that is frames or seconds, and the items, perhaps with an end."""


class ScriptedModel(Askable):
    """A model that gives the answers you write, one a request in their order, and remembers what it was asked.

    Unlike a `ReplayTransport` it has no bytes and no wire; like it, all above is the real thing. An answer is a marble
    diagram, or a list of steps: items (a str is a text delta), seconds that pass, an exception. Where an answer
    completes without a `Finish` it gets one; a diagram without an end, and `math.inf` seconds, stall.

    >>> from reactivex.scheduler import VirtualTimeScheduler
    >>> clock, model = VirtualTimeScheduler(), ScriptedModel("'Hel'--'lo'|", temperature=0)
    >>> stream = model.stream("Hi", scheduler=clock)
    >>> seen = []
    >>> with stream.subscribe(seen.append):
    ...     clock.start()
    >>> [item.text for item in seen[:-1]], seen[-1].timing.total, model.requests[0].messages[0].content
    (['Hel', 'lo'], 4.0, 'Hi')

    Args:
        answers: In the order in which they are asked for.
        frame: Seconds a frame of a diagram; by default one on virtual time, and none on a loop, which need not wait.
        name: What `stream.answered_by` tells behind `scripted:`.
        timeouts: The limits that the streams keep.
        values: What single characters of the diagrams stand for (an exception fails the answer there), or, by longer
            names, fields of `ChatRequest` for every request.
    """

    def __init__(
        self,
        *answers: Answer,
        frame: float | None = None,
        name: str = "model",
        timeouts: Timeouts | None = None,
        **values: Any,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self.requests: list[ChatRequest] = []
        """What was asked, request by request."""
        self.closed = 0
        """How many answers were closed before their end, as a socket would be."""
        self.name = name
        glyphs = {key: value for key, value in values.items() if len(key) == 1}
        self._settings = {key: value for key, value in values.items() if len(key) > 1}
        chat_request("", self._settings)  # a wrong setting is told here, not at the first question
        self._answers = [_drawn(each, glyphs) if isinstance(each, str) else _written(each) for each in answers]
        self._frame = frame

    def origin(self, prompt: Prompt, scheduler: abc.SchedulerBase, **settings: Any) -> Origin:
        """Prepare the next answer; it is taken, and the request noted, when the origin is started."""
        request = chat_request(prompt, {**self._settings, **settings})
        return _Script(self, request, scheduler)

    async def aclose(self) -> None:
        """Do nothing: a script holds nothing."""

    def next_answer(self, request: ChatRequest, scheduler: abc.SchedulerBase) -> list[tuple[float, list[_Event]]]:
        """Note a request and give the answer for it; called by the origin.

        Raises:
            ConfigurationError: All answers were given.
        """
        self.requests.append(request)
        if len(self.requests) > len(self._answers):
            raise ConfigurationError(
                f"This ScriptedModel has {len(self._answers)} answers and is asked for number {len(self.requests)}. "
                "Give it one more, or ask less."
            )
        frame = self._frame if self._frame is not None else 0.0 if isinstance(scheduler, HomeScheduler) else 1.0
        answer = self._answers[len(self.requests) - 1]
        return [(wait * frame if drawn else wait, events) for wait, drawn, events in answer]

    def __repr__(self) -> str:
        return f"ScriptedModel({len(self._answers)} answers, {len(self.requests)} requests)"


def _drawn(diagram: str, values: dict[str, Any]) -> _Moments:
    """Read an answer off a diagram: what stands in one frame comes in one read."""
    frames = groupby(parse(diagram, **values), key=lambda event: event[0])
    moments: _Moments = []
    before = 0
    for frame, events in frames:
        moments.append((frame - before, True, [_meant(event) for _, event in events]))
        before = frame
    return moments


def _written(steps: Iterable[Step]) -> _Moments:
    """Read an answer off a list: what stands between two waits comes in one read."""
    events: list[_Event] = []
    moments: _Moments = [(0.0, False, events)]
    for step in steps:
        if isinstance(step, (int, float)):
            events = []
            moments.append((float(step), False, events))
            continue
        events.append(_meant(TextDelta(step) if isinstance(step, str) else step))
        if isinstance(step, Exception):
            return moments
    events.append(Mark.COMPLETED)
    return moments


def _meant(event: Any) -> _Event:
    if event is Mark.FAILED:
        return RxllmError("The diagram says '#' here.")
    if event is Mark.COMPLETED or isinstance(event, (StreamItem, Exception)):
        return event
    raise ConfigurationError(f"An answer is made of items, seconds and exceptions; {event!r} is none.")


class _Script:
    """One answer on its way, as the origin of a stream."""

    def __init__(self, model: ScriptedModel, request: ChatRequest, scheduler: abc.SchedulerBase) -> None:
        self.answered_by = f"scripted:{model.name}"
        self._model = model
        self._request = request
        self._scheduler = scheduler
        self._timer = SerialDisposable()
        self._moments: deque[tuple[float, list[_Event]]] = deque()
        self._said: list[StreamItem] = []
        self._paused = self._waiting = self._ended = False
        self._inlet: Inlet

    def start(self, inlet: Inlet) -> None:
        """Take the next answer, and begin with it in the next turn."""
        self._inlet = inlet
        self._moments.extend(self._model.next_answer(self._request, self._scheduler))
        self._wait()

    def pause(self) -> None:
        """Let nothing out; the seconds go on, as they do for a provider."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        if self._waiting and not self._ended:
            self._waiting = False
            self._read()

    def close(self) -> None:
        """End early, and let the model know."""
        if not self._ended:
            self._ended = True
            self._model.closed += 1
            self._timer.dispose()

    def _wait(self) -> None:
        if self._moments and not self._ended and self._moments[0][0] < math.inf:
            self._timer.disposable = self._scheduler.schedule_relative(self._moments[0][0], self._look)

    def _look(self, _scheduler: abc.SchedulerBase, _state: object = None) -> None:
        if self._paused:
            self._waiting = True
        else:
            self._read()

    def _read(self) -> None:
        """Give what comes in one read."""
        _, events = self._moments.popleft()
        items = [event for event in events if isinstance(event, StreamItem)]
        end = next((event for event in events if not isinstance(event, StreamItem)), None)
        self._said += items
        if end is Mark.COMPLETED and not (self._said and type(self._said[-1]) is Finish):
            called = any(type(item) is ToolCall for item in self._said)
            items.append(Finish("tool_calls" if called else "stop"))
        self._inlet.push(items)
        if end is None:
            self._wait()
        elif not self._ended:
            self._ended = True
            if isinstance(end, Exception):
                self._inlet.fail(end)
            else:
                self._inlet.complete()
