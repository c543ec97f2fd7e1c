"""A conversation: `Message`, and what it is made of."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, StrictStr, model_validator

from rxllm.messages import openai
from rxllm.messages.given import Given, expecting, said

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

__all__ = ["ImagePart", "Message", "MessageToolCall", "Part", "TextPart"]


def _base64(data: Any) -> Any:
    return base64.b64encode(data).decode() if isinstance(data, (bytes, bytearray)) else data


class TextPart(Given):
    """A piece of text in a message of several parts."""

    type: Literal["text"] = "text"
    text: StrictStr


class ImagePart(Given):
    """An image in a message: a `url`, or `data` (bytes, or base64) with its `media_type`."""

    type: Literal["image"] = "image"
    url: StrictStr | None = None
    data: Annotated[str | None, BeforeValidator(_base64)] = None
    media_type: str = "image/png"
    detail: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_openai(cls, given: Any) -> Any:
        return openai.image(given)

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.url is None) == (self.data is None):
            raise said("an image has either a url or base64 data.")
        return self


Part: TypeAlias = Annotated[Annotated[TextPart | ImagePart, Field(discriminator="type")], BeforeValidator(openai.part)]


class MessageToolCall(Given):
    """A tool call that the model made earlier, put back into the conversation; `arguments` is the raw JSON."""

    id: str
    name: str
    arguments: str = "{}"

    @model_validator(mode="before")
    @classmethod
    def _from_openai(cls, given: Any) -> Any:
        return openai.tool_call(given)


class Message(Given):
    """One message of a conversation.

    `native` is an earlier answer by wire, in the wire's own blocks, and `answered_by` says whose, as `"provider:model"`
    (`completion.to_message()` fills both): the same wire sends it to the same provider as it came, with its signatures;
    to anybody else go the text and the tool calls.
    """

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[StrictStr | list[Part] | None, expecting("a str, a list of parts, or None")] = None
    name: str | None = None
    tool_calls: list[MessageToolCall] = Field(default_factory=list)
    tool_call_id: str | None = None
    reasoning: str | None = None
    native: dict[str, list[Any]] = Field(default_factory=dict)
    answered_by: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_openai(cls, given: Any) -> Any:
        return openai.message(given, cls.model_fields)

    @classmethod
    def system(cls, content: str) -> Message:
        """Make a system message."""
        return cls(role="system", content=content)

    @classmethod
    def user(cls, content: str | list[Part]) -> Message:
        """Make a user's message, of text or of parts."""
        return cls(role="user", content=content)

    @classmethod
    def assistant(cls, content: str | None, *, tool_calls: Iterable[MessageToolCall] = ()) -> Message:
        """Make an assistant's message, to continue a conversation."""
        return cls(role="assistant", content=content, tool_calls=list(tool_calls))

    @classmethod
    def tool(cls, content: str, *, tool_call_id: str) -> Message:
        """Make a tool's result."""
        return cls(role="tool", content=content, tool_call_id=tool_call_id)
