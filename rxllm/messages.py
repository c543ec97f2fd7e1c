"""What people hand in: messages, tools, a whole request, limits. Checked by pydantic before a byte is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rxllm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ChatRequest",
    "ImagePart",
    "Message",
    "MessageToolCall",
    "Part",
    "Prompt",
    "TextPart",
    "Timeouts",
    "ToolSpec",
    "chat_request",
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextPart(_Model):
    """A piece of text in a message of several parts."""

    type: Literal["text"] = "text"
    text: str


class ImagePart(_Model):
    """An image in a message: a `url`, or base64 `data` with its `media_type`."""

    type: Literal["image"] = "image"
    url: str | None = None
    data: str | None = None
    media_type: str = "image/png"
    detail: str | None = None

    def model_post_init(self, _context: Any, /) -> None:
        """Refuse an image that is neither or both."""
        if (self.url is None) == (self.data is None):
            raise ValueError("an image has either a url or base64 data")


Part: TypeAlias = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class MessageToolCall(_Model):
    """A tool call that the model made earlier, put back into the conversation; `arguments` is the raw JSON."""

    id: str
    name: str
    arguments: str = "{}"


class Message(_Model):
    """One message of a conversation.

    `native` is an earlier answer by wire, in the wire's own blocks (`completion.to_message()` fills it): the same wire
    sends it as it came, with its signatures; any other wire sends the text and the tool calls.
    """

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[MessageToolCall] = []
    tool_call_id: str | None = None
    reasoning: str | None = None
    native: dict[str, list[Any]] = {}

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


class ToolSpec(_Model):
    """A tool that the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {"type": "object", "properties": {}}
    strict: bool | None = None


class ChatRequest(_Model):
    """A whole request, the same for every provider.

    A field that is None is not sent. What a provider knows and this type does not goes into `extra`, whose keys are
    put into the JSON body as they are.
    """

    messages: Annotated[list[Message], Field(min_length=1)]
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: list[str] | str | None = None
    seed: int | None = None
    tools: list[ToolSpec] = []
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | Literal["text", "json"] | type[BaseModel] | None = None
    n: Annotated[int, Field(ge=1)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    metadata: dict[str, str] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stream_options: dict[str, Any] | None = None
    extra: dict[str, Any] = {}


class Timeouts(_Model):
    """The five limits, in seconds; None never ends anything.

    `connect` until there is a connection, `idle` without a byte, `first_item` until the first item, `progress` without
    content while bytes (keep-alives) still come, `total` for the whole. A pause stops all but the total one.
    """

    connect: Annotated[float, Field(gt=0)] | None = 15.0
    idle: Annotated[float, Field(gt=0)] | None = 300.0
    first_item: Annotated[float, Field(gt=0)] | None = None
    progress: Annotated[float, Field(gt=0)] | None = None
    total: Annotated[float, Field(gt=0)] | None = None


Prompt: TypeAlias = "str | Iterable[Message | Mapping[str, Any]] | ChatRequest"
"""What a model can be asked: a text, a conversation, or a whole request."""


def chat_request(prompt: Prompt, settings: Mapping[str, Any] | None = None) -> ChatRequest:
    """Make a request of whatever a model is asked with.

    >>> chat_request("Why?", {"temperature": 0.2}).messages[0].role
    'user'

    Args:
        prompt: A text, messages (dicts in the OpenAI manner too, of role and content), or a whole request.
        settings: Fields of `ChatRequest` that win over those in the prompt.

    Returns:
        The checked request.

    Raises:
        ConfigurationError: A field is unknown or has a wrong value; it is named.
    """
    settings = dict(settings or {})
    try:
        if isinstance(prompt, ChatRequest):
            given = {name: getattr(prompt, name) for name in prompt.model_fields_set}
            return ChatRequest.model_validate({**given, **settings})
        messages: Any = [Message.user(prompt)] if isinstance(prompt, str) else list(prompt)
        return ChatRequest.model_validate({"messages": messages, **settings})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(place) for place in first["loc"]) or "request"
        known = f" Known fields: {', '.join(ChatRequest.model_fields)}." if first["type"] == "extra_forbidden" else ""
        hint = " Put a provider's own fields into extra={…}." if first["type"] == "extra_forbidden" else ""
        raise ConfigurationError(f"{where}: {first['msg']}.{known}{hint}") from error
    except TypeError as error:
        raise ConfigurationError(
            f"A prompt is a str, an iterable of messages, or a ChatRequest; got {type(prompt).__name__}."
        ) from error
