"""rxllm: LLM streams as hot ReactiveX Observables: one request, many observers, one honest final value.

>>> from rxllm import Model, operators as ops
"""

from __future__ import annotations

import sys

try:
    import importlib
    from typing import TYPE_CHECKING, Any, Final

    from loguru import logger
except KeyboardInterrupt:
    # Ctrl-C before the command line runs one line of its own; in a program of somebody else's it is theirs to handle.
    if not any(argument.endswith("rxllm") for argument in sys.orig_argv):
        raise
    sys.exit(130)

if TYPE_CHECKING:
    from rxllm import operators, senders
    from rxllm.agent import Agent, AgentStream
    from rxllm.attempts import Retry, fallback, hedge
    from rxllm.completion import Choice, Completion, accumulate
    from rxllm.errors import (
        AuthenticationError,
        ConfigurationError,
        ConnectTimeout,
        ContentFilterError,
        DecodeError,
        FirstItemTimeout,
        IdleTimeout,
        InvalidRequestError,
        MailboxOverflowError,
        OverloadedError,
        ProgressTimeout,
        ProviderError,
        RateLimitError,
        RxllmError,
        SenderError,
        StreamTimeoutError,
        ToolError,
        TotalTimeout,
        TransportError,
        TruncatedStreamError,
    )
    from rxllm.items import (
        ChoiceFinished,
        Finish,
        Logprobs,
        Media,
        Ping,
        ProviderEvent,
        Reasoning,
        ReasoningDelta,
        RefusalDelta,
        Rollback,
        ServerToolCall,
        ServerToolResult,
        Source,
        Stamped,
        Started,
        StreamItem,
        TextDelta,
        Timing,
        ToolCall,
        ToolCallDelta,
        Usage,
    )
    from rxllm.messages import ChatRequest, ImagePart, Message, MessageToolCall, TextPart, Timeouts, ToolSpec
    from rxllm.model import Health, Model
    from rxllm.pipelines import Pipeline, PipelineStream, Step, parallel, pipeline, when
    from rxllm.providers import PROVIDERS, Provider
    from rxllm.runtime import RunItem, Runtime
    from rxllm.stream import CompletionStream
    from rxllm.tools import Tool, tool
    from rxllm.turn_items import (
        AgentCompleted,
        StageCompleted,
        StageStarted,
        ToolApprovalRequested,
        ToolCompleted,
        ToolProgress,
        ToolStarted,
        TurnCompleted,
        TurnStarted,
    )

__all__ = [
    "PROVIDERS",
    "Agent",
    "AgentCompleted",
    "AgentStream",
    "AuthenticationError",
    "ChatRequest",
    "Choice",
    "ChoiceFinished",
    "Completion",
    "CompletionStream",
    "ConfigurationError",
    "ConnectTimeout",
    "ContentFilterError",
    "DecodeError",
    "Finish",
    "FirstItemTimeout",
    "Health",
    "IdleTimeout",
    "ImagePart",
    "InvalidRequestError",
    "Logprobs",
    "MailboxOverflowError",
    "Media",
    "Message",
    "MessageToolCall",
    "Model",
    "OverloadedError",
    "Ping",
    "Pipeline",
    "PipelineStream",
    "ProgressTimeout",
    "Provider",
    "ProviderError",
    "ProviderEvent",
    "RateLimitError",
    "Reasoning",
    "ReasoningDelta",
    "RefusalDelta",
    "Retry",
    "Rollback",
    "RunItem",
    "Runtime",
    "RxllmError",
    "SenderError",
    "ServerToolCall",
    "ServerToolResult",
    "Source",
    "StageCompleted",
    "StageStarted",
    "Stamped",
    "Started",
    "Step",
    "StreamItem",
    "StreamTimeoutError",
    "TextDelta",
    "TextPart",
    "Timeouts",
    "Timing",
    "Tool",
    "ToolApprovalRequested",
    "ToolCall",
    "ToolCallDelta",
    "ToolCompleted",
    "ToolError",
    "ToolProgress",
    "ToolSpec",
    "ToolStarted",
    "TotalTimeout",
    "TransportError",
    "TruncatedStreamError",
    "TurnCompleted",
    "TurnStarted",
    "Usage",
    "accumulate",
    "fallback",
    "hedge",
    "operators",
    "parallel",
    "pipeline",
    "senders",
    "tool",
    "when",
]

_ROOMS: Final = {
    "attempts": ("Retry", "fallback", "hedge"),
    "completion": ("Choice", "Completion", "accumulate"),
    "errors": (
        "AuthenticationError",
        "ConfigurationError",
        "ConnectTimeout",
        "ContentFilterError",
        "DecodeError",
        "FirstItemTimeout",
        "IdleTimeout",
        "InvalidRequestError",
        "MailboxOverflowError",
        "OverloadedError",
        "ProgressTimeout",
        "ProviderError",
        "RateLimitError",
        "RxllmError",
        "SenderError",
        "StreamTimeoutError",
        "ToolError",
        "TotalTimeout",
        "TransportError",
        "TruncatedStreamError",
    ),
    "items": (
        "ChoiceFinished",
        "Finish",
        "Logprobs",
        "Media",
        "Ping",
        "ProviderEvent",
        "Reasoning",
        "ReasoningDelta",
        "RefusalDelta",
        "Rollback",
        "ServerToolCall",
        "ServerToolResult",
        "Source",
        "Stamped",
        "Started",
        "StreamItem",
        "TextDelta",
        "Timing",
        "ToolCall",
        "ToolCallDelta",
        "Usage",
    ),
    "messages": ("ChatRequest", "ImagePart", "Message", "MessageToolCall", "TextPart", "Timeouts", "ToolSpec"),
    "model": ("Health", "Model"),
    "operators": (),  # itself the public name
    "providers": ("PROVIDERS", "Provider"),
    "stream": ("CompletionStream",),
    "agent": ("Agent", "AgentStream"),
    "pipelines": ("Pipeline", "PipelineStream", "Step", "parallel", "pipeline", "when"),
    "runtime": ("RunItem", "Runtime"),
    "senders": (),
    "tools": ("Tool", "tool"),
    "turn_items": (
        "AgentCompleted",
        "StageCompleted",
        "StageStarted",
        "ToolApprovalRequested",
        "ToolCompleted",
        "ToolProgress",
        "ToolStarted",
        "TurnCompleted",
        "TurnStarted",
    ),
}
"""Where each public name lives: a room is imported when a name of it is first asked for."""
_HOMES: Final = {name: room for room, names in _ROOMS.items() for name in names}

logger.disable("rxllm")  # a library is silent until its user says logger.enable("rxllm")

if not TYPE_CHECKING:  # to a type checker, a name that is not above must stay unknown

    def __getattr__(name: str) -> Any:
        if name in _ROOMS:
            return importlib.import_module(f"rxllm.{name}")
        try:
            room = _HOMES[name]
        except KeyError:
            raise AttributeError(f"module 'rxllm' has no attribute {name!r}") from None
        value = globals()[name] = getattr(importlib.import_module(f"rxllm.{room}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
