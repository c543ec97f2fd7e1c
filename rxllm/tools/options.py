"""What `@tool` is told besides the function, checked before anything is made of it."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictStr

from rxllm.messages import Given, expecting
from rxllm.messages.given import said

__all__ = ["Options"]


def _decides(given: Any) -> Any:
    """Refuse what is no answer: an async function's coroutine would be taken for a yes, and never awaited."""
    if inspect.iscoroutinefunction(given) or inspect.iscoroutinefunction(type(given).__call__):
        raise said("got an async function, expected a sync one of the tool's arguments, or True or False.")
    if not isinstance(given, bool) and not callable(given):
        raise said(f"got a value of type {type(given).__name__}, expected True, False, or a function of the arguments.")
    return given


class Options(Given):
    """The options of a tool."""

    model_config = ConfigDict(title="Tool")

    name: Annotated[StrictStr | None, expecting("a name, or None for the function's own")]
    description: Annotated[StrictStr | None, expecting("a str, or None for the docstring's")]
    timeout: Annotated[
        Annotated[float, Field(strict=True, gt=0)] | None, expecting("a positive number of seconds, or None")
    ]
    max_concurrency: Annotated[
        Annotated[int, Field(strict=True, ge=1)] | None, expecting("a whole number, at least 1, or None")
    ]
    needs_approval: Annotated[Any, AfterValidator(_decides)]
    early: StrictBool
