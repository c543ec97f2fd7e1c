"""What a model must know to call a function: read off its signature, its annotations and its docstring."""

from __future__ import annotations

import inspect
import re
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUserError

from rxllm.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["CONTEXT", "Arguments", "described", "is_method", "misfit", "source_of", "summary"]

CONTEXT: Final = "ctx"
"""The parameter that the model does not see."""

_PREFIX: Final = "arg_"  # of the fields, since a parameter may be called `json` or `_x`, and a pydantic field may not
_SECTION: Final = re.compile(
    r"^\s*(?:Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?):\s*$", re.MULTILINE
)
_ARGUMENT: Final = re.compile(r"^(\s+)\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")
_FIELD: Final = re.compile(r"^\s*:param\s+(?:[^:]*\s)?(\w+):\s*(.*)$", re.MULTILINE)


class Arguments(NamedTuple):
    """What a function takes."""

    model: type[BaseModel]
    """What the model's arguments are checked with."""
    positional: tuple[str, ...] = ()
    """Those that cannot be given by name."""
    wants_context: bool = False
    context: Any = None
    """What `ctx` is annotated with."""

    def by_name(self, checked: BaseModel) -> dict[str, Any]:
        """Give the values of a checked instance by the parameters' names."""
        return {field.removeprefix(_PREFIX): getattr(checked, field) for field in self.model.model_fields}


def source_of(function: Any) -> Any:
    """Give what a callable was made of: what has the name, the docstring and the annotations.

    >>> source_of(partial(print, end="")) is print
    True

    Args:
        function: Any callable, or a classmethod.

    Returns:
        The function within a partial or a classmethod; all else as it is.
    """
    while isinstance(function, (partial, classmethod)):
        made = cast("Any", function)
        function = made.func if isinstance(made, partial) else made.__func__
    return function


def is_method(function: Any) -> bool:
    """Tell whether a function wants an object first, which is not for the model to say.

    >>> is_method(lambda self: None), is_method(lambda x: None)
    (True, False)

    Args:
        function: Any callable, or a classmethod.

    Returns:
        Whether it must be bound.
    """
    if isinstance(function, classmethod):
        return True
    return inspect.isfunction(function) and next(iter(inspect.signature(function).parameters), "") in ("self", "cls")


def described(function: Any, name: str) -> Arguments:
    """Read what a function takes.

    Args:
        function: Any callable that wants no object first, or a pydantic model.
        name: Of the tool.

    Returns:
        What is known of its arguments.

    Raises:
        ConfigurationError: A parameter cannot be described in JSON Schema, or an annotation cannot be read.
    """
    if inspect.isclass(function) and issubclass(function, BaseModel):
        return Arguments(function)
    source = source_of(function)
    told = _arguments_in(inspect.getdoc(source) or "")
    hints = _hints(source, name)
    bound: Any = getattr(function, "keywords", {})  # of a partial: not for the model to say
    fields: dict[str, Any] = {}
    parameters = inspect.signature(function).parameters
    for key, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigurationError(f"Tool {name} has *{key}, which no JSON Schema can describe. Name its parameters.")
        if key == CONTEXT or key in bound:
            continue
        known: dict[str, Any] = {"description": told[key]} if key in told else {}  # else that of an Annotated stands
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[_PREFIX + key] = (hints.get(key, Any), Field(default=default, alias=key, **known))
    try:
        model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    except (PydanticUserError, TypeError, NameError) as error:
        raise ConfigurationError(f"The parameters of tool {name} cannot be described: {error}") from error
    positional = tuple(key for key, each in parameters.items() if each.kind is each.POSITIONAL_ONLY)
    return Arguments(model, positional, CONTEXT in parameters, hints.get(CONTEXT))


def _hints(source: Any, name: str) -> dict[str, Any]:
    """Read the annotations, but not that of what it returns, which nobody needs and may not be there to be read."""
    inner: Any = inspect.unwrap(source if inspect.isroutine(source) else type(source).__call__)
    written = {key: hint for key, hint in inspect.get_annotations(inner).items() if key != "return"}
    try:
        return get_type_hints(
            SimpleNamespace(__annotations__=written), getattr(inner, "__globals__", {}), include_extras=True
        )
    except NameError as error:
        raise ConfigurationError(
            f"The annotations of tool {name} cannot be read ({error}); those names must stand at the top of its "
            "module, outside of TYPE_CHECKING."
        ) from error


def misfit(error: ValidationError) -> str:
    """Say what does not fit, field by field, without what was written there.

    Args:
        error: What pydantic found.

    Returns:
        A line for the model.
    """
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}" for each in error.errors(include_url=False)
    )


def summary(doc: str) -> str:
    r"""Give what stands before a docstring's first section.

    >>> summary("Look up.\n\nArgs:\n    city: Where.")
    'Look up.'

    Args:
        doc: The docstring, without its indentation.

    Returns:
        Its first sentences.
    """
    found = _SECTION.search(doc) or _FIELD.search(doc)
    return (doc[: found.start()] if found else doc).strip()


def _arguments_in(doc: str) -> dict[str, str]:
    """Give what a docstring says of each parameter, in Google's manner or Sphinx's."""
    told = {name: text.strip() for name, text in _FIELD.findall(doc)}
    within, indent, last = False, "", ""
    for line in doc.splitlines():
        if _SECTION.match(line):
            within, indent = line.strip() in ("Args:", "Arguments:", "Parameters:"), ""
            continue
        found = _ARGUMENT.match(line) if within else None
        if found and (not indent or found[1] == indent):
            indent, last = found[1], found[2]
            told[last] = found[3].strip()
        elif within and line.strip() and last in told and line.startswith(indent + " "):
            told[last] += " " + line.strip()
    return told
