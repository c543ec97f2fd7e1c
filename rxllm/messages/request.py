"""A whole request, the same for every provider: `ChatRequest`, and how one is made of what a model is asked with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, Field, StrictStr, model_validator

from rxllm.errors import ConfigurationError
from rxllm.messages import openai
from rxllm.messages.conversation import Message
from rxllm.messages.given import Given, expecting

__all__ = ["ChatRequest", "Prompt", "Settings", "ToolSpec", "chat_request"]


def _or_empty(empty: Callable[[], Any]) -> BeforeValidator:
    """Take None for nothing, as the others' libraries do."""
    return BeforeValidator(lambda given: empty() if given is None else given)


class ToolSpec(Given):
    """A tool that the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_openai(cls, given: Any) -> Any:
        return openai.tool(given)


class Settings(Given):
    """How to answer: all of a request but its messages; see `ChatRequest`."""

    elsewhere: ClassVar[str] = " A provider's own fields go into extra={…}."

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: Annotated[list[str] | str | None, expecting("a str, a list of them, or None")] = None
    seed: int | None = None
    tools: Annotated[list[ToolSpec], _or_empty(list)] = Field(default_factory=list)
    tool_choice: Annotated[
        StrictStr | None,
        BeforeValidator(openai.tool_choice),
        expecting('"auto", "none", "required", the name of a tool, or None'),
    ] = None
    parallel_tool_calls: bool | None = None
    response_format: Annotated[
        dict[str, Any] | Literal["text", "json"] | type[BaseModel] | None,
        expecting('"text", "json", a pydantic model, a dict in the wire\'s own form, or None'),
    ] = None
    n: Annotated[int, Field(ge=1)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    metadata: dict[str, str] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stream_options: dict[str, Any] | None = None
    extra: Annotated[dict[str, Any], _or_empty(dict)] = Field(default_factory=dict)


class ChatRequest(Settings):
    """A whole request, the same for every provider.

    A field that is None is not sent. What a provider knows and this type does not goes into `extra`, whose keys are
    put into the JSON body as they are.
    """

    messages: Annotated[list[Message], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _ask_for_logprobs(cls, given: Any) -> Any:
        """Take `top_logprobs` alone for both: it counts what stands beside each of the logprobs."""
        if not isinstance(given, Mapping):
            return given
        fields = dict(cast("Mapping[str, Any]", given))
        if fields.get("top_logprobs") is not None and fields.get("logprobs") is None:
            fields["logprobs"] = True
        return fields


Prompt: TypeAlias = "str | Message | Mapping[str, Any] | Iterable[Message | Mapping[str, Any]] | ChatRequest"
"""What a model can be asked: a text, a message, a conversation, or a whole request."""


def chat_request(
    prompt: Prompt, settings: Mapping[str, Any] | None = None, *, defaults: Mapping[str, Any] | None = None
) -> ChatRequest:
    """Make a request of whatever a model is asked with.

    >>> chat_request("Why?", {"temperature": 0.2}).messages[0].role
    'user'

    Args:
        prompt: A text, a message or several (dicts in the OpenAI manner too, of role and content), or a whole request.
        settings: Fields of `ChatRequest` that win over those in the prompt.
        defaults: Fields for what neither says.

    Returns:
        The checked request.

    Raises:
        ConfigurationError: A field is unknown or has a wrong value; it is named.
    """
    settings = dict(settings or {})
    defaults = dict(defaults or {})
    if "messages" in settings:
        raise ConfigurationError("messages= is no setting: the messages are the prompt, e.g. model.stream(messages).")
    if isinstance(prompt, ChatRequest):
        own = {name: getattr(prompt, name) for name in prompt.model_fields_set}
        return ChatRequest(**(defaults | own | settings))
    return ChatRequest(messages=cast("list[Message]", _messages(prompt)), **(defaults | settings))


def _messages(prompt: Any) -> list[Any]:
    if isinstance(prompt, str):
        return [Message(role="user", content=prompt)]
    if isinstance(prompt, (Message, Mapping)):
        return [prompt]
    if isinstance(prompt, Iterable) and not isinstance(prompt, (bytes, bytearray, memoryview)):
        return list(cast("Iterable[Any]", prompt))
    raise ConfigurationError(
        "A prompt is a str, a Message, an iterable of messages, or a ChatRequest; "
        f"got a value of type {type(cast('object', prompt)).__name__}."
    )
