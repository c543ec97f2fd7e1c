"""What the provider runs itself: search, code, images, MCP, a shell; and the citations that come of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from rxllm.completion import parse_arguments
from rxllm.items import Media, ServerToolCall, ServerToolResult, Source
from rxllm.wire.loose_json import word

if TYPE_CHECKING:
    from rxllm.items import StreamItem

__all__ = ["server_tool", "source"]

Json: TypeAlias = "dict[str, Any]"

# An item's type: the tool's name, the fields that are its arguments, the field that is its result.
_TOOLS: Final[dict[str, tuple[str, tuple[str, ...], str | None]]] = {
    "web_search_call": ("web_search", ("action",), None),
    "file_search_call": ("file_search", ("queries",), "results"),
    "code_interpreter_call": ("code_interpreter", ("code",), "outputs"),
    "mcp_list_tools": ("mcp_list_tools", ("server_label",), "tools"),
    "shell_call": ("shell", ("action",), None),
    "shell_call_output": ("shell", (), "output"),
    "tool_search_call": ("tool_search", ("arguments",), None),
    "tool_search_output": ("tool_search", (), "tools"),
}
_ALONE: Final = {"web_search_call": "action", "shell_call": "action", "tool_search_call": "arguments"}
"""Where one field has all the arguments in it."""


def server_tool(item: Json) -> list[StreamItem] | None:
    """Read an output item as a tool that the provider ran, if it is one.

    >>> server_tool({"type": "file_search_call", "id": "fs", "queries": ["a"], "results": []})
    [ServerToolCall(id='fs', name='file_search', arguments={'queries': ['a']}),
     ServerToolResult(id='fs', name='file_search', content=[])]
    >>> server_tool({"type": "computer_call"}) is None
    True

    Args:
        item: The item, as it was when done.

    Returns:
        The call and its result, where the item has them; None for an item that somebody here must answer, or unknown.
    """
    kind = item.get("type")
    if not isinstance(kind, str) or _is_ours(item, kind):
        return None
    if kind == "image_generation_call":
        return _image(item)
    if kind == "mcp_call":
        return _mcp(item)
    name, asked, field = _TOOLS.get(kind, ("", (), None))
    if not name:
        return None
    read: list[StreamItem] = []
    if not kind.endswith("_output"):
        arguments = {each: item.get(each) for each in asked}
        read.append(_call(item, name, arguments.get(_ALONE.get(kind, ""), arguments), *asked, field))
    if field is not None:
        read.append(_result(item, name, item.get(field)))
    if kind == "web_search_call":
        action = item.get("action")
        found = cast("Json", action).get("sources") if isinstance(action, dict) else None
        read.append(_result(item, name, found))
    return read


def _is_ours(item: Json, kind: str) -> bool:
    """Tell whether somebody here must run a tool that the provider knows how to run too."""
    if kind == "shell_call":
        environment = item.get("environment")
        return not isinstance(environment, dict) or cast("Json", environment).get("type") == "local"
    return kind == "tool_search_call" and item.get("execution") == "client"


def _call(item: Json, name: str, arguments: Any, *told: str | None) -> ServerToolCall:
    """Make the call; what neither the arguments nor the result tell stands in `extra`."""
    known = {*told, "type", "id", "call_id", "status"}
    extra = {field: value for field, value in item.items() if field not in known and value is not None}
    return ServerToolCall(_id(item), name, arguments, extra=extra or None)


def _result(item: Json, name: str, content: Any) -> ServerToolResult:
    return ServerToolResult(_id(item), name, content, item.get("status") == "failed" or item.get("error") is not None)


def _mcp(item: Json) -> list[StreamItem]:
    name, arguments, error = word(item.get("name")) or "", item.get("arguments"), item.get("error")
    parsed = parse_arguments(arguments) if isinstance(arguments, str) else arguments
    call = _call(item, name, parsed, "name", "arguments", "output", "error")
    return [call, _result(item, name, item.get("output") if error is None else error)]


def _image(item: Json) -> list[StreamItem]:
    prompt, data = item.get("revised_prompt"), word(item.get("result"))
    name = "image_generation"
    call = _call(item, name, {"prompt": prompt} if prompt else {}, "revised_prompt", "result")
    made = [Media(f"image/{item.get('output_format') or 'png'}", data, extra={"id": _id(item)})] if data else []
    return [call, *made, _result(item, name, None)]


def source(annotation: Json) -> Source:
    """Read an annotation.

    >>> source({"type": "url_citation", "url": "u", "title": "t", "start_index": 0})
    Source(url='u', title='t', extra={'type': 'url_citation', 'start_index': 0})

    Args:
        annotation: A citation of an address or of a file.

    Returns:
        The source.
    """
    title = word(annotation.get("title")) or word(annotation.get("filename"))
    text = word(annotation.get("quote")) or word(annotation.get("text"))
    known = ("url", "title", "filename", "quote", "text")
    extra = {name: value for name, value in annotation.items() if name not in known and value is not None}
    return Source(word(annotation.get("url")), title, text, extra=extra or None)


def _id(item: Json) -> str | None:
    return word(item.get("call_id")) or word(item.get("id"))
