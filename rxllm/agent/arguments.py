"""What an `Agent` is made with, checked before anything is made of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, StrictStr

from rxllm.askable import Askable  # noqa: TC001 - pydantic evaluates the annotations
from rxllm.messages import Given, Timeouts, expecting

__all__ = ["Arguments"]


class Arguments(Given):
    """The arguments of `Agent`, but for the settings of its requests."""

    model_config = ConfigDict(title="Agent")

    model: Annotated[InstanceOf[Askable], expecting("a model, e.g. Model('openai:gpt-4o-mini')")]
    instructions: Annotated[StrictStr, expecting("a str")]
    tools: Annotated[list[Any], expecting("a list of tools, e.g. [search]")]
    output: Annotated[type[BaseModel] | None, expecting("a pydantic model, or None")]
    max_turns: Annotated[int, Field(strict=True, ge=1), expecting("a whole number of turns, 1 or more")]
    max_tool_errors: Annotated[int, Field(strict=True, ge=0), expecting("a whole number, 0 or more")]
    name: Annotated[StrictStr, expecting("a str")]
    timeouts: Annotated[Timeouts | None, expecting("Timeouts, a dict of its fields, e.g. {'total': 60}, or None")]
