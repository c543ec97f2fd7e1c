"""`Agent`: a model with tools, asked until it has an answer; all its turns are one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rxllm.agent.arguments import Arguments
from rxllm.agent.run import AgentRun
from rxllm.askable import Askable
from rxllm.errors import ConfigurationError
from rxllm.messages import Message, Timeouts, chat_request
from rxllm.observable import at_home
from rxllm.stream import CompletionStream
from rxllm.tools import Tool, as_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import BaseModel
    from reactivex import abc

    from rxllm.items import ToolCall
    from rxllm.messages import ChatRequest, Prompt
    from rxllm.turn_items import ToolApprovalRequested

__all__ = ["Agent", "AgentStream", "number_of"]


def number_of(call: int | ToolCall | ToolApprovalRequested) -> int:
    """Tell a call's number in its run.

    Raises:
        ConfigurationError: It is no call.
    """
    number = getattr(call, "call", call)
    if not isinstance(number, int):
        raise ConfigurationError(
            f"A call is told by the item that asked, ToolApprovalRequested, or by its number item.call; got a value of "
            f"type {type(call).__name__}."
        )
    return number


class AgentStream(CompletionStream):
    """A stream of several turns.

    Differs from a `CompletionStream` in that its tools may be approved or denied, and in that it knows the messages
    that the run added to the conversation.
    """

    def approve(self, call: int | ToolCall | ToolApprovalRequested) -> None:
        """Let a tool run that waits for it; from any thread.

        Args:
            call: The item that asked, or its number; one that does not wait is not an error.

        Raises:
            ConfigurationError: It is neither.
        """
        self._decide(call, None)

    def deny(self, call: int | ToolCall | ToolApprovalRequested, why: str = "The user did not allow it.") -> None:
        """Keep a tool from running; the model is told why. From any thread.

        Args:
            call: The item that asked, or its number.
            why: What the model reads.

        Raises:
            ConfigurationError: It is neither.
        """
        self._decide(call, why)

    def _decide(self, call: int | ToolCall | ToolApprovalRequested, why: str | None) -> None:
        run, number = cast("AgentRun", self._origin), number_of(call)
        at_home(self._home, lambda: run.decide(number, why))

    @property
    def messages(self) -> list[Message]:
        """What the run has added so far, to be put behind the messages that it was asked with."""
        return cast("AgentRun", self._origin).added


class Agent(Askable):
    """A model that may call tools, and is asked again with what they gave until it answers.

    Differs from a `Model` in that one question may take several requests; it can be asked, and listened to, in the same
    way.

    Args:
        model: What is asked: a model, or several with `fallback` or `hedge`.
        instructions: The system message.
        tools: Functions, decorated with `@tool` or not.
        output: A pydantic model that the answer must fit; it is then `completion.output`.
        max_turns: Requests that one question may take.
        max_tool_errors: Failed calls and misfitting answers that one question may bring; the next one fails the stream.
        name: For whoever watches several agents.
        timeouts: Of the whole run: only `total` and `first_item` make sense here; each turn has the model's own.
        settings: Fields of `ChatRequest` for every request.

    Raises:
        ConfigurationError: A tool cannot be described, two have one name, or an argument or a setting is wrong.
    """

    _stream_type = AgentStream

    def __init__(
        self,
        model: Askable,
        instructions: str = "",
        tools: Iterable[Tool[..., Any] | Callable[..., Any]] = (),
        *,
        output: type[BaseModel] | None = None,
        max_turns: int = 10,
        max_tool_errors: int = 3,
        name: str = "agent",
        timeouts: Timeouts | Mapping[str, float | None] | None = None,
        **settings: Any,
    ) -> None:
        fields: dict[str, Any] = {
            "model": model,
            "instructions": instructions,
            "tools": tools,
            "output": output,
            "max_turns": max_turns,
            "max_tool_errors": max_tool_errors,
            "name": name,
            "timeouts": timeouts,
        }
        given = Arguments(**fields)
        self.model: Askable = given.model
        self.instructions = given.instructions
        self.tools: dict[str, Tool[..., Any]] = {}
        for each in map(as_tool, given.tools):
            if each.name in self.tools:
                raise ConfigurationError(f"Two tools are called {each.name!r}; give one of them another name=.")
            self.tools[each.name] = each
        self.output = given.output
        self.max_turns = given.max_turns
        self.max_tool_errors = given.max_tool_errors
        self.name = given.name
        self.timeouts = given.timeouts or Timeouts(connect=None, idle=None)
        self._settings = settings
        self._request("")  # a wrong setting is told here, not at the first question

    def origin(self, prompt: Prompt, scheduler: abc.SchedulerBase, **settings: Any) -> AgentRun:
        """Prepare one run; see `Askable.origin`. `ctx=` is handed to the tools that want it."""
        context = settings.pop("ctx", None)
        for each in self.tools.values():
            each.check_context(context)
        return AgentRun(self, self._request(prompt, **settings), scheduler, context)

    def stream(self, prompt: Prompt, **options: Any) -> AgentStream:
        """Make the stream of one run; see `Askable.stream`. `ctx=` is handed to the tools that want it."""
        return cast("AgentStream", super().stream(prompt, **options))

    async def aclose(self) -> None:
        """Let go of the model."""
        await self.model.aclose()

    def _request(self, prompt: Prompt, **settings: Any) -> ChatRequest:
        request = chat_request(prompt, {**self._settings, **settings})
        changed: dict[str, Any] = {"tools": [*request.tools, *(each.spec for each in self.tools.values())]}
        if self.instructions:
            changed["messages"] = [Message.system(self.instructions), *request.messages]
        if self.output is not None:
            changed["response_format"] = self.output
        return request.model_copy(update=changed)

    def __repr__(self) -> str:
        return f"Agent({self.name!r}, {self.model!r}, tools={list(self.tools)})"
