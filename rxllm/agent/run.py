"""One run of an agent, as the origin of a stream: turn after turn, until there is an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from pydantic import ValidationError

from rxllm.agent.tool_turn import ToolTurn
from rxllm.agent.turn import AgentTurn
from rxllm.agent.turn_message import added, own_calls, turn_message
from rxllm.errors import RxllmError, ToolError
from rxllm.items import Usage
from rxllm.messages import Message
from rxllm.observable import clock_of
from rxllm.tools.arguments import misfit
from rxllm.turn_items import AgentCompleted, TurnCompleted, TurnStarted

if TYPE_CHECKING:
    from reactivex import abc

    from rxllm.agent import Agent
    from rxllm.completion import Completion
    from rxllm.items import Finish, StreamItem
    from rxllm.messages import ChatRequest
    from rxllm.origin import Inlet

__all__ = ["AgentRun"]

_NOT_ACTED_ON: Final = ("length", "content_filter", "refusal", "cancelled")


class AgentRun:
    """Asks the model, lets the tools run, asks again; hands on all items, and one Finish.

    Args:
        agent: What is asked, and with which tools.
        request: The first request, with instructions and tools.
        scheduler: The stream's own.
        context: For the tools.
    """

    def __init__(self, agent: Agent, request: ChatRequest, scheduler: abc.SchedulerBase, context: object) -> None:
        self.added: list[Message] = []
        """The messages that the run has added to the conversation."""
        self._agent = agent
        self._request = request
        self._scheduler = scheduler
        self._context = context
        self._clock = clock_of(scheduler)
        self._began = 0.0
        self._turns = 0
        self._errors = 0
        self._usage: Usage | None = None  # of all turns
        self._turn_usage: Usage | None = None
        self._paused = False
        self._waiting = False  # with the next turn, until it goes on
        self._closed = False
        self._inlet: Inlet
        self._turn = self._made(first_call=0)  # now, so that what cannot be asked is told before anything is sent

    def _made(self, first_call: int) -> AgentTurn:
        """Prepare the next request; what it says stands above the model's own settings."""
        request, model = self._request, self._agent.model
        settings = {name: getattr(request, name) for name in request.model_fields_set if name != "messages"}
        origin = model.origin(request.messages, self._scheduler, **settings)
        return AgentTurn(
            origin,
            self._tools,
            timeouts=model.timeouts,
            scheduler=self._scheduler,
            first_call=first_call,
            run=self,
        )

    def _tools(self) -> ToolTurn:
        return ToolTurn(
            self._agent.tools,
            self._context,
            clock=self._clock,
            show=self.show,
            ended=self._tools_ended,
            fail=self.abort,
        )

    @property
    def answered_by(self) -> str | None:
        """Which model is heard in this turn."""
        return getattr(self._turn.origin, "answered_by", None)

    @property
    def usage(self) -> Usage:
        """What the run has cost so far; the turn under way by our own count."""
        usage = added(self._usage, self._turn.unpaid) or Usage(output_tokens=0)
        return msgspec.structs.replace(usage, estimated=True)

    # ---- as an origin

    def start(self, inlet: Inlet) -> None:
        """Ask for the first turn."""
        self._inlet = inlet
        self._began = self._clock()
        self._begin_turn()

    def pause(self) -> None:
        """Stop reading from the model; tools that run go on, and the next request waits."""
        self._paused = True
        self._turn.pause()

    def resume(self) -> None:
        """Go on reading."""
        self._paused = False
        self._turn.resume()
        if self._waiting:
            self._waiting = False
            self._begin_turn()

    def close(self) -> None:
        """Begin closing the model's socket, and cancel the tools."""
        if not self._closed:
            self._closed = True
            self._turn.close()

    def decide(self, call: int, why: str | None) -> None:
        """Let a tool run that waits for approval, or keep it from running.

        Args:
            call: Its number.
            why: None to let it run, else what the model is told.
        """
        if not self._closed:
            self._turn.decide(call, why)

    # ---- turns

    def _begin_turn(self) -> None:
        if self._closed:
            return
        if self._turns == self._agent.max_turns:
            self.abort(
                RxllmError(
                    f"The agent {self._agent.name} had no answer after {self._turns} turns. Raise max_turns, or look "
                    "at what it asks its tools for."
                )
            )
            return
        self._turns += 1
        self.show([TurnStarted(self._turns)])
        if self._closed:
            return
        try:
            if self._turns > 1:
                self._turn = self._made(self._turn.next_call)
            self._turn.start(paused=self._paused)
        except Exception as error:  # noqa: BLE001 - all who listen are told
            self.abort(error)

    def spoken(self, turn: Completion, finish: Finish) -> None:
        """Act on what the model has said in a turn."""
        self._turn_usage = turn.usage
        self._usage = added(self._usage, turn.usage)
        calls = own_calls(turn)
        acts = bool(calls) and finish.reason not in _NOT_ACTED_ON
        self._add(turn_message(turn, acts=acts))
        if acts:
            self._turn.tools.begin(calls)
            return
        self._turn.tools.give_up(f"It began early and was cancelled: the answer ended with {finish.reason!r}.")
        if self._closed:
            return
        if finish.reason == "pause":  # it wants to be asked again, as it is
            self._end_turn()
        else:
            self._answered(turn, finish)

    def _tools_ended(self, results: list[Message], failed: list[Exception]) -> None:
        """Put what the tools gave into the conversation, and ask again."""
        for message in results:
            self._add(message)
        if self._too_many(failed):
            return
        if self._request.tool_choice not in ("auto", "none"):  # or it would have to call for ever
            self._request = self._request.model_copy(update={"tool_choice": None})
        self._end_turn()

    def _too_many(self, failed: list[Exception]) -> bool:
        self._errors += len(failed)
        if self._errors <= self._agent.max_tool_errors:
            return False
        error = ToolError(
            f"{self._errors} tool calls or answers failed, and max_tool_errors is {self._agent.max_tool_errors}. "
            f"The last: {failed[-1]}"
        )
        error.__cause__ = failed[-1]
        self.abort(error)
        return True

    def _end_turn(self) -> None:
        self.show([TurnCompleted(self._turns, self._turn_usage)])
        if self._paused:
            self._waiting = True  # who pauses does not want to pay for another request
        else:
            self._begin_turn()

    def _answered(self, turn: Completion, finish: Finish) -> None:
        output: Any = None
        if self._agent.output is not None and finish.reason not in _NOT_ACTED_ON:
            try:
                output = self._agent.output.model_validate_json(turn.text)
            except ValidationError as error:
                wrong = ToolError(f"The answer does not fit {self._agent.output.__name__}: {misfit(error)}.")
                if not self._too_many([wrong]):
                    self._add(Message.user(f"{wrong} Answer again, with JSON only."))
                    self._end_turn()
                return
        self.show(
            [
                TurnCompleted(self._turns, self._turn_usage),
                AgentCompleted((self._clock() - self._began) * 1000, self._usage, output),
                msgspec.structs.replace(finish, usage=self._usage),
            ]
        )
        if not self._closed:
            self._closed = True
            self._inlet.complete()

    def _add(self, message: Message) -> None:
        self.added.append(message)
        self._request = self._request.model_copy(update={"messages": [*self._request.messages, message]})

    def show(self, items: list[StreamItem]) -> None:
        """Hand items on."""
        if not self._closed:
            self._inlet.push(items)

    def abort(self, error: Exception) -> None:
        """End badly."""
        if not self._closed:
            self.close()
            self._inlet.fail(error)
