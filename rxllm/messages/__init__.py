"""What people hand in: messages, tools, a whole request, limits. Checked by pydantic before a byte is sent."""

from rxllm.messages.conversation import ImagePart, Message, MessageToolCall, Part, TextPart
from rxllm.messages.given import Given, expecting
from rxllm.messages.request import ChatRequest, Prompt, Settings, ToolSpec, chat_request
from rxllm.messages.timeouts import Timeouts

__all__ = [
    "ChatRequest",
    "Given",
    "ImagePart",
    "Message",
    "MessageToolCall",
    "Part",
    "Prompt",
    "Settings",
    "TextPart",
    "Timeouts",
    "ToolSpec",
    "chat_request",
    "expecting",
]
